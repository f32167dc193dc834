import { Injectable } from '@nestjs/common';
import {
  type Approval,
  type ApprovalVote,
  type ApprovalsQuery,
  type Approvers,
  type Page,
  type Said,
  say,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { AosError, NotFound } from '../../platform/http/problem.js';
import { couldDecideSql } from '../integrations/index.js';
import { voterOf } from './votes.js';

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
      `${selectFor('$4')}
        WHERE ($1::uuid IS NULL OR a.id < $1) AND ($2::text[] IS NULL OR a.project_id = ANY($2))
          AND ($3::text IS NULL OR a.status = $3)
        ORDER BY a.id DESC LIMIT $5`,
      [
        before ?? null,
        projects === 'all' ? null : projects,
        query.status ?? null,
        ctx.actor.userId,
        query.limit + 1,
      ],
    );
    return toPage(
      rows,
      query.limit,
      (row) => [row.id],
      (row) => toApproval(ctx, row),
    );
  }

  async get(ctx: Ctx, id: string): Promise<Approval> {
    return toApproval(ctx, await this.row(ctx, id));
  }

  async ofJob(ctx: Ctx, jobId: string): Promise<Approval[]> {
    const rows = await this.database.query<ApprovalRow>(
      `${selectFor('$2')} WHERE a.job_id = $1 ORDER BY a.id`,
      [jobId, ctx.actor.userId],
    );
    return rows.map((row) => toApproval(ctx, row));
  }

  /** @throws NotFound, also for an approval that the actor may not see. */
  async row(ctx: Ctx, id: string): Promise<ApprovalRow> {
    const rows = isUuid(id)
      ? await this.database.query<ApprovalRow>(`${selectFor('$2')} WHERE a.id = $1`, [
          id,
          ctx.actor.userId,
        ])
      : [];
    const row = rows[0];
    if (!row || !isAllowed(ctx.actor, 'approval.read', row.project_id))
      throw new NotFound(`The approval ${id}`);
    return row;
  }

  async rowIn(tx: Tx, ctx: Ctx, id: string): Promise<ApprovalRow> {
    const { rows } = await sql<ApprovalRow>(tx, `${selectFor('$2')} WHERE a.id = $1`, [
      id,
      ctx.actor.userId,
    ]);
    if (!rows[0]) throw new NotFound(`The approval ${id}`);
    return rows[0];
  }
}

/** Who said what. What has been decided keeps the votes that it was decided by. */
const votes = `(
  SELECT coalesce(json_agg(json_build_object(
           'voter', v.voter, 'by', v.voter_name, 'decision', v.decision, 'comment', v.comment, 'at', v.created_at,
           'breakGlass', v.is_break_glass, 'counts', coalesce(v.counted, ${couldDecideSql({
             user: 'v.voter_user',
             project: 'a.project_id',
             roles: 'a.approver_roles',
           })})) ORDER BY v.created_at), '[]')
    FROM approval_votes v WHERE v.approval_id = a.id)`;

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** `viewer` is the person who reads: whether the roles that are wanted are theirs is told with it. */
const selectFor = (viewer: string) => `
  SELECT a.id, a.job_id, a.trace_id, a.step_id, a.project_id, a.kind, a.tool, a.reason, a.said, a.args, a.schema, a.status,
         a.second_person, a.required_count, a.approver_roles, a.requested_by, a.requested_by_user,
         coalesce(u.name, ra.name, a.requested_by) AS requested_by_name, a.created_at, a.expires_at, a.decided_by,
         a.decided_at, a.comment, coalesce(s.round, 1) AS step_round, ${votes} AS votes,
         a.approver_roles IS NULL OR EXISTS (
           SELECT 1 FROM role_bindings b WHERE b.user_id = ${viewer}::uuid AND b.role = ANY(a.approver_roles)
              AND (b.project_id IS NULL OR b.project_id = a.project_id)) AS has_role,
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
  required_count: number;
  approver_roles: string[] | null;
  votes: VoteRow[];
  /** Of whoever reads it. */
  has_role: boolean;
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

interface VoteRow {
  voter: string;
  by: string;
  decision: ApprovalVote['decision'];
  comment: string | null;
  at: string;
  breakGlass: boolean;
  counts: boolean;
}

export const approversOf = (row: ApprovalRow): Approvers => ({
  count: row.required_count,
  secondPerson: row.second_person,
  ...(row.approver_roles ? { roles: row.approver_roles } : {}),
});

/** By session, by token, by an agent of theirs: it is theirs all the same. */
export const isOwn = ({ actor }: Ctx, row: ApprovalRow): boolean =>
  row.requested_by === actor.id ||
  (row.requested_by_user !== null && row.requested_by_user === actor.userId);

const givenOf = (votes: readonly Pick<VoteRow, 'decision' | 'counts'>[]): number =>
  votes.filter(({ decision, counts }) => decision === 'continue' && counts).length;

function youOf(ctx: Ctx, row: ApprovalRow): Approval['you'] {
  const { actor } = ctx;
  if (row.status !== 'pending') return { obstacle: null, mayBreakGlass: false };
  const obstacle = !isAllowed(actor, 'approval.decide', row.project_id)
    ? 'permission'
    : row.second_person && isOwn(ctx, row)
      ? 'own'
      : row.votes.some(({ voter }) => voter === voterOf(actor))
        ? 'voted'
        : row.has_role
          ? null
          : 'role';
  const isShort =
    obstacle === 'role' ||
    obstacle === 'voted' ||
    (obstacle === null && givenOf(row.votes) + 1 < row.required_count);
  return {
    obstacle,
    mayBreakGlass:
      isShort && actor.kind === 'user' && isAllowed(actor, 'approval.override', row.project_id),
  };
}

const toApproval = (ctx: Ctx, row: ApprovalRow): Approval => ({
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
  approvers: approversOf(row),
  given: givenOf(row.votes),
  votes: row.votes.map(({ voter: _, at, ...vote }) => ({
    ...vote,
    at: new Date(at).toISOString(),
  })),
  you: youOf(ctx, row),
  requestedBy: row.requested_by,
  requestedByName: row.requested_by_name,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
  decidedBy: row.decided_by,
  decidedAt: row.decided_at?.toISOString() ?? null,
  comment: row.comment,
});
