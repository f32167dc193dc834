import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type McpServerInfo, type PatchServer, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { CircuitLink } from '../chain/circuit.js';
import { ServerNotThere } from '../integrations.errors.js';
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
export class ChangeMcpServer extends Command<McpServerInfo> {
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
  ) {}

  async execute({ ctx, name, expectedVersion, input }: ChangeMcpServer): Promise<McpServerInfo> {
    const present = await this.registry.find(name);
    requireVersion(expectedVersion, present.version);
    const moved = movedRoute(present, input);
    const isLaunchKept = present.is_launch_kept && (!moved || startsTheSame(present, moved));
    const found = moved && (await this.lookThere(ctx, { ...moved, is_launch_kept: isLaunchKept }));
    const after = await this.database.transaction(async (tx) => {
      const before = await this.registry.findForChange(tx, name);
      requireVersion(expectedVersion, before.version);
      const wanted = {
        ...before,
        description: input.description ?? before.description,
        timeout_ms: input.timeoutMs ?? before.timeout_ms,
        is_enabled: input.enabled ?? before.is_enabled,
        idempotent_tools: input.idempotentTools ?? before.idempotent_tools,
        limits: input.limits ?? before.limits,
      };
      if (!moved && canonicalHash(told(wanted)) === canonicalHash(told(before))) return before;
      const way = moved ? routeOf(moved) : before;
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
          way.base_url,
          way.command,
          way.args,
          way.auth_token,
          way.auth && JSON.stringify(way.auth),
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
    });
    if (!after.is_enabled || moved) await this.upstreams.close(name);
    // What it did at its old place says nothing of the new one.
    if (moved) this.circuit.forget(name);
    return this.reports.of(after);
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

interface Found {
  listed: Listed;
  health: { state: 'healthy'; latencyMs: number };
}

/** Another secret is no other program. */
const startsTheSame = (row: ServerRow, { command, args }: MovedRoute) =>
  command === row.command && canonicalHash(args ?? []) === canonicalHash(row.args);

const told = (row: ServerRow) => ({
  description: row.description,
  timeoutMs: row.timeout_ms,
  enabled: row.is_enabled,
  idempotentTools: row.idempotent_tools,
  limits: row.limits,
  ...(row.transport === 'stdio' ? { command: row.command, args: row.args } : { url: row.base_url }),
  auth: row.auth ?? (row.auth_token === null ? null : { secret: row.auth_token }),
});
