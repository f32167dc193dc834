import { type HrTime, ROOT_CONTEXT, TraceFlags } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import { Logger } from '@nestjs/common';
import { type Said, type SystemConfig, type TraceExportState, say } from '@aos/contracts';
import type { Redactor } from './redactor.js';

/** Spans that wait for a collector, at most, with those that are on their way. Further ones are lost to it, and counted. */
const MOST_WAITING = 2_048;
const BATCH = 512;
const GATHER_MS = 1_000;
/** What a stop waits for a collector that does not answer; a process has 30 s in all. */
const PATIENCE_MS = 5_000;

export interface Destination {
  host: string;
  exporter: SpanExporter;
  timeoutMs: number;
}

/** What the environment decides of: settings that do not hold, and what holds instead. */
export interface Overrides {
  overrides: TraceExportState['overrides'];
  destination?: Destination | undefined;
  timeoutMs?: number | undefined;
}

type Place = Pick<SystemConfig['telemetry'], 'protocol' | 'timeoutMs'> & { endpoint: string };

/**
 * Traces to a collector, of the environment or of the settings, which may change at any time.
 *
 *     span ──> in the ratio? ──> room? ──> BatchSpanProcessor ──> exporter ──> collector
 *                                   └ no: lost, counted
 *
 * OpenTelemetry takes its processors when it starts, and none later; this is the one it gets, and it hands on to whichever is in
 * force. The one before is flushed and shut down behind it, and nobody waits for that.
 *
 * Failure. A collector that is away is tried again by the exporter for as long as a batch may take; then the batch is lost to
 * it. What waits is bounded, whatever happens. AOS's own table has all spans, by a way of its own. `state` tells.
 */
export class TraceExport implements SpanProcessor {
  private readonly logger = new Logger(TraceExport.name);
  private current: { processor: BatchSpanProcessor } | undefined;
  private sampler = new TraceIdRatioBasedSampler(1);
  private redactor: Redactor | undefined;
  private readonly ending = new Set<Promise<void>>();
  /** Whether the environment says where traces go: then the settings do not. */
  readonly isSetOutside: boolean;
  private waiting = 0;
  private now: Omit<TraceExportState, 'overrides' | 'setBy' | 'since'> & { since: Date } = {
    ...{ host: null, state: 'off', reason: null, sent: 0, lost: 0 },
    since: new Date(),
  };

  constructor(private readonly environment: Overrides = { overrides: [] }) {
    this.isSetOutside = this.isOverridden('telemetry.endpoint');
    if (environment.destination) this.begin(environment.destination);
  }

  get state(): TraceExportState {
    const setBy = this.isSetOutside ? 'environment' : this.now.host === null ? null : 'settings';
    const { since, ...now } = this.now;
    return { ...now, since: since.toISOString(), setBy, overrides: this.environment.overrides };
  }

  /** Known secrets are taken out of what is sent, from now on. */
  redactWith(redactor: Redactor): void {
    this.redactor = redactor;
  }

  /** The same traces in every process: the decision is made of the trace's id. */
  setRatio(ratio: number): void {
    if (!this.isOverridden('telemetry.sampleRatio'))
      this.sampler = new TraceIdRatioBasedSampler(ratio);
  }

  private isOverridden(path: string): boolean {
    return this.environment.overrides.some((each) => each.path === path);
  }

  /** To where the settings say, OTLP over HTTP. */
  send({ endpoint, protocol, timeoutMs }: Place, headers: Record<string, string>): void {
    if (this.isSetOutside) return;
    const url = new URL(endpoint);
    if (!/\/v1\/traces\/?$/.test(url.pathname))
      url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
    const Exporter = protocol === 'http/json' ? JsonExporter : ProtobufExporter;
    const limit = this.environment.timeoutMs ?? timeoutMs;
    const exporter = new Exporter({ url: url.href, headers, timeoutMillis: limit });
    this.end();
    this.begin({ host: url.host, exporter, timeoutMs: limit });
  }

  /** The settings name a place, and nothing can be sent there. */
  refuse({ endpoint }: Pick<Place, 'endpoint'>, reason: Said): void {
    if (this.isSetOutside) return;
    this.end();
    this.become({ host: new URL(endpoint).host, state: 'unusable', reason });
  }

  stop(): void {
    if (this.isSetOutside) return;
    this.end();
    this.become({ host: null, state: 'off', reason: null });
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    if (!this.current || (traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.sampler.shouldSample(ROOT_CONTEXT, traceId).decision === 0) return;
    if (this.waiting >= MOST_WAITING) this.now.lost += 1;
    else {
      this.waiting += 1;
      this.current.processor.onEnd(span);
    }
  }

  async forceFlush(): Promise<void> {
    const { current } = this;
    // What could not be sent is told by `state`.
    await atMost(
      PATIENCE_MS,
      current?.processor.forceFlush().catch(() => undefined),
    );
  }

  /** The ones before have sent what waited for them, or given up. */
  async settled(): Promise<void> {
    await atMost(PATIENCE_MS, Promise.all(this.ending));
  }

  async shutdown(): Promise<void> {
    this.end();
    await this.settled();
  }

  private begin({ host, exporter, timeoutMs }: Destination): void {
    this.become({ host, state: 'waiting', reason: null });
    const of = this.now;
    const processor = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) =>
          exporter.export(spans.map(this.clean), (result) => {
            // Of the one before, nobody counts any more.
            if (this.now === of) this.note(result, spans.length);
            done(result);
          }),
        forceFlush: async () => exporter.forceFlush?.(),
        shutdown: () => exporter.shutdown(),
      },
      scheduledDelayMillis: GATHER_MS,
      maxQueueSize: MOST_WAITING,
      maxExportBatchSize: BATCH,
      // The exporter's own limit comes first, and says why.
      exportTimeoutMillis: timeoutMs + 2_000,
    });
    this.current = { processor };
  }

  private end(): void {
    const { current } = this;
    if (!current) return;
    this.current = undefined;
    this.waiting = 0;
    const ending: Promise<void> = current.processor
      .shutdown()
      .catch(() => undefined) // it could not send what waited; there is nobody left to tell
      .finally(() => this.ending.delete(ending));
    this.ending.add(ending);
  }

  private note({ code, error }: ExportResult, count: number): void {
    this.waiting -= count;
    if (code === ExportResultCode.SUCCESS) {
      this.now.sent += count;
      if (this.now.state === 'failing') this.logger.log(`Traces reach ${this.now.host} again.`);
      if (this.now.state !== 'ok') this.change('ok', null);
      return;
    }
    this.now.lost += count;
    const reason = reasonOf(error);
    if (this.now.state !== 'failing') {
      this.logger.warn(
        `Traces do not reach ${this.now.host} (${reason.code}); those that cannot be sent are kept here alone.`,
      );
      this.change('failing', reason);
    } else this.now.reason = reason;
  }

  private change(state: TraceExportState['state'], reason: Said | null): void {
    this.now.state = state;
    this.now.reason = reason;
    this.now.since = new Date();
  }

  private become(next: Pick<TraceExportState, 'host' | 'state' | 'reason'>): void {
    this.now = { ...next, sent: 0, lost: 0, since: new Date() };
  }

  private readonly clean = (span: ReadableSpan): ReadableSpan =>
    this.redactor ? redacted(span, this.redactor) : span;
}

/** Of what a person or a program wrote; the rest is numbers and ids. */
function redacted(span: ReadableSpan, redactor: Redactor): ReadableSpan {
  const { name, attributes, status, events } = span;
  const clean = redactor.redact({ name, attributes, status, events: events.map(timeless) });
  return Object.create(span, {
    name: { value: clean.name },
    attributes: { value: clean.attributes },
    status: { value: clean.status },
    events: { value: clean.events.map((event, n) => ({ ...event, time: events[n]!.time })) },
  }) as ReadableSpan;
}
const timeless = ({ time: _, ...event }: ReadableSpan['events'][number] & { time: HrTime }) =>
  event;

/** Never what the other side wrote: a status says enough, and an address that is not a collector's must not be read by this. */
function reasonOf(error: (Error & { code?: unknown }) | undefined): Said {
  if (typeof error?.code === 'number') return say('traces-status', { status: error.code });
  if (typeof error?.code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(error.code))
    return say('traces-away', { code: error.code });
  const said = error?.message ?? '';
  if (/timed? ?out/i.test(said)) return say('traces-late');
  return /retryable/.test(said) ? say('traces-busy') : say('traces-away', { code: 'ERROR' });
}

async function atMost(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, tooLong]);
  clearTimeout(timer);
}
