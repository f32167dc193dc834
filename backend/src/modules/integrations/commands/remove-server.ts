import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { CircuitLink } from '../chain/circuit.js';
import { ToolMetrics } from '../chain/tool-metrics.js';
import { ServerIsBuiltIn } from '../integrations.errors.js';
import { Registry } from '../registry.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { registryChanged } from './registry-changed.js';

export class RemoveMcpServer extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly name: string,
    /** Undefined when the client did not say which version it saw. */
    readonly expectedVersion: number | undefined,
  ) {
    super();
  }
}

@CommandHandler(RemoveMcpServer)
export class RemoveMcpServerHandler implements ICommandHandler<RemoveMcpServer> {
  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly upstreams: Upstreams,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly wakeups: Wakeups,
    private readonly circuit: CircuitLink,
    private readonly metrics: ToolMetrics,
  ) {}

  async execute({ ctx, name, expectedVersion }: RemoveMcpServer): Promise<void> {
    await this.database.transaction(async (tx) => {
      const row = await this.registry.findForChange(tx, name);
      if (row.transport === 'builtin') throw new ServerIsBuiltIn(name);
      if (expectedVersion !== undefined) requireVersion(expectedVersion, row.version);
      await sql(tx, 'DELETE FROM mcp_registry WHERE name = $1', [name]);
      await this.audit.record(tx, ctx, {
        action: 'registry.remove',
        resource: `mcp-server:${name}`,
        diff: {
          before: {
            transport: row.transport,
            url: row.base_url,
            command: row.command,
            args: row.args,
          },
        },
      });
      await this.outbox.append(tx, [
        registryChanged(ctx, name, 'removed', say('server-removed', { server: name })),
      ]);
      this.wakeups.afterCommit(tx, 'control');
    });
    this.circuit.forget(name);
    this.metrics.forget(name);
    await this.upstreams.close(name);
  }
}
