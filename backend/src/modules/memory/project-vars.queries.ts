import { Injectable } from '@nestjs/common';
import type { Page, PageQuery, ProjectVar } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { NotFound } from '../../platform/http/problem.js';
import { type VarRow, toProjectVar, varColumns } from './project-var.js';

@Injectable()
export class ProjectVarsQueries {
  constructor(private readonly database: Database) {}

  async page(ctx: Ctx, projectId: string, { limit, cursor }: PageQuery): Promise<Page<ProjectVar>> {
    const [after = ''] = decodeCursor(cursor, 1) ?? [];
    const [project] = isAllowed(ctx.actor, 'memory.read', projectId)
      ? await this.database.query('SELECT 1 FROM projects WHERE id = $1', [projectId])
      : [];
    if (!project) throw new NotFound('This project');
    const rows = await this.database.query<VarRow>(
      `SELECT ${varColumns} FROM project_vars v
        WHERE v.project_id = $1 AND v.name > $2 ORDER BY v.name LIMIT $3`,
      [projectId, after, limit + 1],
    );
    return toPage(rows, limit, (row) => [row.name], toProjectVar);
  }
}
