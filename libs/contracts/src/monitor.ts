import { z } from 'zod';
import { LogLine } from './agents.js';
import { ToolCall } from './jobs.js';
import { Moment, PageQuery, Timestamp, pageOf, wholeNumber } from './page.js';

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
    agentId: z.string().nullable(),
    agentName: z.string().nullable(),
    name: z.string(),
    status: z.string(),
    costCny: z.number().nullable(),
    inputTokens: z.number().int(),
    outputTokens: z.number().int(),
    latencyMs: z.number().int().nullable(),
    startedAt: Timestamp,
    finishedAt: Timestamp.nullable(),
  })
  .meta({ id: 'TraceSummary' });
export type TraceSummary = z.infer<typeof TraceSummary>;
export const TracePage = pageOf(TraceSummary).meta({ id: 'TracePage' });
/**
 * Of what is older than Postgres keeps: `off` where there is no ClickHouse, `there` where it has said what it has, `away`
 * where it does not answer; then, and where it is off, older things are missing from the answer.
 */
export const historyStates = ['off', 'there', 'away'] as const;
const History = z.enum(historyStates);
export type HistoryState = z.infer<typeof History>;

export const TraceDetail = TraceSummary.extend({
  spans: z.array(Span),
  /** True when the trace has more spans than one answer holds (20,000). */
  truncated: z.boolean(),
  history: History,
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

/** `a,b` in an address; at least one of the values. */
const setOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z
    .string()
    .max(200)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(values)).min(1))
    .meta({
      type: 'string',
      description: `One or several of ${values.join(', ')}; commas between`,
    });

const Flag = z.enum(['true', 'false']).transform((word) => word === 'true');

export const traceStatuses = ['running', 'waiting', 'succeeded', 'failed', 'cancelled'] as const;
export const TracesQuery = PageQuery.extend({
  status: setOf(traceStatuses).optional(),
  /** In the name. */
  text: z.string().max(200).optional(),
  agentId: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  projectId: z.string().max(64).optional(),
  minMs: wholeNumber(0, 1_000_000_000).optional(),
  /** Also a run that ended well, when a span in it failed. */
  hasError: Flag.optional(),
  from: Moment.optional(),
  to: Moment.optional(),
});
export type TracesQuery = z.infer<typeof TracesQuery>;

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
const LogFilter = z.strictObject({
  level: setOf(logLevels).optional(),
  /** The whole name, or its beginning followed by `*`. */
  logger: z.string().max(100).optional(),
  traceId: z.string().max(64).optional(),
  jobId: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  agentId: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  text: z.string().max(200).optional(),
});
export const LogsQuery = PageQuery.extend({
  ...LogFilter.shape,
  from: Moment.optional(),
  to: Moment.optional(),
  /** `oldest` pages towards now: with the cursor of a line, what came after it. */
  order: z.enum(['newest', 'oldest']).default('newest'),
});
export type LogsQuery = z.infer<typeof LogsQuery>;
export const LiveLogsQuery = LogFilter;
export type LiveLogsQuery = z.infer<typeof LiveLogsQuery>;

/** A line of Monitor; `cursor` pages from it, both ways. */
export const MonitorLogLine = LogLine.extend({
  jobId: z.string().nullable(),
  agentId: z.string().nullable(),
  cursor: z.string(),
}).meta({ id: 'MonitorLogLine' });
export type MonitorLogLine = z.infer<typeof MonitorLogLine>;
export const MonitorLogPage = pageOf(MonitorLogLine)
  .extend({ history: History })
  .meta({ id: 'MonitorLogPage' });

export const topologyRanges = ['15m', '1h', '6h', '24h', '7d'] as const;
export type TopologyRange = (typeof topologyRanges)[number];
/** Measurements are kept as `database.keptDays` of the settings says; older ones are in the copy that CLICKHOUSE_URL names, if anywhere. */
export const metricRanges = [...topologyRanges, '30d', '90d'] as const;
export type MetricRange = (typeof metricRanges)[number];
export const MetricsQuery = z.strictObject({ range: z.enum(metricRanges).default('1h') });
export type MetricsQuery = z.infer<typeof MetricsQuery>;

/** Each value belongs to the step that begins `index * stepMs` after `from`; null where nothing was measured. */
const Line = z.array(z.number().nullable());
const Latency = z.object({ p50: Line, p95: Line, p99: Line });

/** One process of AOS, as it was measured last. */
export const ProcessSample = z
  .object({
    process: z.string(),
    roles: z.string(),
    at: Timestamp,
    cpuPercent: z.number(),
    rssBytes: z.number(),
    heapBytes: z.number(),
    loopDelayMs: z.number(),
    clients: z.number().int(),
  })
  .meta({ id: 'ProcessSample' });
export type ProcessSample = z.infer<typeof ProcessSample>;

/** What is so right now. */
export const MetricsNow = z
  .object({
    at: Timestamp,
    queue: z.object({
      queued: z.number().int(),
      running: z.number().int(),
      waiting: z.number().int(),
      scheduled: z.number().int(),
    }),
    approvalsPending: z.number().int(),
    /** Servers of the gateway that were not well when they were asked last. */
    serversDown: z.number().int(),
    relayLagMs: z.number(),
    processes: z.array(ProcessSample),
  })
  .meta({ id: 'MetricsNow' });
export type MetricsNow = z.infer<typeof MetricsNow>;

export const Metrics = z
  .object({
    range: z.enum(metricRanges),
    from: Timestamp,
    to: Timestamp,
    stepMs: z.number().int(),
    throughput: z.object({
      /** How many ended in the step. */
      jobsSucceeded: Line,
      jobsFailed: Line,
      jobsCancelled: Line,
      callsSucceeded: Line,
      callsFailed: Line,
      eventsPerSecond: Line,
      requestsPerSecond: Line,
    }),
    /** Milliseconds; within a tenth, as they come from counts by size. */
    latency: z.object({ jobs: Latency, calls: Latency }),
    /** Per cent of what ended. */
    errorRate: z.object({ jobs: Line, calls: Line, requests: Line }),
    /** Of all processes: CPU, memory and clients added up, delay and lag of the worst. */
    process: z.object({
      cpuPercent: Line,
      rssBytes: Line,
      heapBytes: Line,
      loopDelayMeanMs: Line,
      loopDelayP99Ms: Line,
      clients: Line,
    }),
    queue: z.object({ queued: Line, running: Line, waiting: Line, scheduled: Line }),
    relayLagMs: Line,
    history: History,
    now: MetricsNow,
  })
  .meta({ id: 'Metrics' });
export type Metrics = z.infer<typeof Metrics>;

export const TopologyQuery = z.strictObject({ range: z.enum(topologyRanges).default('1h') });
export type TopologyQuery = z.infer<typeof TopologyQuery>;

export const topologyKinds = ['api', 'job', 'node', 'server', 'model', 'database'] as const;
const Traffic = {
  calls: z.number().int(),
  errors: z.number().int(),
  p95Ms: z.number().nullable(),
};
export const Topology = z
  .object({
    range: z.enum(topologyRanges),
    from: Timestamp,
    to: Timestamp,
    /** How many spans it was made from, and whether older ones of the range were left out. */
    spans: z.number().int(),
    truncated: z.boolean(),
    nodes: z.array(
      z.object({ id: z.string(), kind: z.enum(topologyKinds), name: z.string(), ...Traffic }),
    ),
    edges: z.array(z.object({ from: z.string(), to: z.string(), ...Traffic })),
  })
  .meta({ id: 'Topology' });
export type Topology = z.infer<typeof Topology>;

/** The ledger's row of the tool call behind a span; null when there is none, as for a call that was not let through. */
export const SpanCall = z.object({ call: ToolCall.nullable() }).meta({ id: 'SpanCall' });
export type SpanCall = z.infer<typeof SpanCall>;
