import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CreateProject as CreateProjectInput, type Project, say } from '@aos/contracts';
import { randomBytes } from 'node:crypto';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
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
      const project = await this.insert(tx, ctx, input);
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

  private async insert(tx: Tx, ctx: Ctx, input: CreateProjectInput): Promise<Project> {
    const ids = input.id === undefined ? idsFrom(input.name) : [input.id];
    for (const id of ids) {
      const { rows } = await sql<ProjectRow>(
        tx,
        `INSERT INTO projects (id, name, description, created_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING RETURNING ${projectColumns}`,
        [id, input.name, input.description, ctx.actor.id],
      );
      if (rows[0]) return toProject(rows[0]);
    }
    throw new AosError('already_exists', say('project-exists', { project: ids[0]! }));
  }
}

/** What an id can have of the name, and the same with characters of its own for when that one is taken. */
function idsFrom(name: string): string[] {
  const letters = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}+/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '');
  const id = letters.slice(0, 31).replace(/-+$/, '') || 'project';
  return [id, `${id}-${randomBytes(4).toString('hex')}`];
}
