import { Injectable } from '@nestjs/common';
import type {
  LogLine,
  LogPage,
  LogsQuery,
  Span,
  TraceDetail,
  TracePage,
  TraceSummary,
  TracesQuery,
} from '@aos/contracts';
import type { z } from 'zod';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { NotFound } from '../../platform/http/problem.js';

/** More spans than this are not sent at once; `truncated` says so. */
const MAX_SPANS = 20_000;

interface TraceRow {
  trace_id: string;
  job_id: string | null;
  project_id: string | null;
  name: string;
  status: string | null;
  cost_cny: string | null;
  latency_ms: number | null;
  started_at: Date;
  finished_at: Date | null;
}

@Injectable()
export class MonitorQueries {
  constructor(private readonly database: Database) {}

  async traces(ctx: Ctx, query: TracesQuery): Promise<z.infer<typeof TracePage>> {
    const after = decodeCursor(query.cursor, 2);
    const projects = allowedProjects(ctx.actor, 'monitor.read');
    const rows = await this.database.query<TraceRow & { started_key: string }>(
      `SELECT *, started_at::text AS started_key FROM traces
        WHERE ($1::timestamptz IS NULL OR (started_at, trace_id) < ($1, $2))
          AND ($3::text[] IS NULL OR project_id = ANY ($3))
          AND ($4::text IS NULL OR status = $4)
        ORDER BY started_at DESC, trace_id DESC LIMIT $5`,
      [
        after?.[0] ?? null,
        after?.[1] ?? null,
        projects === 'all' ? null : projects,
        query.status ?? null,
        query.limit + 1,
      ],
    );
    return toPage(rows, query.limit, (row) => [row.started_key, row.trace_id], toTrace);
  }

  /** A trace of a job, or of any request: a request has spans but no row in `traces`. */
  async trace(ctx: Ctx, traceId: string): Promise<TraceDetail> {
    const [row] = await this.database.query<TraceRow>('SELECT * FROM traces WHERE trace_id = $1', [
      traceId,
    ]);
    const spans = await this.database.query<SpanRow>(
      `SELECT *, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS started
         FROM spans WHERE trace_id = $1 ORDER BY started_at, duration_us DESC, span_id LIMIT $2`,
      [traceId, MAX_SPANS + 1],
    );
    const mayRead = isAllowed(ctx.actor, 'monitor.read', row?.project_id ?? null);
    if (!mayRead || (!row && spans.length === 0)) throw new NotFound(`The trace ${traceId}`);
    const first = spans[0];
    const summary: TraceSummary = row
      ? toTrace(row)
      : {
          traceId,
          jobId: null,
          projectId: null,
          name: first!.name,
          status: spans.some((span) => span.status === 'error') ? 'failed' : 'succeeded',
          costCny: null,
          latencyMs: Math.round(Number(first!.duration_us) / 1000),
          startedAt: first!.started,
          finishedAt: null,
        };
    return {
      ...summary,
      spans: spans.slice(0, MAX_SPANS).map(toSpan),
      truncated: spans.length > MAX_SPANS,
    };
  }

  async logs(ctx: Ctx, query: LogsQuery): Promise<z.infer<typeof LogPage>> {
    const after = decodeCursor(query.cursor, 1);
    const projects = allowedProjects(ctx.actor, 'monitor.read');
    const rows = await this.database.query<LogRow>(
      `SELECT l.* FROM logs l LEFT JOIN jobs j ON j.id = l.job_id
        WHERE ($1::bigint IS NULL OR l.id < $1)
          AND ($2::text[] IS NULL OR j.project_id = ANY ($2))
          AND ($3::text IS NULL OR l.trace_id = $3)
          AND ($4::text IS NULL OR l.level = $4)
          AND ($5::text IS NULL OR strpos(lower(l.message), lower($5)) > 0)
        ORDER BY l.id DESC LIMIT $6`,
      [
        after?.[0] ?? null,
        projects === 'all' ? null : projects,
        query.traceId ?? null,
        query.level ?? null,
        query.text ?? null,
        query.limit + 1,
      ],
    );
    return toPage(rows, query.limit, (row) => [row.id], toLogLine);
  }
}

const toTrace = (row: TraceRow): TraceSummary => ({
  traceId: row.trace_id,
  jobId: row.job_id,
  projectId: row.project_id,
  name: row.name,
  status: row.status ?? 'running',
  costCny: row.cost_cny === null ? null : Number(row.cost_cny),
  latencyMs: row.latency_ms,
  startedAt: row.started_at.toISOString(),
  finishedAt: row.finished_at?.toISOString() ?? null,
});

interface SpanRow {
  trace_id: string;
  span_id: string;
  parent_span_id: string | null;
  name: string;
  kind: string;
  started: string;
  duration_us: string;
  status: string;
  status_message: string | null;
  attributes: Record<string, unknown>;
  events: Span['events'];
}

const toSpan = (row: SpanRow): Span => ({
  traceId: row.trace_id,
  spanId: row.span_id,
  parentSpanId: row.parent_span_id,
  name: row.name,
  kind: row.kind as Span['kind'],
  startedAt: row.started,
  durationUs: Number(row.duration_us),
  status: row.status as Span['status'],
  statusMessage: row.status_message,
  attributes: row.attributes,
  events: row.events,
});

interface LogRow {
  id: string;
  created_at: Date;
  level: string;
  logger: string;
  message: string;
  trace_id: string | null;
  attributes: Record<string, unknown>;
}

const toLogLine = (row: LogRow): LogLine => ({
  id: row.id,
  at: row.created_at.toISOString(),
  level: row.level as LogLine['level'],
  logger: row.logger,
  message: row.message,
  traceId: row.trace_id,
  attributes: row.attributes,
});
