import type { Metrics, MetricsNow, Topology } from '@aos/contracts';
import type { HttpApp, SignedIn } from '../../../test/http-app.js';
import { insertSpans, openMonitorApp } from '../../../test/monitor-app.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { Relay } from '../../platform/outbox/relay.js';
import { Instruments } from '../../platform/telemetry/instruments.js';
import { MetricsQueries } from './metrics.queries.js';
import { Sampler } from './sampler.js';

let http: HttpApp;
let viewer: SignedIn;
beforeEach(async () => {
  http = await openMonitorApp();
  viewer = await http.signIn('viewer');
});
afterEach(() => http.close());

const last = (line: (number | null)[]) => line.findLast((value) => value !== null) ?? null;
const sum = (line: (number | null)[]) => line.reduce<number>((total, n) => total + (n ?? 0), 0);
const read = async (range = '15m') =>
  (await http.call<Metrics>(`/monitor/metrics?range=${range}`, { as: viewer })).body;

/** From here on the clock measures nothing: only the test does. */
const stopClock = () => http.app.get(Sampler).beforeApplicationShutdown();

/** A round that began after this call: one that the clock began before it may have looked before. */
async function measure() {
  await http.app.get(Sampler).measure();
  await http.app.get(Sampler).measure();
}

/** Appends events and waits until the relay has handed them over. */
async function happen(events: { type: 'task.receipt' | 'tool.call'; payload: object }[]) {
  let numbered = 0;
  const all = new Promise<void>((done) => {
    const stop = http.app.get(Relay).onStamped((rows) => {
      numbered += rows.length;
      if (numbered < events.length) return;
      stop();
      done();
    });
  });
  await http.database.transaction((tx) =>
    http.app.get(Outbox).append(
      tx,
      events.map(({ type, payload }) => ({
        traceId: 'a'.repeat(32),
        topic: type === 'tool.call' ? 'tool' : 'task',
        type,
        severity: 'info',
        summary: 'Something ended.',
        payload: { ...payload },
        actor: 'system',
      })),
    ),
  );
  await all;
}

it('counts what ended from the events that say so, with percentiles and error rates, also for Prometheus', async () => {
  const receipts = [100, 110, 120, 5_000].map((durationMs) => ({
    type: 'task.receipt' as const,
    payload: { status: durationMs > 1000 ? 'failed' : 'succeeded', durationMs },
  }));
  const calls = [10, 10, 10, 900].map((durationMs) => ({
    type: 'tool.call' as const,
    payload: { status: 'succeeded', server: 'skills', durationMs },
  }));
  await happen([...receipts, ...calls]);
  await measure();
  for (const range of ['15m', '7d']) {
    const metrics = await read(range);
    expect(sum(metrics.throughput.jobsSucceeded)).toBe(3);
    expect(sum(metrics.throughput.jobsFailed)).toBe(1);
    expect(sum(metrics.throughput.callsSucceeded)).toBe(4);
    expect(last(metrics.errorRate.jobs)).toBe(25);
    const p50 = last(metrics.latency.jobs.p50)!;
    const p99 = last(metrics.latency.jobs.p99)!;
    expect(Math.abs(p50 - 110) / 110).toBeLessThan(0.15);
    expect(Math.abs(p99 - 5_000) / 5_000).toBeLessThan(0.1);
    expect(metrics.throughput.jobsSucceeded).toHaveLength(
      (Date.parse(metrics.to) - Date.parse(metrics.from)) / metrics.stepMs,
    );
  }
  const text = http.app.get(Instruments).render().join('\n');
  expect(text).toContain('aos_job_duration_seconds_count{status="failed"} 1');
  expect(text).toContain(
    'aos_tool_call_duration_seconds_bucket{server="skills",status="succeeded",le="0.01"} 3',
  );
  expect(text).toContain('aos_events_total{topic="task"} 4');
});

it('measures the process, and adds up what several processes wrote', async () => {
  await stopClock();
  await measure();
  await http.database.query(
    `INSERT INTO metric_samples SELECT (jsonb_populate_record(m, '{"process":"other/1","rss_bytes":1000,"loop_p99_ms":99999}')).*
       FROM metric_samples m`,
  );
  const metrics = await read();
  const { processes } = metrics.now;
  expect(processes.map(({ process }) => process)).toContain('other/1');
  expect(processes).toHaveLength(2);
  const own = processes.find(({ process }) => process !== 'other/1')!;
  expect(own.rssBytes).toBeGreaterThan(10_000_000);
  expect(own.roles).toBe('api,relay,worker');
  expect(last(metrics.process.rssBytes)).toBe(own.rssBytes + 1000);
  expect(last(metrics.process.loopDelayP99Ms)).toBe(99_999);
});

it('says what waits: the queue by state, approvals, and how far the relay is behind', async () => {
  await http.app.get(Relay).stop();
  await stopClock();
  // What the other process said of the same moment is as new.
  await http.database.query(`DELETE FROM metric_samples WHERE process = 'other/1'`);
  await http.database.query(
    `INSERT INTO jobs (spec, status, kind) VALUES ('{}', 'queued', 'x'), ('{}', 'queued', 'x'), ('{}', 'waiting', 'x')`,
  );
  await http.database.query(
    `INSERT INTO events (trace_id, topic, type, payload, created_at) VALUES ('t', 'run', 'run.exec', '{}', now() - interval '1 minute')`,
  );
  await measure();
  const metrics = await read();
  expect(metrics.now.queue).toEqual({ queued: 2, running: 0, waiting: 1, scheduled: 0 });
  expect(metrics.now.relayLagMs).toBeGreaterThan(59_000);
  expect(last(metrics.queue.queued)).toBe(2);
  expect(last(metrics.relayLagMs)).toBeGreaterThan(59_000);
});

it('keeps its curve over a restart, and knows nothing of times in which nothing ran', async () => {
  await measure();
  const queries = http.app.get(MetricsQueries);
  const later = await queries.metrics('15m', Date.now() + 10 * 60_000);
  expect(later.process.rssBytes.filter((value) => value !== null)).not.toHaveLength(0);
  expect(last(later.process.rssBytes.slice(-10))).toBeNull();
  const gone = await queries.metrics('15m', Date.now() + 3_600_000);
  expect(last(gone.process.rssBytes)).toBeNull();
  expect(last(gone.errorRate.jobs)).toBeNull();
});

it('tells how it is now as it is measured, until the reader leaves', async () => {
  const leave = new AbortController();
  const answer = await fetch(`${http.baseUrl}/monitor/metrics/live`, {
    headers: { authorization: `Bearer ${viewer.token}` },
    signal: leave.signal,
  });
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  const reader = answer.body!.getReader();
  const next = async (): Promise<MetricsNow> => {
    let text = '';
    while (!text.includes('\n\n')) text += new TextDecoder().decode((await reader.read()).value);
    expect(text).toContain('event: now');
    return JSON.parse(/data: (.*)/.exec(text)![1]!) as MetricsNow;
  };
  expect((await next()).queue.queued).toBe(0);
  await http.database.query(`INSERT INTO jobs (spec, status, kind) VALUES ('{}', 'queued', 'x')`);
  await measure();
  // What was measured by the clock just before may come first.
  while ((await next()).queue.queued !== 1);
  leave.abort();
});

it('is of the whole installation: a role in one project is not enough', async () => {
  const insider = await http.signIn('viewer', 'p1');
  for (const path of ['/monitor/metrics', '/monitor/metrics/live'])
    expect((await http.refused(path, { as: insider })).status).toBe(403);
  const unknown = await http.refused('/monitor/metrics?range=1y', { as: viewer });
  expect(unknown.body.code).toBe('validation_failed');
});

describe('the topology', () => {
  const traceId = 'b'.repeat(32);
  const kinds: [string, string | null, string, string, number, ('error' | 'unset')?][] = [
    ['r', null, 'http', 'POST /api/run', 5],
    ['w', 'r', 'database', 'transaction', 3],
    ['j', 'w', 'job', 'job task', 900],
    ['n', 'j', 'node', 'executor', 800],
    ['t1', 'n', 'tool', 'tool skills.csv.clean', 100],
    ['t2', 'n', 'tool', 'tool skills.viz.plot', 300, 'error'],
    ['x', 't1', 'database', 'transaction', 8],
    ['q', 'x', 'database', 'query', 4],
  ];

  it('is who called whom, with errors and the 95th percentile; a database calls nobody', async () => {
    await insertSpans(
      http.database,
      kinds.map(([spanId, parentSpanId, kind, name, ms, status]) => ({
        traceId,
        spanId,
        parentSpanId,
        kind,
        name,
        durationUs: ms * 1000,
        status: status ?? 'unset',
      })),
    );
    const { body } = await http.call<Topology>('/monitor/topology?range=15m', { as: viewer });
    const edges = body.edges.map(({ from, to, calls, errors }) => [from, to, calls, errors]);
    expect(edges.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual([
      ['api', 'database', 1, 0],
      ['api', 'job', 1, 0],
      ['job', 'node:executor', 1, 0],
      ['node:executor', 'server:skills', 2, 1],
      ['server:skills', 'database', 1, 0],
    ]);
    expect(body.nodes.find(({ id }) => id === 'server:skills')).toMatchObject({
      kind: 'server',
      name: 'skills',
      calls: 2,
      errors: 1,
      p95Ms: 290,
    });
    expect(body).toMatchObject({ spans: 8, truncated: false });
  });

  it('holds only the projects that the reader may see, and only the range', async () => {
    await insertSpans(http.database, [
      { traceId, spanId: 'j', kind: 'job', name: 'job task' },
      { traceId: 'c'.repeat(32), spanId: 'k', kind: 'job', name: 'job task' },
      {
        traceId,
        spanId: 'old',
        kind: 'job',
        name: 'job task',
        startedAt: new Date(Date.now() - 3_600_000),
      },
    ]);
    await http.database.query(
      `INSERT INTO traces (trace_id, started_at, name, project_id) VALUES ($1, now(), 'x', 'p1')`,
      [traceId],
    );
    const calls = async (as: SignedIn) =>
      (await http.call<Topology>('/monitor/topology?range=15m', { as })).body.nodes[0]?.calls;
    expect(await calls(viewer)).toBe(2);
    expect(await calls(await http.signIn('viewer', 'p1'))).toBe(1);
    expect(await calls(await http.signIn('viewer', 'p2'))).toBeUndefined();
  });
});
