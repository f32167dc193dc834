import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type PatchProject, type Project, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Forbidden } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { type ProjectRow, ProjectsQueries, projectColumns } from '../projects.queries.js';

/** Renames a project, describes it anew, puts it into the archive or takes it out. */
export class ChangeProject extends Command<Project> {
  constructor(
    readonly ctx: Ctx,
    readonly projectId: string,
    readonly expectedVersion: number,
    readonly input: PatchProject,
  ) {
    super();
  }
}

@CommandHandler(ChangeProject)
export class ChangeProjectHandler implements ICommandHandler<ChangeProject> {
  constructor(
    private readonly database: Database,
    private readonly projects: ProjectsQueries,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  async execute({ ctx, projectId, expectedVersion, input }: ChangeProject): Promise<Project> {
    await this.projects.project(ctx, projectId); // asks whether they may see it
    if (!isAllowed(ctx.actor, 'project.write', projectId))
      throw new Forbidden('You may look at this project, but not change it.');
    await this.database.transaction(async (tx) => {
      const { rows } = await sql<ProjectRow>(
        tx,
        `SELECT ${projectColumns} FROM projects WHERE id = $1 FOR UPDATE`,
        [projectId],
      );
      const before = rows[0]!;
      requireVersion(expectedVersion, before.version);
      const { name = before.name, description = before.description } = input;
      const isArchived = input.archived ?? before.archived_at !== null;
      const wanted = { name, description, isArchived };
      if (canonicalHash(wanted) === canonicalHash(factsOf(before))) return;
      const after = await sql<ProjectRow>(
        tx,
        `UPDATE projects SET name = $2, description = $3, version = version + 1,
                archived_at = CASE WHEN $4 THEN coalesce(archived_at, now()) END
          WHERE id = $1 RETURNING ${projectColumns}`,
        [projectId, name, description, isArchived],
      );
      const deed = deedOf(before, after.rows[0]!);
      await this.audit.record(tx, ctx, {
        action: `project.${deed.action}`,
        resource: `project:${projectId}`,
        diff: { before: factsOf(before), after: factsOf(after.rows[0]!) },
        projectId,
      });
      await this.outbox.append(tx, [
        {
          traceId: ctx.traceId,
          projectId,
          topic: 'config',
          type: 'config.changed',
          summary: say(deed.code, { who: ctx.actor.name, project: after.rows[0]!.name }),
          payload: { scope: 'projects', projectId },
          actor: ctx.actor.id,
        },
      ]);
    });
    return this.projects.project(ctx, projectId);
  }
}

type Deed = 'project-put-away' | 'project-restored' | 'project-changed';

function deedOf(before: ProjectRow, after: ProjectRow): { action: string; code: Deed } {
  const [was, is] = [before.archived_at !== null, after.archived_at !== null];
  if (!was && is) return { action: 'archive', code: 'project-put-away' };
  if (was && !is) return { action: 'restore', code: 'project-restored' };
  return { action: 'change', code: 'project-changed' };
}

const factsOf = ({ name, description, archived_at }: ProjectRow) => ({
  name,
  description,
  isArchived: archived_at !== null,
});
