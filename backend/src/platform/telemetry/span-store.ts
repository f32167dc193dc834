import { context, SpanStatusCode, type HrTime } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, suppressTracing } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import type { Database } from '../database/database.js';

/**
 * Keeps finished spans in the `spans` table, so that `/monitor/traces/:id` answers without any collector.
 * It stands behind a BatchSpanProcessor: spans wait in a bounded queue and are written a batch at a time,
 * off the path of what they measure; when the queue is full they are dropped, never the work. Spans that
 * end before the database is open wait there too.
 */
export class SpanStore implements SpanExporter {
  private database: Database | undefined;
  private opened!: () => void;
  private readonly whenOpen = new Promise<void>((resolve) => (this.opened = resolve));
  private isShutDown = false;

  attach(database: Database): void {
    this.database = database;
    this.opened();
  }

  /** After this, what still arrives is dropped: the database is about to close. */
  detach(): void {
    this.isShutDown = true;
    this.opened();
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.write(spans).then(
      () => done({ code: ExportResultCode.SUCCESS }),
      (error: Error) => done({ code: ExportResultCode.FAILED, error }),
    );
  }

  async shutdown(): Promise<void> {
    this.detach();
  }

  private async write(spans: ReadableSpan[]): Promise<void> {
    await this.whenOpen;
    if (this.isShutDown || !this.database) return;
    const rows = JSON.stringify(spans.map(toRow));
    const database = this.database;
    // Its own statement must not make spans of its own.
    await context.with(suppressTracing(context.active()), () =>
      database.query(
        `INSERT INTO spans (trace_id, span_id, parent_span_id, name, kind, started_at, duration_us, status, status_message, attributes, events)
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS s(trace_id text, span_id text, parent_span_id text, name text, kind text,
           started_at timestamptz, duration_us bigint, status text, status_message text, attributes jsonb, events jsonb)`,
        [rows],
      ),
    );
  }
}

function toRow(span: ReadableSpan): Record<string, unknown> {
  const { 'aos.kind': kind, ...attributes } = span.attributes;
  return {
    trace_id: span.spanContext().traceId,
    span_id: span.spanContext().spanId,
    parent_span_id: span.parentSpanContext?.spanId ?? null,
    name: span.name.slice(0, 500),
    kind: kind ?? 'internal',
    started_at: toIso(span.startTime),
    duration_us: Math.round(span.duration[0] * 1e6 + span.duration[1] / 1e3),
    status: {
      [SpanStatusCode.UNSET]: 'unset',
      [SpanStatusCode.OK]: 'ok',
      [SpanStatusCode.ERROR]: 'error',
    }[span.status.code],
    status_message: span.status.message?.slice(0, 2000) ?? null,
    attributes,
    events: span.events.map((event) => ({
      name: event.name,
      at: toIso(event.time),
      attributes: event.attributes ?? {},
    })),
  };
}

/** With microseconds, which Date does not hold. */
function toIso([seconds, nanos]: HrTime): string {
  const micros = Math.floor(nanos / 1000)
    .toString()
    .padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${micros}Z`;
}
