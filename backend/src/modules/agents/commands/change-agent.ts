import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type PatchAgent, AgentConfig, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { type AgentRow, AgentsRepository } from '../agents.repository.js';
import { agentChanged } from './create-agent.js';

/** Makes a new version of the agent, where it changes anything; runs under way go on with the one they began with. */
export class ChangeAgent extends Command<AgentRow> {
  constructor(
    readonly ctx: Ctx,
    readonly idOrName: string,
    readonly expectedRevision: number,
    readonly input: PatchAgent,
  ) {
    super();
  }
}

@CommandHandler(ChangeAgent)
export class ChangeAgentHandler implements ICommandHandler<ChangeAgent> {
  constructor(
    private readonly database: Database,
    private readonly agents: AgentsRepository,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, idOrName, expectedRevision, input }: ChangeAgent): Promise<AgentRow> {
    return this.database.transaction(async (tx) => {
      const before = await this.agents.findForChange(tx, idOrName);
      requireVersion(expectedRevision, before.revision);
      const id = String(before.id);
      const present = AgentConfig.parse(before.config);
      const config = AgentConfig.parse({ ...present, ...input.config });
      if (canonicalHash(config) === canonicalHash(present)) return before;
      const version = await this.agents.nextVersion(tx, id);
      await sql(
        tx,
        `UPDATE agents SET config = $2, version = $3, revision = revision + 1 WHERE id = $1`,
        [id, JSON.stringify(config), version],
      );
      await this.agents.keepVersion(tx, ctx, id, version, config, input.comment ?? '');
      await this.audit.record(tx, ctx, {
        action: 'agent.change',
        resource: `agent:${id}`,
        diff: { before: before.config, after: config },
      });
      await this.outbox.append(tx, [
        agentChanged(
          ctx,
          id,
          before.status,
          say('agent-at-version', { agent: before.name, version }),
        ),
      ]);
      return this.agents.findForChange(tx, id);
    });
  }
}
