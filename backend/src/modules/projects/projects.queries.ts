import { Injectable } from '@nestjs/common';
import type { Page, Project, ProjectsQuery } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { NotFound } from '../../platform/http/problem.js';

export interface ProjectRow {
  id: string;
  name: string;
  description: string;
  version: number;
  created_at: Date;
  archived_at: Date | null;
}

interface Seen extends ProjectRow {
  last_task_at: Date | null;
  queued: number;
  running: number;
  waiting: number;
}

export const projectColumns = 'id, name, description, version, created_at, archived_at';

const nothingOpen = { queued: 0, running: 0, waiting: 0 };

/** Of a project that has just been made or changed: what goes on in it is not asked for again. */
export const toProject = (
  { created_at, archived_at, id, name, description, version }: ProjectRow,
  activity: Pick<Project, 'open' | 'lastTaskAt'> = { open: nothingOpen, lastTaskAt: null },
): Project => ({
  id,
  name,
  description,
  version,
  createdAt: created_at.toISOString(),
  archivedAt: archived_at?.toISOString() ?? null,
  ...activity,
});

/**
 * The figures come from the partial indexes of the queue and stop at a thousand: they say that something goes on, and
 * no list of projects may count a growing table.
 */
const select = `
  SELECT p.id, p.name, p.description, p.version, p.created_at, p.archived_at, last.created_at AS last_task_at,
         ${['queued', 'running', 'waiting']
           .map(
             (status) => `(SELECT count(*)::int FROM (
               SELECT 1 FROM jobs j WHERE j.status = '${status}' AND j.project_id = p.id LIMIT 1000) AS found) AS ${status}`,
           )
           .join(',\n         ')}
    FROM projects p
    LEFT JOIN LATERAL (
      SELECT j.created_at FROM jobs j WHERE j.project_id = p.id ORDER BY j.id DESC LIMIT 1) AS last ON true`;

const toSeen = (row: Seen): Project =>
  toProject(row, {
    open: { queued: row.queued, running: row.running, waiting: row.waiting },
    lastTaskAt: row.last_task_at?.toISOString() ?? null,
  });

@Injectable()
export class ProjectsQueries {
  constructor(private readonly database: Database) {}

  async page(ctx: Ctx, { limit, cursor, archived }: ProjectsQuery): Promise<Page<Project>> {
    const [after = ''] = decodeCursor(cursor, 1) ?? [];
    const mine = allowedProjects(ctx.actor, 'project.read');
    const rows = await this.database.query<Seen>(
      `${select}
        WHERE p.id > $1 AND ($2 OR p.id = ANY ($3)) AND (p.archived_at IS NOT NULL) = $4
        ORDER BY p.id LIMIT $5`,
      [after, mine === 'all', mine === 'all' ? [] : mine, archived === '1', limit + 1],
    );
    return toPage(rows, limit, (row) => [row.id], toSeen);
  }

  /** What one may not see is answered like what is not there. */
  async project(ctx: Ctx, id: string): Promise<Project> {
    const [row] = isAllowed(ctx.actor, 'project.read', id)
      ? await this.database.query<Seen>(`${select} WHERE p.id = $1`, [id])
      : [];
    if (!row) throw new NotFound('This project');
    return toSeen(row);
  }
}
