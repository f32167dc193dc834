import type { Metrics } from '@aos/contracts';
import { groups, seriesOf } from './metric-charts';
import { timeWindow } from './time-window';

const line = [null, 0, 3];
const three = { p50: line, p95: line, p99: line };
const metrics: Metrics = {
  range: '15m',
  from: '2026-11-26T10:00:00.000Z',
  to: '2026-11-26T10:00:45.000Z',
  stepMs: 15_000,
  throughput: {
    jobsSucceeded: line,
    jobsFailed: [null, 0, 0],
    jobsCancelled: [null, 0, 0],
    callsSucceeded: [null, 0, 0],
    callsFailed: [null, 0, 0],
    eventsPerSecond: line,
    requestsPerSecond: line,
  },
  latency: { jobs: three, calls: three },
  errorRate: { jobs: line, calls: line, requests: line },
  process: {
    cpuPercent: line,
    rssBytes: line,
    heapBytes: line,
    loopDelayMeanMs: line,
    loopDelayP99Ms: line,
    clients: line,
  },
  queue: { queued: line, running: line, waiting: line, scheduled: line },
  relayLagMs: line,
  history: 'off',
  now: {
    at: '2026-11-26T10:00:40.000Z',
    queue: { queued: 0, running: 0, waiting: 0, scheduled: 0 },
    approvalsPending: 0,
    serversDown: 0,
    relayLagMs: 0,
    processes: [],
  },
};
const chart = (key: string) =>
  groups.flatMap(({ charts }) => charts).find((each) => each.key === key)!;

describe('the charts of the overview', () => {
  it('put each value into the middle of its step, and name a single line by its chart', () => {
    const [lag] = seriesOf(chart('lag'), metrics, (key) => key);
    expect(lag?.name).toBe('chart.lag');
    expect(lag?.points.map(([at]) => at)).toEqual(
      [7_500, 22_500, 37_500].map((ms) => Date.parse(metrics.from) + ms),
    );
    expect(lag?.points.map(([, value]) => value)).toEqual([null, 0, 3]);
  });

  it('say that nothing was counted instead of drawing zeroes', () => {
    const values = (key: string) =>
      seriesOf(chart(key), metrics, (word) => word).flatMap(({ points }) =>
        points.map(([, value]) => value),
      );
    expect(values('calls').every((value) => value === null)).toBe(true);
    expect(values('jobs')).toContain(3);
  });
});

describe('the time in the address', () => {
  const now = Date.parse('2026-11-26T10:00:00Z');
  it('counts back from now, or takes exact moments, and nothing that is none', () => {
    expect(timeWindow('1h', undefined, undefined, now)).toEqual({
      from: '2026-11-26T09:00:00.000Z',
    });
    expect(timeWindow('1y', '2026-11-26T09:00:00Z', 'soon', now)).toEqual({
      from: '2026-11-26T09:00:00.000Z',
      to: undefined,
    });
  });
});
