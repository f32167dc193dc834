import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Registry } from '../../integrations/index.js';
import { serverNameOf } from '../agent-server.js';
import { type AgentRow, AgentsRepository } from '../agents.repository.js';

/** Makes the agent a tool of the gateway. Registering it twice changes nothing. */
export class RegisterAgent extends Command<AgentRow> {
  constructor(
    readonly ctx: Ctx,
    readonly idOrName: string,
  ) {
    super();
  }
}

@CommandHandler(RegisterAgent)
export class RegisterAgentHandler implements ICommandHandler<RegisterAgent> {
  constructor(
    private readonly database: Database,
    private readonly agents: AgentsRepository,
    private readonly registry: Registry,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, idOrName }: RegisterAgent): Promise<AgentRow> {
    const agent = await this.agents.find(idOrName);
    if (agent.registered) return agent;
    const server = serverNameOf(agent.name);
    const route = {
      name: server,
      transport: 'agent' as const,
      base_url: `agent:${agent.name}`,
      command: null,
      args: [],
      auth_token: null,
    };
    const tools = await this.registry.ask(route);
    return this.database.transaction(async (tx) => {
      const id = String((await this.agents.findForChange(tx, idOrName)).id);
      const { count } = await sql(
        tx,
        `INSERT INTO mcp_registry (name, base_url, description, capabilities, transport, timeout_ms, agent_id, health)
         VALUES ($1, $2, $3, '{}', 'agent', 600000, $4, $5) ON CONFLICT (name) DO NOTHING`,
        [
          server,
          route.base_url,
          `The agent ${agent.name}, as a tool.`,
          id,
          JSON.stringify({ state: 'healthy', checkedAt: new Date().toISOString() }),
        ],
      );
      if (count > 0) {
        await this.registry.keepTools(tx, server, tools);
        await sql(tx, 'UPDATE agents SET route_prefix = $2 WHERE id = $1', [id, server]);
        await this.audit.record(tx, ctx, {
          action: 'agent.register',
          resource: `agent:${id}`,
          diff: { after: { server } },
        });
        await this.outbox.append(tx, [
          {
            traceId: ctx.traceId,
            topic: 'registry',
            type: 'registry.changed',
            summary: say('agent-callable', { agent: agent.name, tool: `${server}.run` }),
            payload: { server, change: 'registered', agentId: id },
            actor: ctx.actor.id,
          },
        ]);
      }
      return this.agents.findForChange(tx, id);
    });
  }
}
