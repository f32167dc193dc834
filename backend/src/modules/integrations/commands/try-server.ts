import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { RegisterServer, ServerTrial } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import { type KeptTool, definitionHash } from '../chain/pins.js';
import { type ListedTool, Registry, type ServerRow, leftOutOf, toldOf } from '../registry.js';
import { Launches } from '../upstreams/launches.js';
import { type UpstreamRow, Upstreams } from '../upstreams/upstreams.js';
import { UpstreamFault } from '../upstreams/upstream.js';
import { routeOf } from './registration.js';
import { requireRoute, requireSecret } from './registration-checks.js';

/**
 * Connects to a server and asks for its tools: one that is registered, by its name, or one that might be, of which
 * nothing is kept. A trial starts a process or calls an address, so it is for those who may register servers, and
 * it is in the audit before it happens.
 */
export class TryMcpServer extends Command<ServerTrial> {
  constructor(
    readonly ctx: Ctx,
    readonly server: string | RegisterServer,
  ) {
    super();
  }
}

@CommandHandler(TryMcpServer)
export class TryMcpServerHandler implements ICommandHandler<TryMcpServer> {
  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly upstreams: Upstreams,
    private readonly audit: AuditTrail,
    private readonly launches: Launches,
  ) {}

  async execute({ ctx, server }: TryMcpServer): Promise<ServerTrial> {
    if (typeof server === 'string') return this.tryKept(ctx, await this.registry.find(server));
    await requireRoute(server, this.launches);
    await requireSecret(this.database, ctx, server);
    // No registered server has such a name: the connection of one by the same name goes on undisturbed.
    const route = { ...routeOf(server), name: `${server.name}~trial` };
    await this.tell(ctx, server.name, { ...route, name: undefined });
    try {
      return await this.look(route, []);
    } finally {
      await this.upstreams.close(route.name);
    }
  }

  private async tryKept(ctx: Ctx, row: ServerRow): Promise<ServerTrial> {
    await this.tell(ctx, row.name, {});
    // Whoever asks anew wants a new try, not the pause after the last failure.
    if (row.health.state !== 'healthy') await this.upstreams.close(row.name);
    const known = await this.known(row.name);
    const trial = await this.look(row, known);
    // What is seen to be otherwise than approved is off from now on.
    if (
      trial.ok &&
      row.transport !== 'builtin' &&
      (trial.tools.some(({ state }) => state !== 'same') ||
        canonicalHash(trial.leftOut) !== canonicalHash(leftOutOf(row.left_out)))
    )
      await this.registry.syncTools(row);
    if (!row.is_enabled) await this.upstreams.close(row.name);
    return trial;
  }

  private async look(route: UpstreamRow, known: readonly KnownTool[]): Promise<ServerTrial> {
    const began = performance.now();
    const took = () => Math.round(performance.now() - began);
    try {
      const { tools, leftOut } = await this.registry.ask(route);
      return {
        ...{ ok: true, latencyMs: took(), error: null },
        tools: compare(tools, known),
        leftOut: leftOutOf(leftOut),
      };
    } catch (error) {
      if (!(error instanceof UpstreamFault)) throw error;
      const { message, said } = error;
      const told = toldOf({ error: message, said }, 2000);
      return { ok: false, latencyMs: took(), ...told, tools: [], leftOut: [] };
    }
  }

  private async known(server: string): Promise<KnownTool[]> {
    const rows = await this.database.query<Pick<KeptTool, 'name' | 'definition'>>(
      'SELECT name, definition FROM mcp_tools WHERE server = $1 AND NOT is_gone',
      [server],
    );
    return rows.map(({ name, definition }) => ({ name, hash: definitionHash(definition) }));
  }

  private async tell(ctx: Ctx, name: string, route: Record<string, unknown>): Promise<void> {
    await this.database.transaction((tx) =>
      this.audit.record(tx, ctx, {
        action: 'registry.test',
        resource: `mcp-server:${name}`,
        diff: { after: route },
      }),
    );
  }
}

interface KnownTool {
  name: string;
  hash: string;
}

function compare(found: readonly ListedTool[], known: readonly KnownTool[]): ServerTrial['tools'] {
  const hashes = new Map(known.map(({ name, hash }) => [name, hash]));
  const names = new Set(found.map(({ definition }) => definition.name));
  return [
    ...found.map(({ definition }) => {
      const hash = definitionHash(definition);
      const before = hashes.get(definition.name);
      return {
        name: definition.name,
        title: definition.title ?? definition.annotations?.title ?? null,
        description: definition.description ?? '',
        state: before === undefined ? ('new' as const) : before === hash ? 'same' : 'changed',
      } as const;
    }),
    ...known
      .filter(({ name }) => !names.has(name))
      .map(({ name }) => ({ name, title: null, description: '', state: 'gone' as const })),
  ];
}
