import type { LogPage, TraceDetail, TracePage } from '@aos/contracts';
import type { z } from 'zod';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { activeTraceparent, contextOf, inSpan } from '../../platform/telemetry/span.js';
import { type Telemetry, startTelemetry } from '../../platform/telemetry/telemetry.js';
import { MonitorModule } from './index.js';

describe('monitor', () => {
  let http: HttpApp;
  let viewer: SignedIn;
  let telemetry: Telemetry;
  beforeAll(async () => {
    telemetry = startTelemetry({});
    http = await openHttpApp({ imports: [MonitorModule] });
    telemetry.store.attach(http.database);
    viewer = await http.signIn('viewer');
  });
  afterAll(async () => {
    telemetry.store.detach();
    await telemetry.shutdown();
    await http.close();
  });

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
    for (const n of [1, 2, 3])
      await http.database.query(
        `INSERT INTO traces (trace_id, status, started_at, name, project_id) VALUES ($1, 'succeeded', now(), $2, $3)`,
        [`run-${n}`, `run ${n}`, n === 2 ? 'secret-project' : null],
      );
    const first = await http.call<z.infer<typeof TracePage>>('/monitor/traces?limit=2', {
      as: viewer,
    });
    expect(first.body.items.map((item) => item.name)).toEqual(['run 3', 'run 2']);
    const second = await http.call<z.infer<typeof TracePage>>(
      `/monitor/traces?limit=2&cursor=${first.body.nextCursor}`,
      { as: viewer },
    );
    expect(second.body.items.map((item) => item.name)).toEqual(['run 1']);
    expect(second.body.nextCursor).toBeNull();
    const insider = await http.signIn('viewer', 'secret-project');
    const own = await http.call<z.infer<typeof TracePage>>('/monitor/traces', { as: insider });
    expect(own.body.items.map((item) => item.name)).toEqual(['run 2']);
    expect((await http.refused('/monitor/traces/run-1', { as: insider })).status).toBe(404);
    expect((await http.refused('/monitor/traces?cursor=nonsense', { as: viewer })).body.code).toBe(
      'invalid_cursor',
    );
  });

  it('finds log lines by level and by what they say, with % and _ meant literally', async () => {
    await http.database.query(
      `INSERT INTO logs (level, logger, message) VALUES ('info', 't', '100% done'), ('error', 't', '100 done')`,
    );
    const found = async (query: string) =>
      (
        await http.call<z.infer<typeof LogPage>>(`/monitor/logs?${query}`, { as: viewer })
      ).body.items.map((line) => line.message);
    expect(await found('text=100%25')).toEqual(['100% done']);
    expect(await found('level=error')).toEqual(['100 done']);
  });
});
