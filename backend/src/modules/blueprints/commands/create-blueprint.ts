import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Blueprint, type CreateBlueprint as CreateBlueprintInput, say } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { NotFound } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { contentOf } from '../blueprint.js';
import { blueprintChanged } from '../blueprint-changed.js';
import { BlueprintChecks } from '../blueprint-checks.js';
import { BlueprintNameTaken, TooManyBlueprints } from '../blueprints.errors.js';
import { toBlueprint } from '../blueprints.queries.js';
import { BlueprintsRepository, requireWrite } from '../blueprints.repository.js';

const MOST_BLUEPRINTS = 500;

export class CreateBlueprint extends Command<Blueprint> {
  constructor(
    readonly ctx: Ctx,
    readonly projectId: string,
    readonly input: CreateBlueprintInput,
  ) {
    super();
  }
}

@CommandHandler(CreateBlueprint)
export class CreateBlueprintHandler implements ICommandHandler<CreateBlueprint> {
  constructor(
    private readonly database: Database,
    private readonly blueprints: BlueprintsRepository,
    private readonly checks: BlueprintChecks,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  async execute({ ctx, projectId, input }: CreateBlueprint): Promise<Blueprint> {
    requireWrite(ctx, projectId);
    const content = contentOf(input);
    const faults = await this.checks.require(ctx, projectId, content);
    return this.database.transaction(async (tx) => {
      // Those who add to a project take turns, so that the limit holds; tasks, which only refer to it, need not wait.
      const project = await sql(tx, 'SELECT 1 FROM projects WHERE id = $1 FOR NO KEY UPDATE', [
        projectId,
      ]);
      if (project.count === 0) throw new NotFound('This project');
      const { rows: all } = await sql<{ name: string }>(
        tx,
        'SELECT name FROM blueprints WHERE project_id = $1',
        [projectId],
      );
      if (all.some(({ name }) => name === input.name)) throw new BlueprintNameTaken(input.name);
      if (all.length >= MOST_BLUEPRINTS) throw new TooManyBlueprints(MOST_BLUEPRINTS);
      const id = randomUUID();
      await sql(
        tx,
        `INSERT INTO blueprints (id, project_id, name, version, created_by) VALUES ($1, $2, $3, 1, $4)`,
        [id, projectId, input.name, ctx.actor.id],
      );
      await this.blueprints.keepVersion(tx, ctx, { id, version: 1 }, content, input.comment);
      await this.audit.record(tx, ctx, {
        action: 'blueprint.create',
        resource: `blueprint:${id}`,
        diff: { before: null, after: content },
        projectId,
      });
      const said = say('blueprint-made', { who: ctx.actor.name, blueprint: input.name });
      await this.outbox.append(tx, [blueprintChanged(ctx, { projectId, id, version: 1 }, said)]);
      return toBlueprint(await this.blueprints.findForChange(tx, projectId, id), faults);
    });
  }
}
