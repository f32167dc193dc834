import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Environment } from '../../platform/config/environment.js';
import { Database } from '../../platform/database/database.js';
import { HttpMetrics } from '../../platform/http/http-metrics.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { EventHub } from '../../platform/realtime/event-hub.js';
import { Instruments } from '../../platform/telemetry/instruments.js';
import { Counts, Meter } from './meter.js';
import { type Depths, readDepths } from './depths.js';

const MEASURE_EVERY_MS = 5_000;
/** The short step is for the last hours, the long one for days. */
export const SHORT_STEP_S = 15;
export const LONG_STEP_S = 300;
/** The monitor's timer; it counts its own period as delay. */
const RESOLUTION_MS = 20;

/** One look at this process. */
interface Measure {
  at: number;
  cpuPercent: number;
  rssBytes: number;
  heapBytes: number;
  loopMeanMs: number;
  loopP99Ms: number;
  clients: number;
  requests: number;
  requestErrors: number;
  counts: Counts;
  depths: Depths;
}

/**
 * Measures this process every five seconds and keeps what it saw in `metric_samples`, a row per quarter of a minute
 * and a row per five minutes. A row is written again while its step lasts, so a crash costs the last seconds and no
 * more. Only this process writes rows under its name. Measuring must never harm what is measured: when the database
 * does not answer, the round is left out.
 */
@Injectable()
export class Sampler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Sampler.name);
  private readonly delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private readonly fresh = new EventEmitter().setMaxListeners(0);
  private readonly steps = [new Step(SHORT_STEP_S), new Step(LONG_STEP_S)];
  private readonly roles: string;
  private timer: NodeJS.Timeout | undefined;
  private measuring: Promise<void> | undefined;
  private cpu = process.cpuUsage();
  private measuredAt = performance.now();
  private http = { requests: 0, errors: 0 };
  private hasComplained = false;

  /** In a container the pid is often 1, also after a restart. */
  readonly process = `${hostname()}/${process.pid}.${randomBytes(2).toString('hex')}`;
  readonly stopping = new AbortController();

  constructor(
    private readonly database: Database,
    private readonly meter: Meter,
    private readonly hub: EventHub,
    private readonly httpMetrics: HttpMetrics,
    instruments: Instruments,
    @Inject(ENVIRONMENT) environment: Environment,
  ) {
    this.roles = [...environment.roles].join(',');
    instruments.gauge('aos_stream_clients', 'Open event streams.', () => this.clients());
    instruments.gauge(
      'nodejs_heap_total_bytes',
      'Heap that was taken from the system.',
      () => process.memoryUsage().heapTotal,
    );
  }

  onApplicationBootstrap(): void {
    this.delay.enable();
    this.timer = setInterval(() => void this.measure(), MEASURE_EVERY_MS);
    this.timer.unref();
    void this.measure();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.measure();
    this.delay.disable();
  }

  /** Called after each round. */
  onMeasured(listener: () => void): () => void {
    this.fresh.on('measured', listener);
    return () => this.fresh.off('measured', listener);
  }

  /** One round; a second one meanwhile waits for the same. */
  async measure(): Promise<void> {
    this.measuring ??= this.round().finally(() => (this.measuring = undefined));
    return this.measuring;
  }

  private async round(): Promise<void> {
    try {
      const measure = this.look(await readDepths(this.database));
      for (const step of this.steps) step.add(measure);
      await this.write();
      this.hasComplained = false;
      this.fresh.emit('measured');
    } catch (error) {
      if (!this.hasComplained)
        this.logger.warn(`Measurements are not kept for now: ${(error as Error).message}`);
      this.hasComplained = true;
    }
  }

  private clients(): number {
    return this.hub.metrics().connections;
  }

  private look(depths: Depths): Measure {
    const now = performance.now();
    const { user, system } = process.cpuUsage(this.cpu);
    const elapsedMs = Math.max(1, now - this.measuredAt);
    this.cpu = process.cpuUsage();
    this.measuredAt = now;
    const memory = process.memoryUsage();
    const late = (nanoseconds: number) =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS) : 0;
    const loop = { mean: late(this.delay.mean), p99: late(this.delay.percentile(99)) };
    this.delay.reset();
    const totals = this.httpMetrics.totals();
    const before = this.http;
    this.http = totals;
    return {
      at: Date.now(),
      cpuPercent: (user + system) / 10 / elapsedMs,
      rssBytes: memory.rss,
      heapBytes: memory.heapUsed,
      loopMeanMs: loop.mean,
      loopP99Ms: loop.p99,
      clients: this.clients(),
      requests: totals.requests - before.requests,
      requestErrors: totals.errors - before.errors,
      counts: this.meter.takeCounts(),
      depths,
    };
  }

  private async write(): Promise<void> {
    const rows = this.steps.map((step) => ({
      ...step.row(),
      process: this.process,
      roles: this.roles,
    }));
    await this.database.query(upsert, [JSON.stringify(rows)]);
  }
}

/** One row that is still being written. */
class Step {
  private slot = 0;
  private seen = 0;
  private sums = { cpu: 0, loopMean: 0 };
  private worst = { loop: 0, lag: 0 };
  private counts = new Counts();
  private http = { requests: 0, errors: 0 };
  private last: Measure | undefined;

  constructor(private readonly seconds: number) {}

  add(measure: Measure): void {
    const slot = Math.floor(measure.at / 1000 / this.seconds);
    if (slot !== this.slot) this.begin(slot);
    this.seen += 1;
    this.sums.cpu += measure.cpuPercent;
    this.sums.loopMean += measure.loopMeanMs;
    this.worst.loop = Math.max(this.worst.loop, measure.loopP99Ms);
    this.worst.lag = Math.max(this.worst.lag, measure.depths.relayLagMs);
    this.counts.add(measure.counts);
    this.http.requests += measure.requests;
    this.http.errors += measure.requestErrors;
    this.last = measure;
  }

  private begin(slot: number): void {
    this.slot = slot;
    this.seen = 0;
    this.sums = { cpu: 0, loopMean: 0 };
    this.worst = { loop: 0, lag: 0 };
    this.counts = new Counts();
    this.http = { requests: 0, errors: 0 };
  }

  row(): Record<string, unknown> {
    const last = this.last!;
    const { jobs, calls, jobMs, callMs, events } = this.counts;
    return {
      at: new Date(this.slot * this.seconds * 1000).toISOString(),
      step_s: this.seconds,
      cpu_percent: this.sums.cpu / this.seen,
      rss_bytes: last.rssBytes,
      heap_bytes: last.heapBytes,
      loop_mean_ms: this.sums.loopMean / this.seen,
      loop_p99_ms: this.worst.loop,
      clients: last.clients,
      queued: last.depths.queued,
      running: last.depths.running,
      waiting: last.depths.waiting,
      scheduled: last.depths.scheduled,
      relay_lag_ms: this.worst.lag,
      events,
      requests: this.http.requests,
      request_errors: this.http.errors,
      jobs_succeeded: jobs.succeeded,
      jobs_failed: jobs.failed,
      jobs_cancelled: jobs.cancelled,
      calls_succeeded: calls.succeeded,
      calls_failed: calls.failed,
      job_ms: jobMs,
      call_ms: callMs,
    };
  }
}

const upsert = `
  INSERT INTO metric_samples AS m
  SELECT * FROM jsonb_populate_recordset(NULL::metric_samples, $1::jsonb)
  ON CONFLICT (step_s, at, process) DO UPDATE SET
    cpu_percent = excluded.cpu_percent, rss_bytes = excluded.rss_bytes, heap_bytes = excluded.heap_bytes,
    loop_mean_ms = excluded.loop_mean_ms, loop_p99_ms = excluded.loop_p99_ms, clients = excluded.clients,
    queued = excluded.queued, running = excluded.running, waiting = excluded.waiting,
    scheduled = excluded.scheduled, relay_lag_ms = excluded.relay_lag_ms, events = excluded.events,
    requests = excluded.requests, request_errors = excluded.request_errors,
    jobs_succeeded = excluded.jobs_succeeded, jobs_failed = excluded.jobs_failed,
    jobs_cancelled = excluded.jobs_cancelled, calls_succeeded = excluded.calls_succeeded,
    calls_failed = excluded.calls_failed, job_ms = excluded.job_ms, call_ms = excluded.call_ms`;
