import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type McpServerInfo, PatchServer, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import {
  type Document,
  type Prepared,
  type ProposalRow,
  Proposals,
  Proposed,
} from '../../proposals/index.js';
import { CircuitLink } from '../chain/circuit.js';
import { storable } from '../chain/result-check.js';
import { ServerNotThere, UnknownServer } from '../integrations.errors.js';
import {
  briefly,
  requireReadable,
  requireSameServer,
  requireTold,
  serverDocument,
  shownTool,
  shownTools,
} from '../proposed-documents.js';
import { type Listed, Registry, type ServerRow, healthOf } from '../registry.js';
import { ServerReports } from '../server-reports.js';
import { UpstreamFault } from '../upstreams/upstream.js';
import { Launches } from '../upstreams/launches.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { type MovedRoute, movedRoute } from './moved-route.js';
import { Registration, routeOf } from './registration.js';
import { requireRoute, requireSecret } from './registration-checks.js';
import { registryChanged } from './registry-changed.js';

/**
 * Changes what a server is registered with. Another way to it (address, command, sign-in) is held to the checks of a
 * registration and tried first, over a connection of its own; what it then tells of its tools is compared with the
 * definitions that were approved, as at any other look, so that whoever answers at the new place gets no more trust
 * than the old one had. Calls under way over the old connection are cut when the change is kept.
 */
export class ChangeMcpServer extends Command<McpServerInfo | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly name: string,
    readonly expectedVersion: number,
    readonly input: PatchServer,
  ) {
    super();
  }
}

@CommandHandler(ChangeMcpServer)
export class ChangeMcpServerHandler implements ICommandHandler<ChangeMcpServer> {
  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly registration: Registration,
    private readonly upstreams: Upstreams,
    private readonly circuit: CircuitLink,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly wakeups: Wakeups,
    private readonly reports: ServerReports,
    private readonly launches: Launches,
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('server.change', {
      prepare: (ctx, row) => this.prepare(ctx, row),
      present: (tx, row) => this.present(tx, row),
    });
  }

  async execute({
    ctx,
    name,
    expectedVersion,
    input,
  }: ChangeMcpServer): Promise<McpServerInfo | Proposed> {
    const way = await this.look(ctx, name, expectedVersion, input);
    const after = await this.database.transaction((tx) =>
      this.change(tx, ctx, name, expectedVersion, input, way),
    );
    if (after instanceof Proposed) return after;
    await this.settle(after, way);
    return this.reports.of(after);
  }

  /** What it told of its tools when it was proposed is no news. */
  private async present(tx: Tx, { target, after }: ProposalRow): Promise<Document | null> {
    try {
      const row = await this.registry.findForChange(tx, target.slice('mcp-server:'.length));
      return { ...serverDocument(row), ...(after?.['tools'] ? { tools: after['tools'] } : {}) };
    } catch (error) {
      if (error instanceof UnknownServer) return null;
      throw error;
    }
  }

  /** As it was proposed, asked once more there: what it tells has to be what was seen. */
  private async prepare(ctx: Ctx, { target, base, before, after }: ProposalRow): Promise<Prepared> {
    const name = target.slice('mcp-server:'.length);
    const input = patchOf(before!, after!);
    const way = await this.look(ctx, name, base!, input);
    if (way.found) requireTold(name, after, way.found.listed.tools);
    let row: ServerRow | Proposed | undefined;
    return {
      apply: async (tx, by) => (row = await this.change(tx, by, name, base!, input, way, before)),
      settle: async (isApplied) => {
        if (isApplied) await this.settle(row as ServerRow, way);
      },
    };
  }

  private async look(
    ctx: Ctx,
    name: string,
    expectedVersion: number,
    input: PatchServer,
  ): Promise<Way> {
    const present = await this.registry.find(name);
    requireVersion(expectedVersion, present.version);
    const moved = movedRoute(present, input);
    const isLaunchKept = present.is_launch_kept && (!moved || startsTheSame(present, moved));
    const found = moved && (await this.lookThere(ctx, { ...moved, is_launch_kept: isLaunchKept }));
    return { moved, isLaunchKept, found };
  }

  /** `seen` is of what is confirmed: what it was made on. */
  private async change(
    tx: Tx,
    ctx: Ctx,
    name: string,
    expectedVersion: number,
    input: PatchServer,
    { moved, isLaunchKept, found }: Way,
    seen?: Document | null,
  ): Promise<ServerRow | Proposed> {
    const before = await this.registry.findForChange(tx, name);
    requireVersion(expectedVersion, before.version);
    if (seen !== undefined) requireSameServer(before, seen);
    const wanted = {
      ...before,
      description: input.description ?? before.description,
      timeout_ms: input.timeoutMs ?? before.timeout_ms,
      is_enabled: input.enabled ?? before.is_enabled,
      idempotent_tools: input.idempotentTools ?? before.idempotent_tools,
      limits: input.limits ?? before.limits,
      ...(moved && routeOf(moved)),
    };
    const isSame = canonicalHash(told(wanted)) === canonicalHash(told(before));
    // The same way named once more is asked again; to be confirmed there is nothing in it.
    if (isSame && (!moved || (await this.proposals.wants(tx, ctx, { kind: 'servers' }))))
      return before;
    const proposed = await this.propose(tx, ctx, before, wanted, found);
    if (proposed) return proposed;
    await sql(
      tx,
      `UPDATE mcp_registry SET description = $2, timeout_ms = $3, is_enabled = $4, idempotent_tools = $5, limits = $6,
              base_url = $7, command = $8, args = $9, auth_token = $10, auth = $11, health = $12,
              is_launch_kept = is_launch_kept AND $13, version = version + 1, updated_at = now() WHERE name = $1`,
      [
        name,
        wanted.description,
        wanted.timeout_ms,
        wanted.is_enabled,
        wanted.idempotent_tools,
        JSON.stringify(wanted.limits),
        wanted.base_url,
        wanted.command,
        wanted.args,
        wanted.auth_token,
        wanted.auth && JSON.stringify(wanted.auth),
        JSON.stringify(found ? healthOf(found.health) : before.health),
        isLaunchKept,
      ],
    );
    if (found) await this.registry.keepTools(tx, name, found.listed, ctx.traceId);
    const row = await this.registry.findForChange(tx, name);
    await this.audit.record(tx, ctx, {
      action: 'registry.change',
      resource: `mcp-server:${name}`,
      diff: { before: told(before), after: told(row) },
    });
    await this.outbox.append(tx, [
      registryChanged(ctx, name, 'changed', say('server-settings-changed', { server: name })),
    ]);
    this.wakeups.afterCommit(tx, 'control');
    return row;
  }

  /** At another place: with the definitions that hold beside those that it tells of there. */
  private async propose(
    tx: Tx,
    ctx: Ctx,
    present: ServerRow,
    wanted: ServerRow,
    found: Found | undefined,
  ): Promise<Proposed | undefined> {
    if (!(await this.proposals.wants(tx, ctx, { kind: 'servers' }))) return undefined;
    const { name } = present;
    const kept = found && (await this.registry.keptTools(tx, name));
    const before = {
      ...serverDocument(present),
      ...(kept && { tools: kept.map((each) => shownTool(each)) }),
    };
    const after = storable({
      ...serverDocument(wanted),
      ...(found && { tools: shownTools(found.listed.tools) }),
    });
    requireReadable(before, after);
    return this.proposals.instead(tx, ctx, {
      ...{ kind: 'servers', action: 'server.change', target: `mcp-server:${name}` },
      ...{ base: present.version, before, after },
      briefly: { before: briefly(before), after: briefly(after) },
    });
  }

  private async settle(after: ServerRow, { moved }: Way): Promise<void> {
    if (!after.is_enabled || moved) await this.upstreams.close(after.name);
    // What it did at its old place says nothing of the new one.
    if (moved) this.circuit.forget(after.name);
  }

  /** @throws ServerNotThere */
  private async lookThere(
    ctx: Ctx,
    moved: MovedRoute & { is_launch_kept: boolean },
  ): Promise<Found> {
    await requireRoute(moved, this.launches);
    await this.registration.requireEndpoint(ctx, moved, 'registry.change');
    // Also for a secret that it has already: at another place somebody else would be given it.
    await requireSecret(this.database, ctx, moved);
    // No registered server has such a name: the connection that is in use goes on undisturbed.
    const { is_launch_kept } = moved;
    const trial = { ...routeOf(moved), is_launch_kept, name: `${moved.name}~trial` };
    await this.audit.recordAlone(ctx, {
      action: 'registry.test',
      resource: `mcp-server:${moved.name}`,
      diff: { after: { ...trial, name: undefined } },
    });
    const began = performance.now();
    try {
      const listed = await this.registry.ask(trial);
      const latencyMs = Math.round(performance.now() - began);
      return { listed, health: { state: 'healthy', latencyMs } };
    } catch (error) {
      if (!(error instanceof UpstreamFault)) throw error;
      throw new ServerNotThere(moved.name, error.message.slice(0, 1000));
    } finally {
      await this.upstreams.close(trial.name);
    }
  }
}

interface Way {
  moved: MovedRoute | undefined;
  isLaunchKept: boolean;
  found: Found | undefined;
}

interface Found {
  listed: Listed;
  health: { state: 'healthy'; latencyMs: number };
}

/** Another secret is no other program. */
const startsTheSame = (row: ServerRow, { command, args }: MovedRoute) =>
  command === row.command && canonicalHash(args ?? []) === canonicalHash(row.args);

const told = (row: ServerRow) => {
  const { registeredAt: _, ...document } = serverDocument(row);
  return document;
};

/** The change that leads from one document to the other. */
function patchOf(before: Document, after: Document): PatchServer {
  const { registeredAt: _, tools: __, ...rest } = after;
  return PatchServer.parse(
    Object.fromEntries(
      Object.entries(rest).filter(
        ([key, value]) => canonicalHash(value) !== canonicalHash(before[key]),
      ),
    ),
  );
}
