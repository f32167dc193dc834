import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CreateProject as CreateProjectInput, type Project, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { type ProjectRow, projectColumns, toProject } from '../projects.queries.js';

export class CreateProject extends Command<Project> {
  constructor(
    readonly ctx: Ctx,
    readonly input: CreateProjectInput,
  ) {
    super();
  }
}

@CommandHandler(CreateProject)
export class CreateProjectHandler implements ICommandHandler<CreateProject> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  execute({ ctx, input }: CreateProject): Promise<Project> {
    return this.database.transaction(async (tx) => {
      const { rows } = await sql<ProjectRow>(
        tx,
        `INSERT INTO projects (id, name, description, created_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING RETURNING ${projectColumns}`,
        [input.id, input.name, input.description, ctx.actor.id],
      );
      if (!rows[0])
        throw new AosError('already_exists', say('project-exists', { project: input.id }));
      const project = toProject(rows[0]);
      await this.audit.record(tx, ctx, {
        action: 'project.create',
        resource: `project:${project.id}`,
        diff: { before: null, after: project },
        projectId: project.id,
      });
      await this.outbox.append(tx, [
        {
          traceId: ctx.traceId,
          projectId: project.id,
          topic: 'config',
          type: 'config.changed',
          summary: say('project-created', { who: ctx.actor.name, project: project.name }),
          payload: { scope: 'projects', projectId: project.id },
          actor: ctx.actor.id,
        },
      ]);
      return project;
    });
  }
}
