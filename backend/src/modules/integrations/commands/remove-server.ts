import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { type Document, Proposals, type Proposed } from '../../proposals/index.js';
import { CircuitLink } from '../chain/circuit.js';
import { ToolMetrics } from '../chain/tool-metrics.js';
import { ServerIsBuiltIn } from '../integrations.errors.js';
import { requireSameServer, serverDocument } from '../proposed-documents.js';
import { Registry } from '../registry.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { registryChanged } from './registry-changed.js';

export class RemoveMcpServer extends Command<void | Proposed> {
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
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('server.remove', {
      prepare: async (_ctx, { target, base, before }) => {
        const name = target.slice('mcp-server:'.length);
        return {
          apply: (tx, ctx) => this.remove(tx, ctx, name, base!, before),
          settle: async (isApplied) => {
            if (isApplied) await this.letGo(name);
          },
        };
      },
    });
  }

  async execute({ ctx, name, expectedVersion }: RemoveMcpServer): Promise<void | Proposed> {
    const proposed = await this.database.transaction((tx) =>
      this.remove(tx, ctx, name, expectedVersion),
    );
    if (proposed) return proposed;
    await this.letGo(name);
  }

  /** `seen` is of what is confirmed: what it was made on. */
  private async remove(
    tx: Tx,
    ctx: Ctx,
    name: string,
    expectedVersion: number | undefined,
    seen?: Document | null,
  ): Promise<void | Proposed> {
    const row = await this.registry.findForChange(tx, name);
    if (row.transport === 'builtin') throw new ServerIsBuiltIn(name);
    if (expectedVersion !== undefined) requireVersion(expectedVersion, row.version);
    if (seen !== undefined) requireSameServer(row, seen);
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'servers', action: 'server.remove', target: `mcp-server:${name}` },
      ...{ base: row.version, before: serverDocument(row), after: null },
    });
    if (proposed) return proposed;
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
  }

  private async letGo(name: string): Promise<void> {
    this.circuit.forget(name);
    this.metrics.forget(name);
    await this.upstreams.close(name);
  }
}
