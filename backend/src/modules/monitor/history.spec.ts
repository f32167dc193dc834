import type { Health, Metrics, MonitorLogPage, TraceDetail } from '@aos/contracts';
import type { z } from 'zod';
import { hasClickHouse, startClickHouse } from '../../../test/clickhouse.js';
import { type TestDatabase, openTestDatabase } from '../../../test/harness.js';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { insertSpans } from '../../../test/monitor-app.js';
import { OLAP, type Olap } from '../../platform/olap/olap.js';
import { OlapModule } from '../../platform/olap/olap.module.js';
import { olapAt } from '../../platform/olap/open-olap.js';
import { Shipper } from '../../platform/olap/shipper.js';
import { PlatformStreamModule } from '../../platform/realtime/stream.module.js';
import { HealthModule } from '../health/index.js';
import { MonitorModule } from './index.js';

type Page = z.infer<typeof MonitorLogPage>;

const DAY_MS = 24 * 3600_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
const onEngine = hasClickHouse ? describe : describe.skip; // no engine of ClickHouse: npm run add:clickhouse, as .ci/run does

onEngine('what only ClickHouse has by now', () => {
  const traceId = 'a'.repeat(32);
  let db: TestDatabase;
  let clickhouse: Awaited<ReturnType<typeof startClickHouse>>;
  let olap: Olap;
  let http: HttpApp;
  let viewer: SignedIn;
  let ofProject: SignedIn;

  beforeAll(async () => {
    [db, clickhouse] = await Promise.all([openTestDatabase(), startClickHouse()]);
    olap = await olapAt(clickhouse.url, 'one');
    http = await openHttpApp({
      database: db,
      imports: [PlatformStreamModule, OlapModule, MonitorModule, HealthModule],
      overrides: [{ provide: OLAP, useValue: olap }],
      // It copies when it is told to here.
      environment: { roles: new Set(['api'] as const) },
    });
    viewer = await http.signIn('viewer');
    ofProject = await http.signIn('viewer', 'p1');
    await fill();
    const shipper = http.app.get(Shipper);
    await shipper.run();
    // Twice, as after a crash: nothing of what follows may count it twice.
    await olap.command('SYSTEM STOP MERGES');
    await db.database.query('DELETE FROM olap_copies');
    await shipper.run();
    // As retention does.
    await db.database.query(`DELETE FROM logs WHERE created_at < now() - interval '30 days'`);
    await db.database.query(`DELETE FROM spans WHERE started_at < now() - interval '30 days'`);
    await db.database.query(`DELETE FROM metric_samples WHERE at < now() - interval '14 days'`);
  });
  afterAll(async () => {
    await http?.close();
    await olap.close();
    await clickhouse.stop();
  });

  async function fill(): Promise<void> {
    const [job] = await db.database.query<{ id: string }>(
      `INSERT INTO jobs (spec, project_id, status) VALUES ('{}', 'p1', 'succeeded') RETURNING id`,
    );
    for (const [message, days, level, jobId] of [
      ['a hundred days', 100, 'info', null],
      ['ninety days, 50% Off', 90, 'error', job!.id],
      ['eighty days', 80, 'info', null],
      ['two days', 2, 'info', null],
      ['one day', 1, 'error', job!.id],
    ] as const)
      await db.database.query(
        `INSERT INTO logs (created_at, level, logger, message, job_id, attributes) VALUES ($1, $2, 'test.it', $3, $4, '{"n": 1}')`,
        [daysAgo(days).toISOString(), level, message, jobId],
      );
    await insertSpans(db.database, [
      { traceId, spanId: 's1', name: 'job task', kind: 'job', startedAt: daysAgo(60) },
      { traceId, spanId: 's2', parentSpanId: 's1', name: 'executor', startedAt: daysAgo(59) },
    ]);
    await db.database.query(
      `INSERT INTO traces (trace_id, status, started_at, name, project_id) VALUES ($1, 'succeeded', $2, 'An old run', 'p1')`,
      [traceId, daysAgo(60).toISOString()],
    );
    await sample(daysAgo(60), { jobs_succeeded: 3, job_ms: { 10: 3 }, loop_p99_ms: 7 });
    await sample(daysAgo(20), { jobs_succeeded: 5, job_ms: { 30: 5 }, queued: 4 });
    await sample(daysAgo(20), { jobs_succeeded: 1, queued: 4 }, 'another/2');
    // In both.
    await sample(daysAgo(3), { jobs_succeeded: 7 });
    await sample(new Date(Date.now() - 600_000), { jobs_succeeded: 2 });
  }

  const sample = (at: Date, values: Record<string, unknown>, process = 'one/1') =>
    db.database.query(
      'INSERT INTO metric_samples SELECT * FROM jsonb_populate_recordset(NULL::metric_samples, $1::jsonb)',
      [
        JSON.stringify([
          {
            ...{ at: new Date(Math.floor(at.getTime() / 300_000) * 300_000), step_s: 300, process },
            ...{ roles: 'api', cpu_percent: 10, rss_bytes: 100, heap_bytes: 50, clients: 1 },
            ...{ loop_mean_ms: 1, loop_p99_ms: 2, relay_lag_ms: 0, events: 0, requests: 0 },
            ...{ queued: 0, running: 0, waiting: 0, scheduled: 0, request_errors: 0 },
            ...{ jobs_succeeded: 0, jobs_failed: 0, jobs_cancelled: 0, calls_succeeded: 0 },
            ...{ calls_failed: 0, job_ms: {}, call_ms: {}, ...values },
          },
        ]),
      ],
    );

  const read = async (query: string, as = viewer) =>
    (await http.call<Page>(`/monitor/logs?logger=test.*&${query}`, { as })).body;
  const messages = async (query: string, as = viewer) =>
    (await read(query, as)).items.map(({ message }) => message);
  /** Page by page to the end. */
  async function all(query: string): Promise<string[]> {
    const found: string[] = [];
    for (let cursor = ''; ;) {
      const page = await read(`${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(page.history).toBe('there');
      found.push(...page.items.map(({ message }) => message));
      if (page.nextCursor === null) return found;
      cursor = page.nextCursor;
    }
  }
  const metrics = async (range: string) =>
    (await http.call<Metrics>(`/monitor/metrics?range=${range}`, { as: viewer })).body;
  const sum = (line: (number | null)[]) => line.reduce<number>((a, b) => a + (b ?? 0), 0);

  const newest = ['one day', 'two days', 'eighty days', 'ninety days, 50% Off', 'a hundred days'];

  it('stands behind the lines of Postgres, each once, in either order and any size of page', async () => {
    for (const limit of [1, 2, 3, 5, 100]) {
      expect(await all(`limit=${limit}`)).toEqual(newest);
      expect(await all(`limit=${limit}&order=oldest`)).toEqual(newest.toReversed());
    }
    const [line] = (await read(`limit=1&to=${daysAgo(85).toISOString()}`)).items;
    expect(line).toMatchObject({ level: 'error', logger: 'test.it', attributes: { n: 1 } });
    expect(line!.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    // From a line both ways, as one who looks around it.
    const here = encodeURIComponent(line!.cursor);
    expect(await messages(`cursor=${here}&order=oldest&limit=2`)).toEqual([
      'eighty days',
      'two days',
    ]);
    expect(await messages(`cursor=${here}`)).toEqual(['a hundred days']);
  });

  it('is found by what Postgres finds, and by nobody who may not see its project', async () => {
    expect(await messages('level=error')).toEqual(['one day', 'ninety days, 50% Off']);
    expect(await messages('text=50%25%20off')).toEqual(['ninety days, 50% Off']);
    expect(await messages('text=nothing%20like%20it')).toEqual([]);
    const from = daysAgo(95).toISOString();
    expect(await messages(`from=${from}&to=${daysAgo(70).toISOString()}`)).toEqual([
      'eighty days',
      'ninety days, 50% Off',
    ]);
    expect(await messages('', ofProject)).toEqual(['one day', 'ninety days, 50% Off']);
    expect(await messages('order=oldest', ofProject)).toEqual(['ninety days, 50% Off', 'one day']);
    expect(await messages('', await http.signIn('viewer', 'p2'))).toEqual([]);
    // What is no moment at all is refused as ever, and harms nothing.
    const forged = Buffer.from(JSON.stringify(['infinity', '1'])).toString('base64url');
    await http.call(`/monitor/logs?cursor=${forged}&order=oldest`, { as: viewer });
    expect(await olap.isUp()).toBe(true);
  });

  it('is in the curves of a month and a quarter, added to what Postgres has, once', async () => {
    const month = await metrics('30d');
    expect(month.history).toBe('there');
    expect(sum(month.throughput.jobsSucceeded)).toBe(15);
    // Of all processes the same queue, not twice.
    expect(Math.max(...month.queue.queued.map(Number))).toBe(4);
    expect(month.process.rssBytes.filter((value) => value !== null)[0]).toBe(200);
    const quarter = await metrics('90d');
    expect(sum(quarter.throughput.jobsSucceeded)).toBe(18);
    expect(Math.max(...quarter.process.loopDelayP99Ms.map(Number))).toBeGreaterThanOrEqual(7);
    expect(quarter.latency.jobs.p50.filter((value) => value !== null)).toHaveLength(2);
    expect(quarter.throughput.jobsSucceeded).toHaveLength(180);
    expect((await metrics('1h')).history).toBe('there');
  });

  it('is the spans of a run of which Postgres has the name alone', async () => {
    const old = await http.call<TraceDetail>(`/monitor/traces/${traceId}`, { as: ofProject });
    expect(old.body).toMatchObject({ name: 'An old run', truncated: false, history: 'there' });
    expect(old.body.spans.map(({ spanId, kind }) => [spanId, kind])).toEqual([
      ['s1', 'job'],
      ['s2', 'internal'],
    ]);
    expect(old.body.spans[0]).toMatchObject({ attributes: {}, events: [], durationUs: 1000 });
    const foreign = await http.signIn('viewer', 'p2');
    expect((await http.call(`/monitor/traces/${traceId}`, { as: foreign })).status).toBe(404);
    expect((await http.call('/monitor/traces/unknown', { as: viewer })).status).toBe(404);
  });

  it('is missed while ClickHouse is away, which is said, and all else goes on', async () => {
    await clickhouse.stop();
    await metrics('7d');
    const asked = jest.spyOn(olap, 'query');
    const page = await read('limit=100');
    expect(page.items.map(({ message }) => message)).toEqual(['one day', 'two days']);
    expect(page).toMatchObject({ history: 'away', nextCursor: null });
    expect(await messages('order=oldest')).toEqual(['two days', 'one day']);
    const month = await metrics('30d');
    expect([month.history, sum(month.throughput.jobsSucceeded)]).toEqual(['away', 9]);
    const old = await http.call<TraceDetail>(`/monitor/traces/${traceId}`, { as: viewer });
    expect(old.body).toMatchObject({ name: 'An old run', spans: [], history: 'away' });
    // Known to be away, it is not waited for again by each who asks.
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
    const ready = await http.call<Health>('/health/ready');
    expect([ready.status, ready.body.status]).toEqual([200, 'degraded']);
    expect(ready.body.checks['clickhouse']).toMatchObject({ status: 'failed' });
    expect(ready.text).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/);
    const scraped = (await http.call('/metrics')).text;
    expect(scraped).toContain('aos_clickhouse_up 0');
    // Some while as a rule: that it is away is a line of the log, which waits to be copied.
    expect(scraped).toMatch(/aos_clickhouse_lag_seconds\{source="logs"\} [\d.]+\n/);
    expect(scraped).toContain('aos_clickhouse_lost_rows_total{source="spans"} 0');
    await clickhouse.startAgain();
    const later = performance.now() + 5_000;
    jest.spyOn(performance, 'now').mockReturnValue(later);
    expect(await all('limit=2')).toEqual(newest);
    expect((await metrics('30d')).history).toBe('there');
    expect((await http.call<Health>('/health/ready')).body.checks['clickhouse']).toMatchObject({
      status: 'ok',
    });
    jest.restoreAllMocks();
  });
});
