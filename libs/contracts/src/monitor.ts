import { z } from 'zod';
import { PageQuery, Timestamp, pageOf } from './page.js';

export const Span = z
  .object({
    traceId: z.string(),
    spanId: z.string(),
    parentSpanId: z.string().nullable(),
    name: z.string(),
    kind: z.enum(['http', 'job', 'node', 'tool', 'model', 'database', 'internal']),
    startedAt: Timestamp,
    /** Microseconds. */
    durationUs: z.number().int(),
    status: z.enum(['unset', 'ok', 'error']),
    statusMessage: z.string().nullable(),
    attributes: z.record(z.string(), z.unknown()),
    events: z.array(
      z.object({ name: z.string(), at: Timestamp, attributes: z.record(z.string(), z.unknown()) }),
    ),
  })
  .meta({ id: 'Span' });
export type Span = z.infer<typeof Span>;

export const TraceSummary = z
  .object({
    traceId: z.string(),
    jobId: z.string().nullable(),
    projectId: z.string().nullable(),
    name: z.string(),
    status: z.string(),
    costCny: z.number().nullable(),
    latencyMs: z.number().int().nullable(),
    startedAt: Timestamp,
    finishedAt: Timestamp.nullable(),
  })
  .meta({ id: 'TraceSummary' });
export type TraceSummary = z.infer<typeof TraceSummary>;
export const TracePage = pageOf(TraceSummary).meta({ id: 'TracePage' });
export const TraceDetail = TraceSummary.extend({
  spans: z.array(Span),
  /** True when the trace has more spans than one answer holds (20,000). */
  truncated: z.boolean(),
}).meta({ id: 'TraceDetail' });
export type TraceDetail = z.infer<typeof TraceDetail>;

export const Health = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable']),
    checks: z.record(
      z.string(),
      z.object({ status: z.enum(['ok', 'off', 'failed']), detail: z.string() }),
    ),
  })
  .meta({ id: 'Health' });
export type Health = z.infer<typeof Health>;

export const TracesQuery = PageQuery.extend({ status: z.string().max(20).optional() });
export type TracesQuery = z.infer<typeof TracesQuery>;

export const LogsQuery = PageQuery.extend({
  traceId: z.string().max(64).optional(),
  level: z.enum(['debug', 'info', 'warn', 'error']).optional(),
  text: z.string().max(200).optional(),
});
export type LogsQuery = z.infer<typeof LogsQuery>;
