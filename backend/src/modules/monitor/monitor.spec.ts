import type { SpanCall, TraceDetail, TracePage } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { HttpApp, SignedIn } from '../../../test/http-app.js';
import { insertLargeTrace, insertSpans, openMonitorApp } from '../../../test/monitor-app.js';
import { activeTraceparent, contextOf, inSpan } from '../../platform/telemetry/span.js';
import { type Telemetry, startTelemetry } from '../../platform/telemetry/telemetry.js';

describe('traces', () => {
  let http: HttpApp;
  let viewer: SignedIn;
  let telemetry: Telemetry;
  beforeAll(async () => {
    telemetry = startTelemetry({});
    http = await openMonitorApp();
    telemetry.store.attach(http.database);
    viewer = await http.signIn('viewer');
  });
  afterAll(async () => {
    telemetry.store.detach();
    await telemetry.shutdown();
    await http.close();
  });

  const list = async (query: string, as = viewer) =>
    (await http.call<z.infer<typeof TracePage>>(`/monitor/traces?${query}`, { as })).body;
  const names = async (query: string, as = viewer) =>
    (await list(query, as)).items.map(({ name }) => name);

  async function aRun(
    name: string,
    { status = 'succeeded', latencyMs = 100, projectId = null as string | null, agent = '' } = {},
  ): Promise<string> {
    const traceId = randomUUID().replaceAll('-', '');
    let agentId: string | null = null;
    if (agent) {
      const [row] = await http.database.query<{ id: string }>(
        `INSERT INTO agents (name, type, status) VALUES ($1, 'local', 'running') RETURNING id`,
        [agent],
      );
      agentId = row!.id;
    }
    const [job] = await http.database.query<{ id: string }>(
      `INSERT INTO jobs (trace_id, spec, status, project_id, agent_id) VALUES ($1, '{}', 'succeeded', $2, $3) RETURNING id`,
      [traceId, projectId, agentId],
    );
    // Later than any other: the clock of the embedded database goes by milliseconds.
    await http.database.query(
      `INSERT INTO traces (trace_id, status, started_at, latency_ms, name, project_id, job_id)
       VALUES ($1, $2, greatest(clock_timestamp(), (SELECT max(started_at) + interval '1 ms' FROM traces)), $3, $4, $5, $6)`,
      [traceId, status, latencyMs, name, projectId, job!.id],
    );
    return traceId;
  }

  it('keeps one trace from the request down to the database, continuing the caller', async () => {
    const traceId = 'a'.repeat(32);
    const answer = await http.call('/monitor/traces', {
      as: viewer,
      headers: { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` },
    });
    expect(answer.headers.get('traceparent')).toContain(traceId);
    await telemetry.flush();
    const { body } = await http.call<TraceDetail>(`/monitor/traces/${traceId}`, { as: viewer });
    const [request] = body.spans;
    expect(request).toMatchObject({ kind: 'http', parentSpanId: 'b'.repeat(16) });
    const queries = body.spans.filter((span) => span.kind === 'database');
    const own = queries.find((span) =>
      String(span.attributes['db.query.text']).includes('FROM traces'),
    );
    expect(own).toMatchObject({ parentSpanId: request!.spanId, status: 'unset' });
  });

  it('keeps the tree, the failure and the attributes of nested spans', async () => {
    const traceparent = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
    const failing = inSpan(
      'job',
      'job 1',
      { 'aos.job': '1' },
      () =>
        inSpan('tool', 'tool env.files.write', {}, async () => {
          expect(activeTraceparent()).toContain('c'.repeat(32));
          throw new Error('the disk is full');
        }),
      contextOf(traceparent),
    );
    await expect(failing).rejects.toThrow('the disk is full');
    await telemetry.flush();
    const { body } = await http.call<TraceDetail>(`/monitor/traces/${'c'.repeat(32)}`, {
      as: viewer,
    });
    const [job, tool] = body.spans;
    expect(job).toMatchObject({ kind: 'job', name: 'job 1', attributes: { 'aos.job': '1' } });
    expect(tool).toMatchObject({
      parentSpanId: job!.spanId,
      status: 'error',
      statusMessage: 'the disk is full',
    });
  });

  it('pages runs by start and shows none of another project', async () => {
    for (const n of [1, 2, 3]) await aRun(`run ${n}`, { projectId: n === 2 ? 'secret' : null });
    const first = await list('limit=2');
    expect(first.items.map((item) => item.name)).toEqual(['run 3', 'run 2']);
    const second = await list(`limit=2&cursor=${first.nextCursor}`);
    expect(second.items.map((item) => item.name)).toEqual(['run 1']);
    expect(second.nextCursor).toBeNull();
    const insider = await http.signIn('viewer', 'secret');
    expect(await names('', insider)).toEqual(['run 2']);
    expect(await names('projectId=other', insider)).toEqual([]);
    const foreign = second.items[0]!.traceId;
    expect((await http.refused(`/monitor/traces/${foreign}`, { as: insider })).status).toBe(404);
    expect((await http.refused('/monitor/traces?cursor=nonsense', { as: viewer })).body.code).toBe(
      'invalid_cursor',
    );
  });

  it('finds runs by state, words, agent, project, length, time and failed spans', async () => {
    const before = new Date().toISOString();
    const slow = await aRun('Clean 100% of it', { latencyMs: 90_000, agent: 'cleaner' });
    const sick = await aRun('Plot it', { projectId: 'p1' });
    await aRun('Break it', { status: 'failed' });
    await insertSpans(http.database, [
      { traceId: sick, spanId: 'x', name: 'tool a.b', kind: 'tool', status: 'error' },
    ]);
    const since = `from=${encodeURIComponent(before)}`;
    expect(await names(`${since}&status=failed,running`)).toEqual(['Break it']);
    expect(await names('text=100%25%20OF')).toEqual(['Clean 100% of it']);
    expect(await names(`${since}&minMs=60000`)).toEqual(['Clean 100% of it']);
    expect(await names('projectId=p1')).toEqual(['Plot it']);
    expect(await names(`${since}&hasError=true`)).toEqual(['Break it', 'Plot it']);
    expect(await names(`${since}&hasError=false`)).toEqual(['Clean 100% of it']);
    expect(await names(`to=${encodeURIComponent(before)}&text=plot`)).toEqual([]);
    const { items } = await list(since);
    const { agentId, agentName } = items.find(({ traceId }) => traceId === slow)!;
    expect(agentName).toBe('cleaner');
    expect(await names(`agentId=${agentId}`)).toEqual(['Clean 100% of it']);
  });

  it('says of an open run that it waits as long as its job does, and finds it by that', async () => {
    const traceId = await aRun('Ask me first', { status: 'running' });
    const turn = (status: string) =>
      http.database.query(`UPDATE jobs SET status = $2 WHERE trace_id = $1`, [traceId, status]);
    const found = () => names(`status=waiting&text=ask%20me`);
    await turn('waiting');
    expect(await found()).toEqual(['Ask me first']);
    expect(await names(`status=running&text=ask%20me`)).toEqual([]);
    const { body } = await http.call<TraceDetail>(`/monitor/traces/${traceId}`, { as: viewer });
    expect(body.status).toBe('waiting');
    await turn('running');
    expect(await found()).toEqual([]);
    expect(await names(`status=running&text=ask%20me`)).toEqual(['Ask me first']);
  });

  it.each(['status=done', 'minMs=-1', 'from=yesterday', 'agentId=x', 'nonsense=1'])(
    'refuses %s',
    async (query) => {
      expect((await http.refused(`/monitor/traces?${query}`, { as: viewer })).body.code).toBe(
        'validation_failed',
      );
    },
  );

  it('says what the ledger has of a tool span, with and without a job, to those of the project only', async () => {
    const traceId = await aRun('With a call', { projectId: 'p2' });
    const direct = 'e'.repeat(32);
    await insertSpans(http.database, [
      { traceId, spanId: 't1', name: 'tool skills.csv.clean', kind: 'tool' },
      { traceId: direct, spanId: 't2', name: 'tool env.files.read', kind: 'tool' },
      { traceId: direct, spanId: 't3', name: 'tool env.files.read', kind: 'tool' },
    ]);
    const call = (job: string | null, trace: string, span: string, server: string, tool: string) =>
      http.database.query(
        `INSERT INTO tool_calls (id, created_at, idempotency_key, job_id, trace_id, server, tool, args, args_hash, status,
           error, error_fingerprint, actor, span_id, finished_at)
         VALUES (gen_random_uuid(), now(), $1, (SELECT id FROM jobs WHERE trace_id = $2), $3, $4, $5, '{"file":"a.csv"}', 'h',
           'failed', 'no such file', 'fp1', 'user:1', $6, now())`,
        [randomUUID(), job, trace, server, tool, span],
      );
    await call(traceId, traceId, 't1', 'skills', 'csv.clean');
    await call(null, direct, 't2', 'env', 'files.read');
    const of = async (trace: string, span: string, as = viewer) =>
      (await http.call<SpanCall>(`/monitor/traces/${trace}/spans/${span}/call`, { as })).body;
    expect((await of(traceId, 't1')).call).toMatchObject({
      server: 'skills',
      args: { file: 'a.csv' },
      error: 'no such file',
      errorFingerprint: 'fp1',
    });
    expect((await of(direct, 't2')).call).toMatchObject({ tool: 'files.read', jobId: null });
    expect((await of(direct, 't3')).call).toBeNull();
    const outsider = await http.signIn('viewer', 'elsewhere');
    const refused = await http.refused(`/monitor/traces/${traceId}/spans/t1/call`, {
      as: outsider,
    });
    expect(refused.status).toBe(404);
  });

  it('gives a trace of 10,000 spans whole, and cuts one of more than 20,000, saying so', async () => {
    await insertLargeTrace(http.database, 'f'.repeat(32), 10_000);
    const whole = await http.call<TraceDetail>(`/monitor/traces/${'f'.repeat(32)}`, { as: viewer });
    expect([whole.body.spans.length, whole.body.truncated]).toEqual([10_000, false]);
    await insertLargeTrace(http.database, '9'.repeat(32), 20_001);
    const cut = await http.call<TraceDetail>(`/monitor/traces/${'9'.repeat(32)}`, { as: viewer });
    expect([cut.body.spans.length, cut.body.truncated]).toEqual([20_000, true]);
  });
});
