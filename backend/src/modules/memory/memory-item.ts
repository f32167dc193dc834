import type { MemoryItem, MemoryKind } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../platform/http/context.js';
import { NotFound } from '../../platform/http/problem.js';

export interface MemoryRow {
  id: string;
  kind: MemoryKind;
  subject: string | null;
  text: string;
  project_id: string | null;
  version: number;
  created_by: string;
  created_at: Date;
  updated_at: Date;
}

export const memoryColumns =
  'id::text AS id, kind, subject, text, project_id, version, created_by, created_at, updated_at';

export const toMemoryItem = (row: MemoryRow): MemoryItem => ({
  id: row.id,
  kind: row.kind,
  subject: row.subject ?? '',
  text: row.text,
  projectId: row.project_id,
  version: row.version,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

/** What the audit keeps of an item: all that a person wrote. */
export const told = ({ kind, subject, text, projectId }: MemoryItem) => ({
  kind,
  subject,
  text,
  projectId,
});

/** Locked for a change. What one may not change is answered like what is not there. */
export async function lockMemoryItem(tx: Tx, ctx: Ctx, id: string): Promise<MemoryItem> {
  const { rows } = await sql<MemoryRow>(
    tx,
    `SELECT ${memoryColumns} FROM mem_embeddings WHERE id = $1::bigint FOR UPDATE`,
    [id],
  );
  if (!rows[0] || !isAllowed(ctx.actor, 'memory.write', rows[0].project_id))
    throw new NotFound('This item');
  return toMemoryItem(rows[0]);
}

export async function requireProject(tx: Tx, projectId: string): Promise<void> {
  const { rows } = await sql(tx, 'SELECT 1 FROM projects WHERE id = $1', [projectId]);
  if (rows.length === 0) throw new NotFound('This project');
}
