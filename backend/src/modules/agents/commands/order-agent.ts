import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { nextStatus } from '../agent.js';
import { AgentLog } from '../agent-log.js';
import { AgentRuns } from '../agent-runs.js';
import { type AgentRow, AgentsRepository } from '../agents.repository.js';
import { agentChanged } from './create-agent.js';

/** Start, or stop: an agent with tasks under way drains first. An order given twice changes nothing. */
export class OrderAgent extends Command<AgentRow> {
  constructor(
    readonly ctx: Ctx,
    readonly idOrName: string,
    readonly order: 'start' | 'stop',
  ) {
    super();
  }
}

@CommandHandler(OrderAgent)
export class OrderAgentHandler implements ICommandHandler<OrderAgent> {
  constructor(
    private readonly database: Database,
    private readonly agents: AgentsRepository,
    private readonly runs: AgentRuns,
    private readonly log: AgentLog,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, idOrName, order }: OrderAgent): Promise<AgentRow> {
    return this.database.transaction(async (tx) => {
      const before = await this.agents.findForChange(tx, idOrName);
      const id = String(before.id);
      const status = nextStatus(before.name, before.status, order);
      if (!status) return before;
      await this.agents.setStatus(tx, id, status);
      await this.audit.record(tx, ctx, {
        action: `agent.${order}`,
        resource: `agent:${id}`,
        diff: { before: { status: before.status }, after: { status } },
      });
      if (status === 'draining') await this.runs.stopWhenDrained(tx, id, ctx.traceId);
      const after = await this.agents.findForChange(tx, id);
      await this.outbox.append(tx, [
        agentChanged(
          ctx,
          id,
          after.status,
          say('agent-is-ordered', {
            agent: before.name,
            status: say(`agent-${after.status}`),
            who: ctx.actor.name,
          }),
        ),
      ]);
      const line = say('agent-ordered', {
        who: ctx.actor.name,
        order: say(`order-${order}`),
        status: say(`agent-${after.status}`),
      });
      await this.log.writeIn(tx, id, ctx.traceId, 'info', line);
      return after;
    });
  }
}
