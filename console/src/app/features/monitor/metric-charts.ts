import type { Metrics } from '@aos/contracts';
import type { ChartKind, ChartSeries } from '../../shared/charts/chart-option';
import type { SeriesTone } from '../../shared/charts/palette';
import type { Unit } from '../../shared/charts/units';

/** One chart of the overview; the words are keys. */
export interface MetricChart {
  key: string;
  unit: Unit;
  kind: ChartKind;
  empty: string;
  lines: readonly { key: string; tone?: SeriesTone; of: (metrics: Metrics) => Values }[];
}
type Values = readonly (number | null)[];

const line = (key: string, of: (metrics: Metrics) => Values, tone?: SeriesTone) => ({
  key,
  of,
  tone,
});
const percentiles = (of: (metrics: Metrics) => Metrics['latency']['jobs']) =>
  (['p50', 'p95', 'p99'] as const).map((part) => line(part, (metrics) => of(metrics)[part]));

export const groups: readonly { key: string; charts: readonly MetricChart[] }[] = [
  {
    key: 'work',
    charts: [
      {
        key: 'jobs',
        unit: 'count',
        kind: 'bar',
        empty: 'noJobs',
        lines: [
          line('succeeded', ({ throughput }) => throughput.jobsSucceeded, 'done'),
          line('failed', ({ throughput }) => throughput.jobsFailed, 'failed'),
          line('cancelled', ({ throughput }) => throughput.jobsCancelled, 'idle'),
        ],
      },
      {
        key: 'jobsLatency',
        unit: 'ms',
        kind: 'line',
        empty: 'noJobs',
        lines: percentiles(({ latency }) => latency.jobs),
      },
      {
        key: 'errors',
        unit: 'percent',
        kind: 'line',
        empty: 'noRequests',
        lines: [
          line('jobs', ({ errorRate }) => errorRate.jobs),
          line('calls', ({ errorRate }) => errorRate.calls),
          line('requests', ({ errorRate }) => errorRate.requests),
        ],
      },
      {
        key: 'queue',
        unit: 'count',
        kind: 'area',
        empty: 'emptyRange',
        lines: [
          line('running', ({ queue }) => queue.running, 'running'),
          line('waiting', ({ queue }) => queue.waiting, 'waiting'),
          line('queued', ({ queue }) => queue.queued, 'recovering'),
          line('scheduled', ({ queue }) => queue.scheduled, 'idle'),
        ],
      },
    ],
  },
  {
    key: 'tools',
    charts: [
      {
        key: 'calls',
        unit: 'count',
        kind: 'bar',
        empty: 'noCalls',
        lines: [
          line('succeeded', ({ throughput }) => throughput.callsSucceeded, 'done'),
          line('failed', ({ throughput }) => throughput.callsFailed, 'failed'),
        ],
      },
      {
        key: 'callsLatency',
        unit: 'ms',
        kind: 'line',
        empty: 'noCalls',
        lines: percentiles(({ latency }) => latency.calls),
      },
      {
        key: 'traffic',
        unit: 'perSecond',
        kind: 'line',
        empty: 'emptyRange',
        lines: [
          line('events', ({ throughput }) => throughput.eventsPerSecond),
          line('requests', ({ throughput }) => throughput.requestsPerSecond),
        ],
      },
      {
        key: 'lag',
        unit: 'ms',
        kind: 'line',
        empty: 'emptyRange',
        lines: [line('lag', ({ relayLagMs }) => relayLagMs)],
      },
    ],
  },
  {
    key: 'process',
    charts: [
      {
        key: 'cpu',
        unit: 'percent',
        kind: 'line',
        empty: 'emptyRange',
        lines: [line('cpu', ({ process }) => process.cpuPercent)],
      },
      {
        key: 'memory',
        unit: 'bytes',
        kind: 'line',
        empty: 'emptyRange',
        lines: [
          line('resident', ({ process }) => process.rssBytes),
          line('heap', ({ process }) => process.heapBytes),
        ],
      },
      {
        key: 'loop',
        unit: 'ms',
        kind: 'line',
        empty: 'emptyRange',
        lines: [
          line('mean', ({ process }) => process.loopDelayMeanMs),
          line('p99', ({ process }) => process.loopDelayP99Ms),
        ],
      },
      {
        key: 'clients',
        unit: 'count',
        kind: 'line',
        empty: 'emptyRange',
        lines: [line('clients', ({ process }) => process.clients)],
      },
    ],
  },
];

/**
 * The series of a chart, each value in the middle of its step. A line on its own bears the name of its chart. Where
 * nothing at all was counted, the chart says so in words instead of drawing a row of zeroes.
 */
export function seriesOf(
  chart: MetricChart,
  metrics: Metrics,
  name: (key: string) => string,
): ChartSeries[] {
  const from = Date.parse(metrics.from) + metrics.stepMs / 2;
  const lines = chart.lines.map(({ key, tone, of }) => ({ key, tone, values: of(metrics) }));
  const isIdle =
    chart.kind === 'bar' && lines.every(({ values }) => values.every((value) => !value));
  return lines.map(({ key, tone, values }) => ({
    name: chart.lines.length === 1 ? name(`chart.${chart.key}`) : name(`line.${key}`),
    tone,
    points: values.map((value, n) => [from + n * metrics.stepMs, isIdle ? null : value]),
  }));
}
