import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { McpServerInfo, PatchServer } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { Registry, type ServerRow } from '../registry.js';
import { ServerReports } from '../server-reports.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { registryChanged } from './registry-changed.js';

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
    private readonly upstreams: Upstreams,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly wakeups: Wakeups,
    private readonly reports: ServerReports,
  ) {}

  async execute({ ctx, name, expectedVersion, input }: ChangeMcpServer): Promise<McpServerInfo> {
    const after = await this.database.transaction(async (tx) => {
      const before = await this.registry.findForChange(tx, name);
      requireVersion(expectedVersion, before.version);
      await sql(
        tx,
        `UPDATE mcp_registry SET description = $2, timeout_ms = $3, is_enabled = $4, idempotent_tools = $5, limits = $6,
                version = version + 1, updated_at = now() WHERE name = $1`,
        [
          name,
          input.description ?? before.description,
          input.timeoutMs ?? before.timeout_ms,
          input.enabled ?? before.is_enabled,
          input.idempotentTools ?? before.idempotent_tools,
          JSON.stringify(input.limits ?? before.limits),
        ],
      );
      const row = await this.registry.findForChange(tx, name);
      await this.audit.record(tx, ctx, {
        action: 'registry.change',
        resource: `mcp-server:${name}`,
        diff: { before: told(before), after: told(row) },
      });
      await this.outbox.append(tx, [
        registryChanged(ctx, name, 'changed', `The settings of ${name} were changed.`),
      ]);
      this.wakeups.afterCommit(tx, 'control');
      return row;
    });
    if (!after.is_enabled) await this.upstreams.close(name);
    return this.reports.of(after);
  }
}

const told = (row: ServerRow) => ({
  description: row.description,
  timeoutMs: row.timeout_ms,
  enabled: row.is_enabled,
  idempotentTools: row.idempotent_tools,
  limits: row.limits,
});
