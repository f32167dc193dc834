import { Injectable } from '@nestjs/common';
import type {
  Span,
  SpanCall,
  TraceDetail,
  TracePage,
  TraceSummary,
  TracesQuery,
} from '@aos/contracts';
import type { z } from 'zod';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, encodeCursor } from '../../platform/http/cursor.js';
import { NotFound } from '../../platform/http/problem.js';
import { History, type Told } from './history.js';
import { type CallRow, callColumns, toToolCall } from '../integrations/index.js';

/** More spans than this are not sent at once; `truncated` says so. */
const MAX_SPANS = 20_000;
/** A search that finds little looks at so many runs and then answers with what it has and where to go on. */
const MOST_LOOKED_AT = 10_000;

/** A trace is open until its job has ended, and only the job knows that it waits for a person meanwhile. */
const statusOf = (trace: string) =>
  `CASE WHEN ${trace}.status = 'running' AND j.status = 'waiting' THEN 'waiting' ELSE ${trace}.status END`;

@Injectable()
export class TracesQueries {
  constructor(
    private readonly database: Database,
    private readonly history: History,
  ) {}

  async traces(ctx: Ctx, query: TracesQuery): Promise<z.infer<typeof TracePage>> {
    const after = decodeCursor(query.cursor, 2);
    const allowed = allowedProjects(ctx.actor, 'monitor.read');
    const walk = `SELECT t.*, t.started_at::text AS started_key FROM traces t
      WHERE ($1::timestamptz IS NULL OR (t.started_at, t.trace_id) < ($1, $2))
        AND ($3::text[] IS NULL OR t.project_id = ANY ($3))
        AND ($4::timestamptz IS NULL OR t.started_at >= $4)
        AND ($5::timestamptz IS NULL OR t.started_at < $5)
        ${query.projectId === undefined ? 'AND $6::text IS NULL' : 'AND t.project_id = $6'}
      ORDER BY t.started_at DESC, t.trace_id DESC LIMIT ${MOST_LOOKED_AT}`;
    const bounds = [
      after?.[0] ?? null,
      after?.[1] ?? null,
      allowed === 'all' ? null : allowed,
      query.from ?? null,
      query.to ?? null,
      query.projectId ?? null,
    ];
    const rows = await this.database.query<TraceRow & { started_key: string }>(
      `SELECT w.*, ${statusOf('w')} AS live_status, j.agent_id, a.name AS agent_name
         FROM (${walk}) AS w LEFT JOIN jobs j ON j.id = w.job_id LEFT JOIN agents a ON a.id = j.agent_id
        WHERE ($7::text[] IS NULL OR ${statusOf('w')} = ANY ($7))
          AND ($8::text IS NULL OR strpos(lower(w.name), lower($8)) > 0)
          AND ($9::bigint IS NULL OR j.agent_id = $9)
          AND ($10::int IS NULL OR coalesce(w.latency_ms, extract(epoch FROM now() - w.started_at) * 1000) >= $10)
          AND ($11::boolean IS NULL OR $11 = (w.status = 'failed' OR EXISTS (
                SELECT 1 FROM spans s WHERE s.trace_id = w.trace_id AND s.status = 'error')))
        ORDER BY w.started_at DESC, w.trace_id DESC LIMIT $12`,
      [
        ...bounds,
        query.status ?? null,
        query.text ?? null,
        query.agentId ?? null,
        query.minMs ?? null,
        query.hasError ?? null,
        query.limit + 1,
      ],
    );
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    return {
      items: page.map(toTrace),
      nextCursor:
        rows.length > query.limit && last
          ? encodeCursor([last.started_key, last.trace_id])
          : await this.endOfWalk(walk, bounds),
    };
  }

  /** Where a walk that was cut short goes on; null when it came to the end. */
  private async endOfWalk(walk: string, bounds: unknown[]): Promise<string | null> {
    const [row] = await this.database.query<{ started_key: string; trace_id: string }>(
      `SELECT started_key, trace_id FROM (${walk}) AS w OFFSET ${MOST_LOOKED_AT - 1}`,
      bounds,
    );
    return row ? encodeCursor([row.started_key, row.trace_id]) : null;
  }

  /** A trace of a job, or of any request: a request has spans but no row in `traces`. */
  async trace(ctx: Ctx, traceId: string): Promise<TraceDetail> {
    const [row] = await this.database.query<TraceRow>(
      `SELECT t.*, ${statusOf('t')} AS live_status, j.agent_id, a.name AS agent_name FROM traces t
         LEFT JOIN jobs j ON j.id = t.job_id LEFT JOIN agents a ON a.id = j.agent_id
        WHERE t.trace_id = $1`,
      [traceId],
    );
    const kept = await this.database.query<SpanRow>(
      `SELECT *, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS started
         FROM spans WHERE trace_id = $1 ORDER BY started_at, duration_us DESC, span_id LIMIT $2`,
      [traceId, MAX_SPANS + 1],
    );
    const mayRead = isAllowed(ctx.actor, 'monitor.read', row?.project_id ?? null);
    if (!mayRead) throw new NotFound(`The trace ${traceId}`);
    const { history, rows: spans } =
      kept.length > 0 ? { history: this.history.state, rows: kept } : await this.copied(traceId);
    if (!row && spans.length === 0) throw new NotFound(`The trace ${traceId}`);
    return {
      ...(row ? toTrace(row) : ofRequest(traceId, spans)),
      spans: spans.slice(0, MAX_SPANS).map(toSpan),
      truncated: spans.length > MAX_SPANS,
      history,
    };
  }

  /** Spans that Postgres keeps no longer. */
  private async copied(traceId: string): Promise<Told<SpanRow>> {
    const { history, rows } = await this.history.ask<CopiedSpan>(
      `SELECT trace_id, span_id, parent_span_id, name, kind, toString(started_at) AS started, duration_us, status,
              status_message, attributes, events
         FROM spans FINAL WHERE installation = {installation:String} AND trace_id = {traceId:String}
        ORDER BY started_at, duration_us DESC, span_id LIMIT ${MAX_SPANS + 1}`,
      { traceId },
    );
    return {
      history,
      rows: rows.map((row) => ({
        ...row,
        started: `${row.started.replace(' ', 'T')}Z`,
        attributes: JSON.parse(row.attributes) as SpanRow['attributes'],
        events: JSON.parse(row.events) as SpanRow['events'],
      })),
    };
  }

  /**
   * The row of the ledger behind a tool span. The ledger has an index by job and one by tool and time, and none by
   * span: one of the two always leads there.
   */
  async callOfSpan(ctx: Ctx, traceId: string, spanId: string): Promise<SpanCall> {
    const [span] = await this.database.query<{
      name: string;
      started_at: Date;
      duration_us: string;
      job_id: string | null;
      project_id: string | null;
    }>(
      `SELECT s.name, s.started_at, s.duration_us, t.job_id, t.project_id
         FROM spans s LEFT JOIN traces t ON t.trace_id = s.trace_id
        WHERE s.trace_id = $1 AND s.span_id = $2 AND s.kind = 'tool'`,
      [traceId, spanId],
    );
    if (!span || !isAllowed(ctx.actor, 'monitor.read', span.project_id))
      throw new NotFound(`The tool call of the span ${spanId}`);
    const [, server, tool] = /^tool ([^.]+)\.(.+)$/.exec(span.name) ?? [];
    const ended = new Date(span.started_at.getTime() + Number(span.duration_us) / 1000 + 1000);
    const [row] = await this.database.query<CallRow>(
      span.job_id
        ? `SELECT ${callColumns} FROM tool_calls WHERE job_id = $1 AND span_id = $2`
        : `SELECT ${callColumns} FROM tool_calls WHERE server = $3 AND tool = $4 AND span_id = $2 AND trace_id = $1
              AND started_at BETWEEN $5::timestamptz - interval '1 second' AND $6`,
      span.job_id
        ? [span.job_id, spanId]
        : [traceId, spanId, server, tool, span.started_at.toISOString(), ended.toISOString()],
    );
    return { call: row ? toToolCall(row) : null };
  }
}

interface TraceRow {
  trace_id: string;
  job_id: string | null;
  project_id: string | null;
  agent_id: string | null;
  agent_name: string | null;
  name: string;
  live_status: string | null;
  cost_cny: string | null;
  input_tokens: string;
  output_tokens: string;
  latency_ms: number | null;
  started_at: Date;
  finished_at: Date | null;
}

const toTrace = (row: TraceRow): TraceSummary => ({
  traceId: row.trace_id,
  jobId: row.job_id,
  projectId: row.project_id,
  agentId: row.agent_id,
  agentName: row.agent_name,
  name: row.name,
  status: row.live_status ?? 'running',
  costCny: row.cost_cny === null ? null : Number(row.cost_cny),
  inputTokens: Number(row.input_tokens),
  outputTokens: Number(row.output_tokens),
  latencyMs: row.latency_ms,
  startedAt: row.started_at.toISOString(),
  finishedAt: row.finished_at?.toISOString() ?? null,
});

function ofRequest(traceId: string, spans: readonly SpanRow[]): TraceSummary {
  const first = spans[0]!;
  return {
    traceId,
    jobId: null,
    projectId: null,
    agentId: null,
    agentName: null,
    name: first.name,
    status: spans.some((span) => span.status === 'error') ? 'failed' : 'succeeded',
    costCny: null,
    inputTokens: 0,
    outputTokens: 0,
    latencyMs: Math.round(Number(first.duration_us) / 1000),
    startedAt: first.started,
    finishedAt: null,
  };
}

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

type CopiedSpan = Omit<SpanRow, 'attributes' | 'events'> & { attributes: string; events: string };

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
