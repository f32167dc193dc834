import { Injectable } from '@nestjs/common';
import {
  type Job,
  type JobError,
  type JobsQuery,
  type JobStatus,
  type Page,
  type AcceptedTask,
  say,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, encodeCursor, toPage } from '../../platform/http/cursor.js';
import { AosError, NotFound } from '../../platform/http/problem.js';

@Injectable()
export class JobsQueries {
  constructor(private readonly database: Database) {}

  async list(ctx: Ctx, query: JobsQuery): Promise<Page<Job>> {
    const filter = jobFilter(ctx, query);
    const matching = filter.isSearch
      ? `j.id = ANY(ARRAY(SELECT j.id FROM (${windowOf(filter)}) AS j WHERE ${filter.searched} ORDER BY j.id DESC LIMIT ${query.limit + 1}))`
      : filter.keyed;
    const rows = await this.database.query<Row>(
      `${select} WHERE ${matching} ORDER BY j.id DESC LIMIT ${query.limit + 1}`,
      filter.parameters,
    );
    const page = toPage(rows, query.limit, (row) => [row.id], toJob);
    return filter.isSearch && page.nextCursor === null
      ? { ...page, nextCursor: await this.endOfWindow(filter) }
      : page;
  }

  /** Where a search goes on that has looked through its window, or null when it has seen the last job. */
  private async endOfWindow(filter: JobFilter): Promise<string | null> {
    const [end] = await this.database.query<{ last: string | null; seen: number }>(
      `SELECT min(j.id) AS last, count(*)::int AS seen FROM (${windowOf(filter)}) AS j`,
      filter.parameters.slice(0, filter.keyedParameters),
    );
    return end?.last != null && end.seen === WINDOW ? encodeCursor([end.last]) : null;
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

/**
 * What a request with a filter that no index answers (the text of a goal, its blueprint, how long a job took) looks through at most.
 * It answers with what it found and a cursor, so that a search for something rare costs many short requests
 * instead of one that reads the whole table.
 */
const WINDOW = 20_000;

interface JobFilter {
  /** Answered by the keys of the table. */
  keyed: string;
  searched: string;
  isSearch: boolean;
  parameters: unknown[];
  /** How many of them, from the first on, belong to the keyed part. */
  keyedParameters: number;
}

const windowOf = ({ keyed }: JobFilter) =>
  `SELECT j.id, j.spec, j.started_at, j.finished_at FROM jobs j WHERE ${keyed} ORDER BY j.id DESC LIMIT ${WINDOW}`;

function jobFilter(ctx: Ctx, query: JobsQuery): JobFilter {
  const parameters: unknown[] = [];
  const bind = (value: unknown) => `$${parameters.push(value)}`;
  const before = decodeCursor(query.cursor, 1)?.[0];
  if (before !== undefined && !isJobId(String(before)))
    throw new AosError('invalid_cursor', say('cursor-as-given'));
  const projects = allowedProjects(ctx.actor, 'task.read');
  const keyed = [
    before !== undefined && `j.id < ${bind(before)}`,
    projects !== 'all' && `j.project_id = ANY(${bind(projects)}::text[])`,
    // Written out, and safe because the contract knows all of them: the planner compares them with the
    // conditions of the partial indexes, which it cannot do with a parameter.
    query.status && `j.status IN (${query.status.map((status) => `'${status}'`).join(', ')})`,
    query.projectId !== undefined && `j.project_id = ${bind(query.projectId)}`,
    query.traceId !== undefined && `j.trace_id = ${bind(query.traceId)}`,
    query.agentId !== undefined && isOfAgent(bind(query.agentId)),
    query.from !== undefined && isFrom(bind(query.from)),
    query.to !== undefined && isBefore(bind(query.to)),
  ];
  const keyedParameters = parameters.length;
  const searched = [
    query.blueprintId !== undefined &&
      `j.spec->'blueprint'->>'id' = ${bind(query.blueprintId)}::text`,
    query.text !== undefined &&
      `strpos(lower(j.spec->>'goal'), lower(${bind(query.text)}::text)) > 0`,
    query.minMs !== undefined && `${tookMs} >= ${bind(query.minMs)}::float8`,
    query.maxMs !== undefined && `${tookMs} <= ${bind(query.maxMs)}::float8`,
  ];
  const all = (parts: (string | false | undefined)[]) => parts.filter(Boolean).join(' AND ');
  return {
    keyed: all(keyed) || 'true',
    searched: all(searched),
    isSearch: searched.some(Boolean),
    parameters,
    keyedParameters,
  };
}

const tookMs = 'extract(epoch FROM coalesce(j.finished_at, now()) - j.started_at) * 1000';
const isOfAgent = (name: string) =>
  `j.agent_id IN (SELECT id FROM agents WHERE id::text = ${name}::text OR name = ${name}::text)`;

/**
 * Ids are given out in the order of time, give or take the length of a transaction: the index of traces by time
 * says where the range begins and ends, with a minute to spare, and the job's own time decides.
 */
const isFrom = (from: string) => `j.created_at >= ${from}::timestamptz AND j.id > coalesce((
  SELECT t.job_id FROM traces t WHERE t.started_at < ${from}::timestamptz - interval '1 minute'
     AND t.job_id IS NOT NULL ORDER BY t.started_at DESC LIMIT 1), 0)`;
const isBefore = (to: string) => `j.created_at < ${to}::timestamptz AND j.id < coalesce((
  SELECT t.job_id FROM traces t WHERE t.started_at > ${to}::timestamptz + interval '1 minute'
     AND t.job_id IS NOT NULL ORDER BY t.started_at LIMIT 1), 9223372036854775807)`;

/**
 * A plan that was not made yet has the steps that the task came with. A step that the plan could do without
 * counts as done; the rest of a run that was given up was skipped as well, and does not.
 */
const select = `
  SELECT j.id, j.trace_id, j.spec, j.status, j.priority, j.project_id, j.agent_id, a.name AS agent_name,
         j.conversation_id, j.rerun_of, j.attempts, j.created_by, j.created_at, j.scheduled_at, j.started_at,
         j.finished_at, j.error, p.done, p.current,
         CASE WHEN p.planned > 0 THEN p.planned
              WHEN jsonb_typeof(j.spec->'steps') = 'array' THEN jsonb_array_length(j.spec->'steps') ELSE 0 END AS total
    FROM jobs j
    LEFT JOIN agents a ON a.id = j.agent_id
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS planned,
             count(*) FILTER (WHERE s.state = 'done'
               OR (s.state = 'skipped' AND j.status NOT IN ('failed', 'cancelled')))::int AS done,
             (array_agg(s.step_id ORDER BY s.position) FILTER (WHERE s.state IN ('running', 'waiting')))[1] AS current
        FROM job_steps s WHERE s.job_id = j.id) AS p`;

interface Row {
  id: string;
  trace_id: string;
  spec: AcceptedTask;
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
