import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AgentConfig, type ReleaseAgent as ReleaseAgentInput, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { AgentLog } from '../agent-log.js';
import { type AgentRow, AgentsRepository } from '../agents.repository.js';
import { agentChanged } from './create-agent.js';

/**
 * Takes a version of the agent into use: new runs take it, those under way go on with the one they began with.
 * The versions stay as they are, so what was rolled back can be released again. The version in use changes
 * nothing.
 */
export class ReleaseAgent extends Command<AgentRow> {
  constructor(
    readonly ctx: Ctx,
    readonly idOrName: string,
    readonly expectedRevision: number,
    readonly input: ReleaseAgentInput,
  ) {
    super();
  }
}

@CommandHandler(ReleaseAgent)
export class ReleaseAgentHandler implements ICommandHandler<ReleaseAgent> {
  constructor(
    private readonly database: Database,
    private readonly agents: AgentsRepository,
    private readonly log: AgentLog,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, idOrName, expectedRevision, input }: ReleaseAgent): Promise<AgentRow> {
    return this.database.transaction(async (tx) => {
      const before = await this.agents.findForChange(tx, idOrName);
      requireVersion(expectedRevision, before.revision);
      const { version } = input;
      const config = AgentConfig.parse(await this.agents.findVersion(tx, before, version));
      if (before.version === version) return before;
      const id = String(before.id);
      await sql(
        tx,
        'UPDATE agents SET config = $2, version = $3, revision = revision + 1 WHERE id = $1',
        [id, JSON.stringify(config), version],
      );
      await this.audit.record(tx, ctx, {
        action: 'agent.release',
        resource: `agent:${id}`,
        diff: {
          before: { version: before.version, config: before.config },
          after: { version, config, ...(input.comment ? { comment: input.comment } : {}) },
        },
      });
      await this.outbox.append(tx, [
        agentChanged(
          ctx,
          id,
          before.status,
          say('agent-at-version-again', { agent: before.name, version }),
        ),
      ]);
      const moved = { who: ctx.actor.name, version, before: before.version };
      const line = input.comment
        ? say('agent-released-because', { ...moved, comment: input.comment })
        : say('agent-released', moved);
      await this.log.writeIn(tx, id, ctx.traceId, 'info', line);
      return this.agents.findForChange(tx, id);
    });
  }
}
