import { Injectable } from '@nestjs/common';
import type { Page, PageQuery, Project } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { NotFound } from '../../platform/http/problem.js';

export interface ProjectRow {
  id: string;
  name: string;
  description: string;
  created_at: Date;
}

export const toProject = ({ created_at, ...row }: ProjectRow): Project => ({
  ...row,
  createdAt: created_at.toISOString(),
});

@Injectable()
export class ProjectsQueries {
  constructor(private readonly database: Database) {}

  async page(ctx: Ctx, { limit, cursor }: PageQuery): Promise<Page<Project>> {
    const [after = ''] = decodeCursor(cursor, 1) ?? [];
    const mine = allowedProjects(ctx.actor, 'project.read');
    const rows = await this.database.query<ProjectRow>(
      `SELECT id, name, description, created_at FROM projects
        WHERE id > $1 AND ($2 OR id = ANY ($3)) ORDER BY id LIMIT $4`,
      [after, mine === 'all', mine === 'all' ? [] : mine, limit + 1],
    );
    return toPage(rows, limit, (row) => [row.id], toProject);
  }

  /** What one may not see is answered like what is not there. */
  async project(ctx: Ctx, id: string): Promise<Project> {
    const [row] = isAllowed(ctx.actor, 'project.read', id)
      ? await this.database.query<ProjectRow>(
          'SELECT id, name, description, created_at FROM projects WHERE id = $1',
          [id],
        )
      : [];
    if (!row) throw new NotFound('This project');
    return toProject(row);
  }
}
