import { Injectable } from '@nestjs/common';

const boundsSeconds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
const MOST_SERIES = 5000;
/** Of the last calls to one server, for its median and its error rate. */
const KEPT = 1024;
const WINDOW_MS = 15 * 60_000;

/** How the calls of the last quarter of an hour went, as this process saw them. */
export interface ServerStats {
  windowSeconds: number;
  calls: number;
  errors: number;
  /** Of the calls; 0 when there were none. */
  errorRate: number;
  p50Ms: number | null;
  p95Ms: number | null;
}

interface Series {
  count: number;
  sum: number;
  buckets: number[];
}

/** A ring: the oldest makes room. */
class Recent {
  private readonly at = new Float64Array(KEPT);
  private readonly ms = new Float64Array(KEPT);
  private readonly failed = new Uint8Array(KEPT);
  private next = 0;
  private size = 0;

  add(ms: number, isFailure: boolean): void {
    this.at[this.next] = Date.now();
    this.ms[this.next] = ms;
    this.failed[this.next] = isFailure ? 1 : 0;
    this.next = (this.next + 1) % KEPT;
    this.size = Math.min(KEPT, this.size + 1);
  }

  stats(): ServerStats {
    const since = Date.now() - WINDOW_MS;
    const durations: number[] = [];
    let errors = 0;
    for (let index = 0; index < this.size; index++) {
      if (this.at[index]! < since) continue;
      durations.push(this.ms[index]!);
      errors += this.failed[index]!;
    }
    durations.sort((a, b) => a - b);
    const calls = durations.length;
    return {
      windowSeconds: WINDOW_MS / 1000,
      calls,
      errors,
      errorRate: calls === 0 ? 0 : errors / calls,
      p50Ms: quantile(durations, 0.5),
      p95Ms: quantile(durations, 0.95),
    };
  }
}

/** Refusals are the caller's fault or the gateway's rule; these say something about the server. */
const failuresOfServer = new Set([
  'tool_error',
  'timeout',
  'unreachable',
  'connection_lost',
  'protocol',
  'result_invalid',
  'result_too_large',
  'internal',
]);

/** Calls by server, tool and outcome for Prometheus, and the last ones by server for the console. */
@Injectable()
export class ToolMetrics {
  private readonly counts = new Map<string, number>();
  private readonly durations = new Map<string, Series>();
  private readonly recent = new Map<string, Recent>();

  observe(server: string, tool: string, outcome: string, seconds: number): void {
    const labels = `server="${escapeLabel(server)}",tool="${escapeLabel(tool)}"`;
    const key = `${labels},outcome="${escapeLabel(outcome)}"`;
    const count = this.counts.get(key);
    if (count === undefined && this.counts.size >= MOST_SERIES) return;
    this.counts.set(key, (count ?? 0) + 1);
    const isFailure = failuresOfServer.has(outcome);
    if (server === '' || (outcome !== 'ok' && !isFailure)) return;
    this.addDuration(labels, seconds);
    let recent = this.recent.get(server);
    if (!recent) this.recent.set(server, (recent = new Recent()));
    recent.add(seconds * 1000, isFailure);
  }

  statsOf(server: string): ServerStats {
    return (this.recent.get(server) ?? new Recent()).stats();
  }

  forget(server: string): void {
    this.recent.delete(server);
  }

  render(): string {
    const lines = [
      '# HELP aos_tool_calls_total Calls through the gateway by server, tool and outcome; refusals included.',
      '# TYPE aos_tool_calls_total counter',
      ...[...this.counts].map(([labels, count]) => `aos_tool_calls_total{${labels}} ${count}`),
      '# HELP aos_tool_call_duration_seconds Duration of calls that reached the tool, the gateway included.',
      '# TYPE aos_tool_call_duration_seconds histogram',
    ];
    const name = 'aos_tool_call_duration_seconds';
    for (const [labels, { count, sum, buckets }] of this.durations) {
      boundsSeconds.forEach((bound, index) =>
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${buckets[index]}`),
      );
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`);
    }
    return lines.join('\n') + '\n';
  }

  private addDuration(labels: string, seconds: number): void {
    let series = this.durations.get(labels);
    if (!series) {
      series = { count: 0, sum: 0, buckets: boundsSeconds.map(() => 0) };
      this.durations.set(labels, series);
    }
    series.count++;
    series.sum += seconds;
    for (
      let index = boundsSeconds.length - 1;
      index >= 0 && seconds <= boundsSeconds[index]!;
      index--
    )
      series.buckets[index]!++;
  }
}

const quantile = (sorted: readonly number[], q: number): number | null =>
  sorted.length === 0
    ? null
    : Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]! * 10) / 10;

const escapeLabel = (text: string) =>
  text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
