import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type Agent,
  type CreateAgent as CreateAgentInput,
  type Said,
  AgentConfig,
  say,
} from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { initialConfig } from '../agent.js';
import { AgentNameTaken, TemplateUnknown } from '../agents.errors.js';
import { AgentsRepository, type AgentRow } from '../agents.repository.js';
import { agentTemplates } from '../templates.js';

export class CreateAgent extends Command<AgentRow> {
  constructor(
    readonly ctx: Ctx,
    readonly input: CreateAgentInput,
  ) {
    super();
  }
}

@CommandHandler(CreateAgent)
export class CreateAgentHandler implements ICommandHandler<CreateAgent> {
  constructor(
    private readonly database: Database,
    private readonly agents: AgentsRepository,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, input }: CreateAgent): Promise<AgentRow> {
    const config = AgentConfig.parse({ ...this.templateOf(input), ...input.config });
    return this.database.transaction(async (tx) => {
      const { rows } = await sql<{ id: string }>(
        tx,
        `INSERT INTO agents (name, type, version, status, config, caps, created_by)
         VALUES ($1, $2, '1', 'stopped', $3, '{}', $4) ON CONFLICT (name) DO NOTHING RETURNING id`,
        [input.name, input.type, JSON.stringify(config), ctx.actor.id],
      );
      if (!rows[0]) throw new AgentNameTaken(input.name);
      const id = String(rows[0].id);
      await this.agents.keepVersion(
        tx,
        ctx,
        id,
        '1',
        config,
        input.template ? `from the template ${input.template}` : '',
      );
      await this.audit.record(tx, ctx, {
        action: 'agent.create',
        resource: `agent:${id}`,
        diff: { after: input },
      });
      await this.outbox.append(tx, [
        agentChanged(ctx, id, 'stopped', say('agent-made', { agent: input.name })),
      ]);
      return this.agents.findForChange(tx, id);
    });
  }

  private templateOf(input: CreateAgentInput): Agent['config'] {
    if (input.template === undefined) return initialConfig;
    const template = agentTemplates.find((each) => each.name === input.template);
    if (!template) throw new TemplateUnknown(input.template);
    return template.config;
  }
}

export const agentChanged = (ctx: Ctx, agentId: string, status: string, summary: Said) => ({
  traceId: ctx.traceId,
  topic: 'agent' as const,
  type: 'agent.changed' as const,
  summary,
  payload: { agentId, status },
  actor: ctx.actor.id,
});
