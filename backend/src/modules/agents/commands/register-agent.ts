import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { z } from 'zod';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { type Listed, Registry } from '../../integrations/index.js';
import { type Document, type Prepared, Proposals, type Proposed } from '../../proposals/index.js';
import { serverNameOf } from '../agent-server.js';
import { type AgentRow, AgentsRepository } from '../agents.repository.js';

/** Makes the agent a tool of the gateway. Registering it twice changes nothing. */
export class RegisterAgent extends Command<AgentRow | Proposed> {
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
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('agent.register', {
      prepare: (_ctx, { after }) => this.prepare(after!),
    });
  }

  async execute({ ctx, idOrName }: RegisterAgent): Promise<AgentRow | Proposed> {
    const agent = await this.agents.find(idOrName);
    if (agent.registered) return agent;
    const tools = await this.registry.ask(routeTo(agent));
    return this.database.transaction((tx) => this.register(tx, ctx, idOrName, tools));
  }

  private async prepare(document: Document): Promise<Prepared> {
    const { agentId } = ProposedAgent.parse(document);
    const tools = await this.registry.ask(routeTo(await this.agents.find(agentId)));
    return { apply: (tx, ctx) => this.register(tx, ctx, agentId, tools) };
  }

  private async register(
    tx: Tx,
    ctx: Ctx,
    idOrName: string,
    tools: Listed,
  ): Promise<AgentRow | Proposed> {
    const agent = await this.agents.findForChange(tx, idOrName);
    if (agent.registered) return agent;
    const id = String(agent.id);
    const route = routeTo(agent);
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'servers', action: 'agent.register', target: `mcp-server:${route.name}` },
      ...{ base: null, before: null, after: { agent: agent.name, agentId: id } },
    });
    if (proposed) return proposed;
    const { count } = await sql(
      tx,
      `INSERT INTO mcp_registry (name, base_url, description, capabilities, transport, timeout_ms, agent_id, health)
       VALUES ($1, $2, $3, '{}', 'agent', 600000, $4, $5) ON CONFLICT (name) DO NOTHING`,
      [
        route.name,
        route.base_url,
        `The agent ${agent.name}, as a tool.`,
        id,
        JSON.stringify({ state: 'healthy', checkedAt: new Date().toISOString() }),
      ],
    );
    if (count > 0) {
      await this.registry.keepTools(tx, route.name, tools);
      await sql(tx, 'UPDATE agents SET route_prefix = $2 WHERE id = $1', [id, route.name]);
      await this.audit.record(tx, ctx, {
        action: 'agent.register',
        resource: `agent:${id}`,
        diff: { after: { server: route.name } },
      });
      await this.outbox.append(tx, [
        {
          traceId: ctx.traceId,
          topic: 'registry',
          type: 'registry.changed',
          summary: say('agent-callable', { agent: agent.name, tool: `${route.name}.run` }),
          payload: { server: route.name, change: 'registered', agentId: id },
          actor: ctx.actor.id,
        },
      ]);
    }
    return this.agents.findForChange(tx, id);
  }
}

const routeTo = ({ name }: AgentRow) => ({
  name: serverNameOf(name),
  transport: 'agent' as const,
  base_url: `agent:${name}`,
  command: null,
  args: [],
  auth_token: null,
});

const ProposedAgent = z.object({ agentId: z.string() });
