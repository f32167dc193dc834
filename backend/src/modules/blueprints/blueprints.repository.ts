import { Injectable } from '@nestjs/common';
import type { BlueprintContent } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../platform/http/context.js';
import { Forbidden, NotFound } from '../../platform/http/problem.js';
import { contentOf } from './blueprint.js';
import { BlueprintUnknown, BlueprintVersionUnknown } from './blueprints.errors.js';

export interface BlueprintRow {
  id: string;
  project_id: string;
  name: string;
  version: number;
  content: BlueprintContent;
  created_by: string;
  created_at: Date;
  updated_by: string;
  updated_at: Date;
}

/** A person by their name, as people know them. */
export const nameOf = (column: string) =>
  `coalesce((SELECT u.name FROM users u WHERE 'user:' || u.id = ${column}), ${column})`;

const blueprintColumns = `b.id, b.project_id, b.name, b.version, ${nameOf('b.created_by')} AS created_by, b.created_at,
  v.content, ${nameOf('v.created_by')} AS updated_by, v.created_at AS updated_at`;
export const presentVersion = `JOIN blueprint_versions v ON v.blueprint_id = b.id AND v.version = b.version`;

const select = `SELECT ${blueprintColumns} FROM blueprints b ${presentVersion}
  WHERE b.project_id = $1 AND (b.id::text = $2 OR b.name = $2) ORDER BY (b.id::text = $2) DESC LIMIT 1`;

/** What one may not see is answered like what is not there. */
export function requireRead(ctx: Ctx, projectId: string): void {
  if (!isAllowed(ctx.actor, 'project.read', projectId)) throw new NotFound('This project');
}

export function requireWrite(ctx: Ctx, projectId: string): void {
  requireRead(ctx, projectId);
  if (!isAllowed(ctx.actor, 'project.write', projectId))
    throw new Forbidden('You may look at this project, but not change it.');
}

@Injectable()
export class BlueprintsRepository {
  constructor(private readonly database: Database) {}

  /** @throws BlueprintUnknown */
  async find(projectId: string, idOrName: string): Promise<BlueprintRow> {
    const [row] = await this.database.query<BlueprintRow>(select, [projectId, idOrName]);
    if (!row) throw new BlueprintUnknown();
    return row;
  }

  /** Locks the row: changes of one blueprint take turns. @throws BlueprintUnknown */
  async findForChange(tx: Tx, projectId: string, idOrName: string): Promise<BlueprintRow> {
    // By two statements: what the first waits for may make a version that its own snapshot does not have.
    const { rows: locked } = await sql<{ id: string }>(
      tx,
      `SELECT b.id FROM blueprints b WHERE b.project_id = $1 AND (b.id::text = $2 OR b.name = $2)
        ORDER BY (b.id::text = $2) DESC LIMIT 1 FOR UPDATE`,
      [projectId, idOrName],
    );
    const { rows } = locked[0]
      ? await sql<BlueprintRow>(tx, select, [projectId, locked[0].id])
      : { rows: [] };
    if (!rows[0]) throw new BlueprintUnknown();
    return rows[0];
  }

  /** @throws BlueprintVersionUnknown */
  async contentAt(id: string, version: number, tx?: Tx): Promise<BlueprintContent> {
    const text = 'SELECT content FROM blueprint_versions WHERE blueprint_id = $1 AND version = $2';
    const rows = tx
      ? (await sql<Pick<BlueprintRow, 'content'>>(tx, text, [id, version])).rows
      : await this.database.query<Pick<BlueprintRow, 'content'>>(text, [id, version]);
    if (!rows[0]) throw new BlueprintVersionUnknown(version);
    return rows[0].content;
  }

  async keepVersion(
    tx: Tx,
    ctx: Ctx,
    { id, version }: { id: string; version: number },
    content: BlueprintContent,
    comment: string,
  ): Promise<void> {
    await sql(
      tx,
      `INSERT INTO blueprint_versions (blueprint_id, version, content, comment, created_by) VALUES ($1, $2, $3, $4, $5)`,
      [id, version, JSON.stringify(contentOf(content)), comment, ctx.actor.id],
    );
  }
}
