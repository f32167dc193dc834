import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Queue } from '../../jobs/index.js';
import { AgentLog } from '../agent-log.js';
import { type AgentRow, AgentsRepository } from '../agents.repository.js';
import { agentChanged } from './create-agent.js';

/**
 * How many tasks of an agent run at a time. More lets tasks that wait begin at once; with fewer, those under way end
 * first. It is no part of a version: what runs is told by the version, how much of it by whoever operates it.
 */
export class ScaleAgent extends Command<AgentRow> {
  constructor(
    readonly ctx: Ctx,
    readonly idOrName: string,
    readonly replicas: number,
  ) {
    super();
  }
}

@CommandHandler(ScaleAgent)
export class ScaleAgentHandler implements ICommandHandler<ScaleAgent> {
  constructor(
    private readonly database: Database,
    private readonly agents: AgentsRepository,
    private readonly queue: Queue,
    private readonly log: AgentLog,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, idOrName, replicas }: ScaleAgent): Promise<AgentRow> {
    return this.database.transaction(async (tx) => {
      const before = await this.agents.findForChange(tx, idOrName);
      if (before.replicas === replicas) return before;
      const id = String(before.id);
      await sql(tx, 'UPDATE agents SET replicas = $2 WHERE id = $1', [id, replicas]);
      await this.queue.letGo(tx, id);
      await this.audit.record(tx, ctx, {
        action: 'agent.scale',
        resource: `agent:${id}`,
        diff: { before: { replicas: before.replicas }, after: { replicas } },
      });
      const words = { agent: before.name, who: ctx.actor.name, count: replicas };
      await this.outbox.append(tx, [
        agentChanged(ctx, id, before.status, say('agent-scaled', words)),
      ]);
      await this.log.writeIn(tx, id, ctx.traceId, 'info', say('agent-scaled', words));
      return this.agents.findForChange(tx, id);
    });
  }
}
