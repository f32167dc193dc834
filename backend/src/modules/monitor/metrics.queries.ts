import { Injectable } from '@nestjs/common';
import type { MetricRange, Metrics, MetricsNow, ProcessSample } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Sizes, addUp, percentile } from '../../platform/telemetry/sizes.js';
import { readDepths } from './depths.js';
import { History, type Told } from './history.js';
import { LONG_STEP_S, SHORT_STEP_S } from './sampler.js';

/** How long a range is, the step of its curves, and which of the two kept steps it is read from. */
const ranges: Record<MetricRange, { minutes: number; stepS: number; readS: number }> = {
  '15m': { minutes: 15, stepS: 15, readS: SHORT_STEP_S },
  '1h': { minutes: 60, stepS: 30, readS: SHORT_STEP_S },
  '6h': { minutes: 360, stepS: 180, readS: SHORT_STEP_S },
  '24h': { minutes: 1440, stepS: 900, readS: LONG_STEP_S },
  '7d': { minutes: 10_080, stepS: 3600, readS: LONG_STEP_S },
  '30d': { minutes: 43_200, stepS: 14_400, readS: LONG_STEP_S },
  '90d': { minutes: 129_600, stepS: 43_200, readS: LONG_STEP_S },
};
export const rangeMs = (range: MetricRange) => ranges[range].minutes * 60_000;

/** From here on the copy is asked, where there is one: it adds up a step before it answers, and keeps more. */
const LONG_MINUTES = 10_080;
/** Of many processes the newest rows; a curve of so many is made elsewhere. */
const MOST_ROWS = 60_000;
/** A process that was silent for longer than this is gone. */
const ALIVE_S = 60;

@Injectable()
export class MetricsQueries {
  constructor(
    private readonly database: Database,
    private readonly history: History,
  ) {}

  async metrics(range: MetricRange, at = Date.now()): Promise<Metrics> {
    const { minutes, stepS, readS } = ranges[range];
    const stepMs = stepS * 1000;
    const to = Math.ceil(at / stepMs) * stepMs;
    const from = to - minutes * 60_000;
    const copied =
      minutes >= LONG_MINUTES ? await this.copied(from, to, stepMs) : { upTo: from, rows: [] };
    const rows = await this.database.query<SampleRow>(
      `SELECT floor(extract(epoch FROM at) / $1)::int AS step, * FROM metric_samples
        WHERE step_s = $2 AND at >= $3 AND at < $4 ORDER BY at DESC LIMIT ${MOST_ROWS}`,
      [stepS, readS, new Date(copied.upTo).toISOString(), new Date(to).toISOString()],
    );
    const first = from / stepMs;
    const cells = Array.from({ length: (to - from) / stepMs }, () => new Cell());
    for (const row of [...rows, ...copied.rows]) cells[row.step - first]?.take(row);
    return {
      range,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      stepMs,
      ...toLines(cells, stepS),
      history: copied.history ?? this.history.state,
      now: await this.now(),
    };
  }

  /**
   * What the copy has of the range, a row for each step and process, up to the beginning of the step in which it ends:
   * from there on Postgres is asked. All of it is Postgres's where the copy is away.
   */
  private async copied(
    from: number,
    to: number,
    stepMs: number,
  ): Promise<{ upTo: number; rows: SampleRow[]; history?: Told<never>['history'] }> {
    if (this.history.state === 'off') return { upTo: from, rows: [], history: 'off' };
    const [copy] = await this.database.query<{ position: string }>(
      `SELECT position FROM olap_copies WHERE source = 'metric_samples'`,
    );
    const end = Math.floor(Number(copy?.position ?? 0) / stepMs) * stepMs;
    const upTo = Math.min(Math.max(end, from), to);
    const { history, rows } = await this.history.ask<CopiedRow>(copiedSteps, {
      from,
      to: upTo,
      step: stepMs / 1000,
    });
    if (history !== 'there') return { upTo: from, rows: [], history };
    return {
      upTo,
      history,
      rows: rows.map((row) => ({ ...row, at: new Date(Number(row.last_at)) })),
    };
  }

  async now(): Promise<MetricsNow> {
    const depths = await readDepths(this.database);
    const processes = await this.database.query<SampleRow & { at: Date }>(
      `SELECT DISTINCT ON (process) * FROM metric_samples
        WHERE step_s = ${SHORT_STEP_S} AND at > now() - interval '${ALIVE_S} seconds'
        ORDER BY process, at DESC LIMIT 100`,
    );
    return {
      at: new Date().toISOString(),
      queue: {
        queued: depths.queued,
        running: depths.running,
        waiting: depths.waiting,
        scheduled: depths.scheduled,
      },
      approvalsPending: depths.approvals,
      serversDown: depths.serversDown,
      relayLagMs: Math.round(depths.relayLagMs),
      processes: processes.map(toProcess),
    };
  }
}

interface SampleRow {
  step: number;
  process: string;
  roles: string;
  at: Date;
  cpu_percent: number;
  rss_bytes: string;
  heap_bytes: string;
  loop_mean_ms: number;
  loop_p99_ms: number;
  clients: number;
  queued: number;
  running: number;
  waiting: number;
  scheduled: number;
  relay_lag_ms: number;
  events: number;
  requests: number;
  request_errors: number;
  jobs_succeeded: number;
  jobs_failed: number;
  jobs_cancelled: number;
  calls_succeeded: number;
  calls_failed: number;
  job_ms: Sizes;
  call_ms: Sizes;
}

type CopiedRow = Omit<SampleRow, 'at'> & { last_at: string };

const summed = (names: readonly string[]) =>
  names.map((name) => `toFloat64(sum(m.${name})) AS ${name}`).join(', ');
const newest = (names: readonly string[]) =>
  names.map((name) => `toFloat64(argMax(m.${name}, m.at)) AS ${name}`).join(', ');
const greatest = (names: readonly string[]) =>
  names.map((name) => `max(m.${name}) AS ${name}`).join(', ');
const sizes = (name: string) =>
  `mapApply((size, n) -> (size, toFloat64(n)), sumMap(m.${name})) AS ${name}`;

/** As Cell adds up single rows. FINAL: a row that was copied twice counts once. */
const copiedSteps = `
  SELECT toInt32(intDiv(toUnixTimestamp(m.at), {step:UInt32})) AS step, m.process AS process, any(m.roles) AS roles,
         toUnixTimestamp64Milli(max(m.at)) AS last_at, avg(m.cpu_percent) AS cpu_percent,
         ${newest(['rss_bytes', 'heap_bytes', 'clients', 'queued', 'running', 'waiting', 'scheduled'])},
         ${greatest(['loop_mean_ms', 'loop_p99_ms', 'relay_lag_ms'])},
         ${summed(['events', 'requests', 'request_errors', 'jobs_succeeded', 'jobs_failed', 'jobs_cancelled'])},
         ${summed(['calls_succeeded', 'calls_failed'])}, ${sizes('job_ms')}, ${sizes('call_ms')}
    FROM metric_samples AS m FINAL
   WHERE m.installation = {installation:String} AND m.step_s = ${LONG_STEP_S}
     AND m.at >= fromUnixTimestamp64Milli({from:Int64}) AND m.at < fromUnixTimestamp64Milli({to:Int64})
   GROUP BY step, process ORDER BY last_at DESC LIMIT ${MOST_ROWS}`;

const toProcess = (row: SampleRow): ProcessSample => ({
  process: row.process,
  roles: row.roles,
  at: row.at.toISOString(),
  cpuPercent: tenth(row.cpu_percent),
  rssBytes: Number(row.rss_bytes),
  heapBytes: Number(row.heap_bytes),
  loopDelayMs: tenth(row.loop_p99_ms),
  clients: row.clients,
});

/** What all processes said of one step of the curve. */
class Cell {
  readonly jobMs: Sizes = {};
  readonly callMs: Sizes = {};
  private readonly processes = new Map<string, { rows: number; cpu: number; newest: SampleRow }>();
  private readonly sums = new Map<keyof SampleRow, number>();
  private readonly worst = new Map<keyof SampleRow, number>();

  take(row: SampleRow): void {
    const known = this.processes.get(row.process);
    // Rows come the newest first.
    this.processes.set(row.process, {
      rows: (known?.rows ?? 0) + 1,
      cpu: (known?.cpu ?? 0) + row.cpu_percent,
      newest: known?.newest ?? row,
    });
    for (const key of counted) this.sums.set(key, (this.sums.get(key) ?? 0) + Number(row[key]));
    for (const key of judged)
      this.worst.set(key, Math.max(this.worst.get(key) ?? 0, Number(row[key])));
    addUp(this.jobMs, row.job_ms);
    addUp(this.callMs, row.call_ms);
  }

  get isEmpty(): boolean {
    return this.processes.size === 0;
  }
  sum(key: (typeof counted)[number]): number | null {
    return this.isEmpty ? null : (this.sums.get(key) ?? 0);
  }
  max(key: (typeof judged)[number]): number | null {
    return this.isEmpty ? null : tenth(this.worst.get(key) ?? 0);
  }
  /** A gauge of each process, added up. */
  total(key: 'rss_bytes' | 'heap_bytes' | 'clients'): number | null {
    if (this.isEmpty) return null;
    return [...this.processes.values()].reduce((sum, { newest }) => sum + Number(newest[key]), 0);
  }
  cpu(): number | null {
    if (this.isEmpty) return null;
    return tenth([...this.processes.values()].reduce((sum, { rows, cpu }) => sum + cpu / rows, 0));
  }
  /** All processes see the same queue; the newest look counts. */
  depth(key: 'queued' | 'running' | 'waiting' | 'scheduled'): number | null {
    const newest = [...this.processes.values()]
      .map((process) => process.newest)
      .reduce<SampleRow | undefined>((a, b) => (a && a.at >= b.at ? a : b), undefined);
    return newest ? newest[key] : null;
  }
}

const counted = [
  'events',
  'requests',
  'request_errors',
  'jobs_succeeded',
  'jobs_failed',
  'jobs_cancelled',
  'calls_succeeded',
  'calls_failed',
] as const;
const judged = ['loop_mean_ms', 'loop_p99_ms', 'relay_lag_ms'] as const;

const tenth = (value: number) => Math.round(value * 10) / 10;

function toLines(cells: readonly Cell[], stepS: number) {
  const line = (of: (cell: Cell) => number | null) => cells.map(of);
  const rate = (key: 'events' | 'requests') =>
    line((cell) => {
      const sum = cell.sum(key);
      return sum === null ? null : Math.round((sum / stepS) * 100) / 100;
    });
  const latency = (key: 'jobMs' | 'callMs') => ({
    p50: line((cell) => percentile(cell[key], 0.5)),
    p95: line((cell) => percentile(cell[key], 0.95)),
    p99: line((cell) => percentile(cell[key], 0.99)),
  });
  const share = (bad: (typeof counted)[number], all: readonly (typeof counted)[number][]) =>
    line((cell) => {
      const total = all.reduce((sum, key) => sum + (cell.sum(key) ?? 0), 0);
      return total === 0 ? null : Math.round((1000 * (cell.sum(bad) ?? 0)) / total) / 10;
    });
  return {
    throughput: {
      jobsSucceeded: line((cell) => cell.sum('jobs_succeeded')),
      jobsFailed: line((cell) => cell.sum('jobs_failed')),
      jobsCancelled: line((cell) => cell.sum('jobs_cancelled')),
      callsSucceeded: line((cell) => cell.sum('calls_succeeded')),
      callsFailed: line((cell) => cell.sum('calls_failed')),
      eventsPerSecond: rate('events'),
      requestsPerSecond: rate('requests'),
    },
    latency: { jobs: latency('jobMs'), calls: latency('callMs') },
    errorRate: {
      jobs: share('jobs_failed', ['jobs_succeeded', 'jobs_failed']),
      calls: share('calls_failed', ['calls_succeeded', 'calls_failed']),
      requests: share('request_errors', ['requests']),
    },
    process: {
      cpuPercent: line((cell) => cell.cpu()),
      rssBytes: line((cell) => cell.total('rss_bytes')),
      heapBytes: line((cell) => cell.total('heap_bytes')),
      loopDelayMeanMs: line((cell) => cell.max('loop_mean_ms')),
      loopDelayP99Ms: line((cell) => cell.max('loop_p99_ms')),
      clients: line((cell) => cell.total('clients')),
    },
    queue: {
      queued: line((cell) => cell.depth('queued')),
      running: line((cell) => cell.depth('running')),
      waiting: line((cell) => cell.depth('waiting')),
      scheduled: line((cell) => cell.depth('scheduled')),
    },
    relayLagMs: line((cell) => cell.max('relay_lag_ms')),
  };
}
