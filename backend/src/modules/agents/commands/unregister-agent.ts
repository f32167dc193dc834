import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { Upstreams } from '../../integrations/index.js';
import { Proposals, Proposed } from '../../proposals/index.js';
import { serverNameOf } from '../agent-server.js';
import { type AgentRow, AgentsRepository } from '../agents.repository.js';

/** Takes the agent out of the gateway: it can no longer be called as a tool. One that is not in it changes nothing. */
export class UnregisterAgent extends Command<AgentRow | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly idOrName: string,
  ) {
    super();
  }
}

@CommandHandler(UnregisterAgent)
export class UnregisterAgentHandler implements ICommandHandler<UnregisterAgent> {
  constructor(
    private readonly database: Database,
    private readonly agents: AgentsRepository,
    private readonly upstreams: Upstreams,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly wakeups: Wakeups,
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('agent.unregister', {
      prepare: async (_ctx, { before, target }) => ({
        apply: (tx, ctx) => this.unregister(tx, ctx, String(before!['agentId'])),
        settle: async (isApplied) => {
          if (isApplied) await upstreams.close(target.slice('mcp-server:'.length));
        },
      }),
    });
  }

  async execute({ ctx, idOrName }: UnregisterAgent): Promise<AgentRow | Proposed> {
    const after = await this.database.transaction((tx) => this.unregister(tx, ctx, idOrName));
    if (!(after instanceof Proposed)) await this.upstreams.close(serverNameOf(after.name));
    return after;
  }

  private async unregister(tx: Tx, ctx: Ctx, idOrName: string): Promise<AgentRow | Proposed> {
    const before = await this.agents.findForChange(tx, idOrName);
    const id = String(before.id);
    const { rows } = await sql<{ name: string; version: number; created_at: Date }>(
      tx,
      'SELECT name, version, created_at FROM mcp_registry WHERE agent_id = $1 FOR UPDATE',
      [id],
    );
    const server = rows[0];
    if (!server) return before;
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'servers', action: 'agent.unregister', target: `mcp-server:${server.name}` },
      ...{ base: server.version, after: null },
      before: { agent: before.name, agentId: id, registeredAt: server.created_at.toISOString() },
    });
    if (proposed) return proposed;
    await sql(tx, 'DELETE FROM mcp_registry WHERE agent_id = $1', [id]);
    await sql(tx, 'UPDATE agents SET route_prefix = NULL WHERE id = $1', [id]);
    await this.audit.record(tx, ctx, {
      action: 'agent.unregister',
      resource: `agent:${id}`,
      diff: { before: { server: server.name } },
    });
    await this.outbox.append(tx, [
      {
        traceId: ctx.traceId,
        topic: 'registry',
        type: 'registry.changed',
        summary: say('agent-not-callable', { agent: before.name }),
        payload: { server: server.name, change: 'removed', agentId: id },
        actor: ctx.actor.id,
      },
    ]);
    this.wakeups.afterCommit(tx, 'control');
    return this.agents.findForChange(tx, id);
  }
}
