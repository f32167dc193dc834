import { Injectable } from '@nestjs/common';
import { OpenApiAuth, RegisterServer, say } from '@aos/contracts';
import { z } from 'zod';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import {
  type Document,
  type Prepared,
  type ProposalRow,
  Proposals,
  Proposed,
} from '../../proposals/index.js';
import { storable } from '../chain/result-check.js';
import { ServerAway } from '../integrations.errors.js';
import type { RestService } from '../openapi/rest-upstream.js';
import { briefly, requireReadable, requireTold, shownTools } from '../proposed-documents.js';
import { type ServerRow, leftOutOf } from '../registry.js';
import { Launches } from '../upstreams/launches.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { type NewServer, Registration, type Seen } from './registration.js';
import { requireRoute, requireSecret } from './registration-checks.js';

type Action = 'server.register' | 'servers.import';

/**
 * Adds servers whose checks are behind them, or proposes them where a second person is wanted: with the definitions that
 * they tell of, so one that does not answer cannot be proposed. Confirming asks each of them once more, before the
 * transaction that adds it; one that does not answer, or that tells otherwise, leaves the proposal as it is.
 */
@Injectable()
export class Registrations {
  constructor(
    private readonly database: Database,
    private readonly registration: Registration,
    private readonly upstreams: Upstreams,
    private readonly launches: Launches,
    private readonly proposals: Proposals,
  ) {
    for (const action of ['server.register', 'servers.import'] as const)
      proposals.appliesBy(action, { prepare: (ctx, row) => this.prepare(ctx, row) });
  }

  /** What is asked of a registration before anything is started or called. */
  async check(ctx: Ctx, input: NewServer): Promise<void> {
    this.registration.requireName(input.name);
    const { transport } = input;
    if (transport === 'openapi') await this.registration.requireAddress(input.openapi!.baseUrl);
    else await requireRoute({ ...input, transport }, this.launches);
    await this.registration.requireEndpoint(ctx, input);
    await this.registration.requireFree(input.name);
    await requireSecret(this.database, ctx, input);
  }

  async add(
    ctx: Ctx,
    wanted: readonly NewServer[],
    action: Action,
  ): Promise<ServerRow[] | Proposed> {
    const seen = await this.look(wanted);
    let isKept = false;
    try {
      const answer = await this.database.transaction(
        async (tx) =>
          (await this.instead(tx, ctx, wanted, seen, action)) ??
          (await this.store(tx, ctx, wanted, seen)),
      );
      isKept = !(answer instanceof Proposed);
      return answer;
    } finally {
      if (!isKept) await this.letGo(wanted);
    }
  }

  private look(wanted: readonly NewServer[]): Promise<Seen[]> {
    return Promise.all(wanted.map((each) => this.registration.look(each)));
  }

  private async store(
    tx: Tx,
    ctx: Ctx,
    wanted: readonly NewServer[],
    seen: readonly Seen[],
  ): Promise<ServerRow[]> {
    const rows = [];
    for (const [index, each] of wanted.entries())
      rows.push(await this.registration.store(tx, ctx, each, seen[index]!));
    return rows;
  }

  private async instead(
    tx: Tx,
    ctx: Ctx,
    wanted: readonly NewServer[],
    seen: readonly Seen[],
    action: Action,
  ): Promise<Proposed | undefined> {
    if (wanted.length === 0 || !(await this.proposals.wants(tx, ctx, { kind: 'servers' })))
      return undefined;
    for (const [index, { name }] of wanted.entries()) requireThere(name, seen[index]!, 'propose');
    const documents = wanted.map((each, index) => documentOf(each, seen[index]!));
    const isOne = action === 'server.register';
    const after = isOne ? documents[0]! : { servers: documents };
    requireReadable(after);
    const service = isOne ? wanted[0]!.openapi : undefined;
    return this.proposals.instead(tx, ctx, {
      ...{ kind: 'servers', action, base: null, before: null, after },
      target: isOne ? `mcp-server:${wanted[0]!.name}` : 'mcp-servers:import',
      briefly: { before: null, after: briefly(after) },
      keep: async (id) => {
        if (service)
          await sql(tx, 'INSERT INTO proposed_services (proposal_id, service) VALUES ($1, $2)', [
            id,
            JSON.stringify(storable(service)),
          ]);
      },
    });
  }

  private async prepare(ctx: Ctx, { id, action, after }: ProposalRow): Promise<Prepared> {
    const documents =
      action === 'servers.import' ? (after!['servers'] as Document[]) : [after as Document];
    const wanted: NewServer[] = [];
    for (const each of documents) wanted.push(await this.registrationOf(id, each));
    for (const each of wanted) await this.check(ctx, each);
    const seen = await this.look(wanted);
    try {
      for (const [index, { name }] of wanted.entries()) {
        requireThere(name, seen[index]!, 'confirm');
        requireTold(name, documents[index], seen[index]!.listed.tools);
      }
    } catch (error) {
      await this.letGo(wanted);
      throw error;
    }
    return {
      apply: (tx, by) => this.store(tx, by, wanted, seen),
      settle: async (isApplied) => {
        if (!isApplied) await this.letGo(wanted);
      },
    };
  }

  private async registrationOf(id: string, document: Document): Promise<NewServer> {
    if (document['transport'] !== 'openapi') return RegisterServer.parse(fieldsOf(document));
    const input = FromOpenApi.parse(document);
    const [row] = await this.database.query<{ service: RestService }>(
      'SELECT service FROM proposed_services WHERE proposal_id = $1',
      [id],
    );
    if (!row || canonicalHash(row.service) !== input.service.hash)
      throw new AosError('precondition_failed', say('server-moved', { server: input.name }));
    const { service: _, ...rest } = input;
    return { ...rest, openapi: row.service };
  }

  /** Of servers that were asked and not added. Another process may have added one by the same name meanwhile. */
  private async letGo(wanted: readonly NewServer[]): Promise<void> {
    const names = wanted.map(({ name }) => name);
    const rows = await this.database.query<{ name: string }>(
      'SELECT name FROM mcp_registry WHERE name = ANY($1)',
      [names],
    );
    const kept = new Set(rows.map(({ name }) => name));
    const gone = names.filter((name) => !kept.has(name));
    await Promise.all(gone.map((name) => this.upstreams.close(name)));
  }
}

/** With an API description its tools come from there, and it is kept beside the proposal: this has its hash. */
function documentOf({ openapi, ...input }: NewServer, { listed }: Seen): Document {
  return storable({
    ...input,
    ...(openapi && { service: { auth: openapi.auth, hash: canonicalHash(storable(openapi)) } }),
    tools: shownTools(listed.tools, openapi),
    ...(listed.leftOut.length > 0 && { leftOut: leftOutOf(listed.leftOut) }),
  });
}

function fieldsOf({ tools: _, leftOut: __, ...fields }: Document): Document {
  return fields;
}

const FromOpenApi = z.object({
  name: z.string(),
  transport: z.literal('openapi'),
  url: z.string(),
  description: z.string(),
  auth: z.object({ secret: z.string() }).optional(),
  idempotentTools: z.array(z.string()),
  service: z.object({ hash: z.string(), auth: OpenApiAuth.nullable() }),
});

function requireThere(name: string, { health }: Seen, to: 'propose' | 'confirm'): void {
  if (health.state !== 'healthy') throw new ServerAway(name, health.said ?? health.error, to);
}
