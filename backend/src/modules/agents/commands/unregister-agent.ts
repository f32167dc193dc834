import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { Upstreams } from '../../integrations/index.js';
import { serverNameOf } from '../agent-server.js';
import { type AgentRow, AgentsRepository } from '../agents.repository.js';

/** Takes the agent out of the gateway: it can no longer be called as a tool. One that is not in it changes nothing. */
export class UnregisterAgent extends Command<AgentRow> {
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
  ) {}

  async execute({ ctx, idOrName }: UnregisterAgent): Promise<AgentRow> {
    const after = await this.database.transaction(async (tx) => {
      const before = await this.agents.findForChange(tx, idOrName);
      const id = String(before.id);
      const server = serverNameOf(before.name);
      const { count } = await sql(tx, 'DELETE FROM mcp_registry WHERE agent_id = $1', [id]);
      if (count === 0) return before;
      await sql(tx, 'UPDATE agents SET route_prefix = NULL WHERE id = $1', [id]);
      await this.audit.record(tx, ctx, {
        action: 'agent.unregister',
        resource: `agent:${id}`,
        diff: { before: { server } },
      });
      await this.outbox.append(tx, [
        {
          traceId: ctx.traceId,
          topic: 'registry',
          type: 'registry.changed',
          summary: say('agent-not-callable', { agent: before.name }),
          payload: { server, change: 'removed', agentId: id },
          actor: ctx.actor.id,
        },
      ]);
      this.wakeups.afterCommit(tx, 'control');
      return this.agents.findForChange(tx, id);
    });
    await this.upstreams.close(serverNameOf(after.name));
    return after;
  }
}
