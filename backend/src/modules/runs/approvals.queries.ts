import { Injectable } from '@nestjs/common';
import { type Approval, type ApprovalsQuery, type Page, type Said, say } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { AosError, NotFound } from '../../platform/http/problem.js';

@Injectable()
export class ApprovalsQueries {
  constructor(private readonly database: Database) {}

  /** The latest first; their ids are ordered by time. */
  async list(ctx: Ctx, query: ApprovalsQuery): Promise<Page<Approval>> {
    const before = decodeCursor(query.cursor, 1)?.[0];
    if (before !== undefined && !isUuid(String(before)))
      throw new AosError('invalid_cursor', say('cursor-as-given'));
    const projects = allowedProjects(ctx.actor, 'approval.read');
    const rows = await this.database.query<ApprovalRow>(
      `${select}
        WHERE ($1::uuid IS NULL OR a.id < $1) AND ($2::text[] IS NULL OR a.project_id = ANY($2))
          AND ($3::text IS NULL OR a.status = $3)
        ORDER BY a.id DESC LIMIT $4`,
      [before ?? null, projects === 'all' ? null : projects, query.status ?? null, query.limit + 1],
    );
    return toPage(rows, query.limit, (row) => [row.id], toApproval);
  }

  async get(ctx: Ctx, id: string): Promise<Approval> {
    return toApproval(await this.row(ctx, id));
  }

  async ofJob(jobId: string): Promise<Approval[]> {
    const rows = await this.database.query<ApprovalRow>(
      `${select} WHERE a.job_id = $1 ORDER BY a.id`,
      [jobId],
    );
    return rows.map(toApproval);
  }

  /** @throws NotFound, also for an approval that the actor may not see. */
  async row(ctx: Ctx, id: string): Promise<ApprovalRow> {
    const rows = isUuid(id)
      ? await this.database.query<ApprovalRow>(`${select} WHERE a.id = $1`, [id])
      : [];
    const row = rows[0];
    if (!row || !isAllowed(ctx.actor, 'approval.read', row.project_id))
      throw new NotFound(`The approval ${id}`);
    return row;
  }

  async rowIn(tx: Tx, id: string): Promise<ApprovalRow> {
    const { rows } = await sql<ApprovalRow>(tx, `${select} WHERE a.id = $1`, [id]);
    if (!rows[0]) throw new NotFound(`The approval ${id}`);
    return rows[0];
  }
}

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

const select = `
  SELECT a.id, a.job_id, a.trace_id, a.step_id, a.project_id, a.kind, a.tool, a.reason, a.said, a.args, a.schema, a.status,
         a.second_person, a.requested_by, a.requested_by_user,
         coalesce(u.name, ra.name, a.requested_by) AS requested_by_name, a.created_at, a.expires_at, a.decided_by,
         a.decided_at, a.comment, coalesce(s.round, 1) AS step_round,
         ARRAY(SELECT jsonb_array_elements_text(coalesce(j.spec->'env', '[]') || coalesce(g.config->'env', '[]'))) AS env
    FROM approvals a LEFT JOIN jobs j ON j.id = a.job_id
    LEFT JOIN agents g ON g.id = j.agent_id
    LEFT JOIN users u ON u.id = a.requested_by_user
    LEFT JOIN agents ra ON a.requested_by = 'agent:' || ra.id
    LEFT JOIN job_steps s ON s.job_id = a.job_id AND s.step_id = a.step_id`;

export interface ApprovalRow {
  id: string;
  /** Null for a call outside a run. */
  job_id: string | null;
  trace_id: string;
  step_id: string;
  step_round: number;
  project_id: string | null;
  kind: 'policy' | 'open-call' | 'call';
  tool: string;
  reason: string;
  said: Said | null;
  args: Record<string, unknown>;
  schema: Record<string, unknown>;
  status: Approval['status'];
  second_person: boolean;
  requested_by: string;
  requested_by_user: string | null;
  requested_by_name: string;
  created_at: Date;
  expires_at: Date;
  decided_by: string | null;
  decided_at: Date | null;
  comment: string | null;
  /** Secrets that the run may use. */
  env: string[];
}

const toApproval = (row: ApprovalRow): Approval => ({
  id: row.id,
  jobId: row.job_id === null ? null : String(row.job_id),
  traceId: row.trace_id,
  stepId: row.step_id,
  projectId: row.project_id,
  tool: row.tool,
  reason: row.reason,
  ...(row.said ? { said: row.said } : {}),
  args: row.args,
  schema: row.schema,
  status: row.status,
  secondPerson: row.second_person,
  requestedBy: row.requested_by,
  requestedByName: row.requested_by_name,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
  decidedBy: row.decided_by,
  decidedAt: row.decided_at?.toISOString() ?? null,
  comment: row.comment,
});
