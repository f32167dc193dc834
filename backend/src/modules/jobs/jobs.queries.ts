import { Injectable } from '@nestjs/common';
import type { Job, JobError, JobStatus, JobsQuery, Page, TaskSpec } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { AosError, NotFound } from '../../platform/http/problem.js';

@Injectable()
export class JobsQueries {
  constructor(private readonly database: Database) {}

  async list(ctx: Ctx, query: JobsQuery): Promise<Page<Job>> {
    const before = decodeCursor(query.cursor, 1)?.[0];
    if (before !== undefined && !isJobId(String(before)))
      throw new AosError(
        'invalid_cursor',
        'Use the nextCursor of the previous page as it was given.',
      );
    const projects = allowedProjects(ctx.actor, 'task.read');
    const rows = await this.database.query<Row>(
      `${select}
        WHERE ($1::bigint IS NULL OR j.id < $1)
          AND ($2::text[] IS NULL OR j.project_id = ANY($2))
          AND ($3::text IS NULL OR j.status = $3)
          AND ($4::text IS NULL OR j.project_id = $4)
          AND ($5::text IS NULL OR j.agent_id IN (SELECT id FROM agents WHERE id::text = $5 OR name = $5))
        ORDER BY j.id DESC LIMIT $6`,
      [
        before ?? null,
        projects === 'all' ? null : projects,
        query.status ?? null,
        query.projectId ?? null,
        query.agentId ?? null,
        query.limit + 1,
      ],
    );
    return toPage(rows, query.limit, (row) => [row.id], toJob);
  }

  /** With its spec. @throws NotFound, also for a job that the actor may not see. */
  async get(ctx: Ctx, jobId: string): Promise<Job> {
    const rows = isJobId(jobId)
      ? await this.database.query<Row>(`${select} WHERE j.id = $1`, [jobId])
      : [];
    const row = rows[0];
    if (!row || !isAllowed(ctx.actor, 'task.read', row.project_id))
      throw new NotFound(`The job ${jobId}`);
    return { ...toJob(row), spec: row.spec };
  }
}

/** A positive bigint; anything else would be an error of the database. */
const isJobId = (text: string) => /^[1-9]\d{0,17}$/.test(text);

/** A plan that was not made yet has the steps that the task came with. */
const select = `
  SELECT j.id, j.trace_id, j.spec, j.status, j.priority, j.project_id, j.agent_id, a.name AS agent_name,
         j.conversation_id, j.rerun_of, j.attempts, j.created_by, j.created_at, j.scheduled_at, j.started_at,
         j.finished_at, j.error, p.done, p.current,
         CASE WHEN p.planned > 0 THEN p.planned
              WHEN jsonb_typeof(j.spec->'steps') = 'array' THEN jsonb_array_length(j.spec->'steps') ELSE 0 END AS total
    FROM jobs j
    LEFT JOIN agents a ON a.id = j.agent_id
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS planned, count(*) FILTER (WHERE s.state IN ('done', 'skipped'))::int AS done,
             (array_agg(s.step_id ORDER BY s.position) FILTER (WHERE s.state IN ('running', 'waiting')))[1] AS current
        FROM job_steps s WHERE s.job_id = j.id) AS p`;

interface Row {
  id: string;
  trace_id: string;
  spec: TaskSpec;
  status: JobStatus;
  priority: number;
  project_id: string | null;
  agent_id: string | null;
  agent_name: string | null;
  conversation_id: string | null;
  rerun_of: string | null;
  attempts: number;
  created_by: string;
  created_at: Date;
  scheduled_at: Date | null;
  started_at: Date | null;
  finished_at: Date | null;
  error: JobError | null;
  done: number;
  current: string | null;
  total: number;
}

function toJob(row: Row): Job {
  return {
    id: row.id,
    traceId: row.trace_id,
    goal: row.spec.goal,
    status: row.status,
    priority: row.priority,
    projectId: row.project_id,
    agentId: row.agent_id,
    agentName: row.agent_name,
    conversationId: row.conversation_id,
    rerunOf: row.rerun_of,
    attempts: row.attempts,
    progress: { done: row.done, total: row.total, current: row.current },
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    scheduledAt: row.scheduled_at?.toISOString() ?? null,
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    error: row.error,
  };
}
