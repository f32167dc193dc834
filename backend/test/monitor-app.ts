import { openHttpApp, type HttpApp } from './http-app.js';
import { MonitorModule } from '../src/modules/monitor/index.js';
import { PlatformStreamModule } from '../src/platform/realtime/stream.module.js';
import type { Database } from '../src/platform/database/database.js';

/** Monitor with the relay whose events it counts. */
export const openMonitorApp = (): Promise<HttpApp> =>
  openHttpApp({ imports: [PlatformStreamModule, MonitorModule] });

export interface SpanSeed {
  traceId: string;
  spanId: string;
  parentSpanId?: string | null;
  name: string;
  kind?: string;
  startedAt?: Date;
  durationUs?: number;
  status?: 'unset' | 'ok' | 'error';
  attributes?: Record<string, unknown>;
}

/** Spans as the store writes them, many at a time. */
export async function insertSpans(database: Database, spans: readonly SpanSeed[]): Promise<void> {
  const rows = spans.map((span) => ({
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_span_id: span.parentSpanId ?? null,
    name: span.name,
    kind: span.kind ?? 'internal',
    started_at: (span.startedAt ?? new Date()).toISOString(),
    duration_us: span.durationUs ?? 1000,
    status: span.status ?? 'unset',
    attributes: span.attributes ?? {},
  }));
  await database.query(
    `INSERT INTO spans (trace_id, span_id, parent_span_id, name, kind, started_at, duration_us, status, attributes)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS s(trace_id text, span_id text, parent_span_id text, name text,
       kind text, started_at timestamptz, duration_us bigint, status text, attributes jsonb)`,
    [JSON.stringify(rows)],
  );
}

/**
 * One run with so many spans, as a long one leaves them: rounds of graph nodes with tool calls and their statements
 * below, one call in fifty failed. For tests and benchmarks of what shows them.
 */
export async function insertLargeTrace(
  database: Database,
  traceId: string,
  spans = 10_000,
): Promise<void> {
  const begin = Date.now() - 600_000;
  const seeds: SpanSeed[] = [
    {
      traceId,
      spanId: 's0',
      name: 'job task',
      kind: 'job',
      startedAt: new Date(begin),
      durationUs: spans * 10_000,
    },
  ];
  for (let n = 1; n < spans; n += 1) {
    const place = n % 10;
    const round = n - place;
    const kind = place === 0 ? 'node' : place % 3 === 1 ? 'tool' : 'database';
    const parent =
      place === 0 || round === 0
        ? 0
        : kind === 'tool'
          ? round
          : Math.max(round, n - (place % 3) + 1);
    seeds.push({
      traceId,
      spanId: `s${n}`,
      parentSpanId: `s${parent === n ? 0 : parent}`,
      name: kind === 'node' ? 'executor' : kind === 'tool' ? 'tool skills.csv.clean' : 'query',
      kind,
      startedAt: new Date(begin + n * 10),
      durationUs: place === 0 ? 100_000 : 30_000 - place * 2000,
      status: n % 50 === 11 ? 'error' : 'unset',
      attributes: { 'aos.step.id': `step-${round}` },
    });
  }
  for (let at = 0; at < seeds.length; at += 2_000)
    await insertSpans(database, seeds.slice(at, at + 2_000));
  await database.query(
    `INSERT INTO traces (trace_id, status, started_at, finished_at, latency_ms, name)
     VALUES ($1, 'succeeded', $2, $3, $4, $5)`,
    [
      traceId,
      new Date(begin).toISOString(),
      new Date(begin + spans * 10).toISOString(),
      spans * 10,
      `A run of ${spans} spans`,
    ],
  );
}
