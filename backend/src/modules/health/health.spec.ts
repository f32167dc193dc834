import type { Health } from '@aos/contracts';
import fs from 'node:fs/promises';
import { type HttpApp, openHttpApp } from '../../../test/http-app.js';
import type { BusState } from '../../platform/bus/bus.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { HealthModule } from './index.js';

let http: HttpApp;
beforeEach(async () => {
  http = await openHttpApp({ imports: [HealthModule] });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await http.close();
});

it('is ready with its checks, and says whether pgvector is there', async () => {
  const { status, body } = await http.call<Health>('/health/ready');
  expect(status).toBe(200);
  expect(Object.keys(body.checks).sort()).toEqual([
    ...['audit', 'dataFolder', 'database', 'eventLoop', 'pgvector', 'relay'],
  ]);
  expect(body.checks['pgvector']!.status).toBe(http.database.hasVector ? 'ok' : 'off');
});

it('is not ready while the database does not answer, lives all the same, and recovers', async () => {
  const taken = await Promise.all(
    Array.from({ length: http.database.pool.options.max ?? 1 }, () => http.database.pool.connect()),
  );
  try {
    const ready = await http.call<Health>('/health/ready');
    expect([ready.status, ready.body.status, ready.body.checks['database']!.status]).toEqual([
      503,
      'unavailable',
      'failed',
    ]);
    expect(ready.headers.get('retry-after')).toBeTruthy();
    expect((await http.call('/health/live')).status).toBe(200);
    expect((await http.call('/metrics')).text).toContain('aos_database_up 0');
  } finally {
    for (const client of taken) client.release();
  }
  expect((await http.call('/health/ready')).status).toBe(200);
});

it('is degraded while the data folder cannot be written, says why, and lives all the same', async () => {
  const { open } = fs;
  let opened = 0;
  jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
    const file = await open(...args);
    opened++;
    file.sync = () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    return file;
  });
  expect((await http.call('/health/live')).status).toBe(200);
  expect(opened).toBe(0);
  for (let i = 0; i < 3; i++) {
    const { status, body } = await http.call<Health>('/health/ready');
    expect([status, body.status]).toEqual([200, 'degraded']);
    expect(body.checks['dataFolder']).toEqual({
      status: 'failed',
      detail: 'The disk of the data folder is full.',
    });
  }
  expect(opened).toBe(1);
});

it('is degraded while the broker of the bus is away, and says nothing of NOTIFY', async () => {
  const wakeups = http.app.get(Wakeups, { strict: false });
  const checked = async (state: BusState) => {
    jest.spyOn(wakeups, 'busState', 'get').mockReturnValue(state);
    const { status, body } = await http.call<Health>('/health/ready');
    return [status, body.status, body.checks['bus']?.status];
  };
  expect(await checked({ kind: 'nats', isUp: true, refused: 0 })).toEqual([200, 'ok', 'ok']);
  expect(await checked({ kind: 'nats', isUp: false, refused: 2 })).toEqual([
    200,
    'degraded',
    'failed',
  ]);
  const { text } = await http.call('/metrics');
  expect(text).toContain('aos_bus_up 0');
  expect(text).toContain('aos_bus_refused_total 2');
  expect(await checked({ kind: 'postgres', isUp: false, refused: 0 })).toEqual([
    200,
    'ok',
    undefined,
  ]);
});

it('is degraded while events wait long for the relay', async () => {
  await http.database.query(
    `INSERT INTO events (trace_id, topic, type, payload, created_at) VALUES ('t', 'run', 'run.exec', '{}', now() - interval '5 minutes')`,
  );
  const { status, body } = await http.call<Health>('/health/ready');
  expect([status, body.status, body.checks['relay']!.status]).toEqual([200, 'degraded', 'failed']);
});

it('is degraded while rows of the audit record wait long to be sealed, and counts them', async () => {
  await http.database.query(
    `INSERT INTO audit_logs (actor, action, resource, created_at)
     SELECT 'system', 'x', 'x', now() - n * interval '1 minute' FROM generate_series(5, 6) AS n`,
  );
  const { status, body } = await http.call<Health>('/health/ready');
  expect([status, body.status, body.checks['audit']!.status]).toEqual([200, 'degraded', 'failed']);
  expect(body.checks['audit']!.detail).toMatch(/ 30\d\.\d s old/);
  const { text } = await http.call('/metrics');
  expect(text).toContain('\naos_audit_unsealed_rows 2\n');
  expect(text).toMatch(/^aos_audit_unsealed_seconds 30\d/m);
});

it('tells Prometheus of the process, the database, jobs and routes, by pattern and never by id', async () => {
  await http.call('/rbac/users/5f0c7f52-0000-4000-8000-000000000000/disable', { method: 'POST' });
  const { text, headers } = await http.call('/metrics');
  expect(headers.get('content-type')).toContain('version=0.0.4');
  for (const name of [
    'process_cpu_seconds_total',
    'aos_database_up 1',
    'aos_relay_lag_seconds',
    'aos_jobs{status="queued"} 0',
  ])
    expect(text).toContain(name);
  expect(text).toContain(
    'http_server_request_duration_seconds_count{method="POST",route="/rbac/users/:id/disable",status="401"} 1',
  );
  expect(text).not.toContain('5f0c7f52');
  for (const line of text.trim().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^{}]*\})? -?[\d.e+-]+)$/);
});

it('asks for monitor.read when it listens beyond this machine', async () => {
  const open = await openHttpApp({ imports: [HealthModule], environment: { host: '0.0.0.0' } });
  try {
    expect((await open.call('/metrics')).status).toBe(401);
    expect((await open.call('/metrics', { as: await open.signIn('viewer') })).status).toBe(200);
    expect((await open.call('/health/ready')).status).toBe(200);
  } finally {
    await open.close();
  }
});
