import { Logger } from '@nestjs/common';
import type { MonitorLogLine, MonitorLogPage } from '@aos/contracts';
import type { z } from 'zod';
import type { HttpApp, SignedIn } from '../../../test/http-app.js';
import { openMonitorApp } from '../../../test/monitor-app.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { LogStore } from '../../platform/telemetry/log-store.js';
import { Redactor } from '../../platform/telemetry/redactor.js';
import { ServerLog } from '../../platform/telemetry/server-log.js';
import { MOST_LOOKED_AT } from './logs.queries.js';

type Page = z.infer<typeof MonitorLogPage>;

let http: HttpApp;
let viewer: SignedIn;
let store: LogStore;
beforeEach(async () => {
  http = await openMonitorApp();
  viewer = await http.signIn('viewer');
  store = http.app.get(LogStore);
});
afterEach(() => http.close());

const read = async (query = '', as = viewer) =>
  (await http.call<Page>(`/monitor/logs?${query}`, { as })).body;
const found = async (query: string, as = viewer) =>
  (await read(query, as)).items.map(({ message }) => message);

async function write(
  ...lines: { message: string; level?: string; logger?: string; at?: string; jobId?: string }[]
) {
  for (const { message, level = 'info', logger = 't', at, jobId } of lines)
    await http.database.query(
      `INSERT INTO logs (level, logger, message, created_at, job_id)
       VALUES ($1, $2, $3, coalesce($4::timestamptz, clock_timestamp()), $5)`,
      [level, logger, message, at ?? null, jobId ?? null],
    );
}

async function aJob(projectId: string | null): Promise<string> {
  const [row] = await http.database.query<{ id: string }>(
    `INSERT INTO jobs (spec, status, kind, project_id) VALUES ('{}', 'succeeded', 'x', $1) RETURNING id`,
    [projectId],
  );
  return row!.id;
}

it('finds lines by level, logger, time and what they say, with % and _ meant literally', async () => {
  await write(
    { message: '100% done', at: '2026-11-01T10:00:00Z' },
    { message: '100 done', level: 'error', logger: 'tool.call', at: '2026-11-01T10:01:00Z' },
    { message: 'slow', level: 'warn', logger: 'task.receipt', at: '2026-11-01T10:02:00Z' },
  );
  expect(await found('text=100%25')).toEqual(['100% done']);
  expect(await found('level=error,warn')).toEqual(['slow', '100 done']);
  expect(await found('logger=tool.call')).toEqual(['100 done']);
  expect(await found('logger=task*')).toEqual(['slow']);
  expect(await found('from=2026-11-01T10:01:00Z&to=2026-11-01T10:02:00Z')).toEqual(['100 done']);
  for (const query of ['level=loud', 'from=now', 'order=best', 'color=red'])
    expect((await http.refused(`/monitor/logs?${query}`, { as: viewer })).body.code).toBe(
      'validation_failed',
    );
});

it('pages both ways from any line, also where lines share their moment', async () => {
  const at = '2026-11-01T10:00:00Z';
  await write(...Array.from({ length: 7 }, (_, n) => ({ message: `line ${n}`, at, logger: 'p' })));
  const first = await read('logger=p&limit=3');
  expect(first.items.map(({ message }) => message)).toEqual(['line 6', 'line 5', 'line 4']);
  const second = await read(`logger=p&limit=3&cursor=${first.nextCursor}`);
  expect(second.items.map(({ message }) => message)).toEqual(['line 3', 'line 2', 'line 1']);
  const anchor = second.items[0]!.cursor;
  const after = await read(`logger=p&order=oldest&limit=2&cursor=${anchor}`);
  expect(after.items.map(({ message }) => message)).toEqual(['line 4', 'line 5']);
  const end = await read(`logger=p&order=oldest&limit=2&cursor=${after.nextCursor}`);
  expect([end.items.map(({ message }) => message), end.nextCursor]).toEqual([['line 6'], null]);
});

it('stops a search that finds nothing, and says where it goes on', async () => {
  await write({ message: 'the needle', at: '2026-11-01T10:00:00Z' });
  await http.database.query(
    `INSERT INTO logs (level, logger, message, created_at)
     SELECT 'info', 'hay', 'hay', '2026-11-02T00:00:00Z'::timestamptz + n * interval '1 millisecond'
       FROM generate_series(1, ${MOST_LOOKED_AT}) AS n`,
  );
  const first = await read('text=needle');
  expect(first.items).toEqual([]);
  const second = await read(`text=needle&cursor=${first.nextCursor}`);
  expect(second.items.map(({ message }) => message)).toEqual(['the needle']);
  expect(second.nextCursor).toBeNull();
});

it('shows lines of tasks to those of their project, and lines of the server to nobody in one project only', async () => {
  await write(
    { message: 'of p1', jobId: await aJob('p1') },
    { message: 'of p2', jobId: await aJob('p2') },
    { message: 'of the server' },
  );
  expect(await found('')).toEqual(['of the server', 'of p2', 'of p1']);
  expect(await found('', await http.signIn('viewer', 'p1'))).toEqual(['of p1']);
});

it('keeps what the server logs, with secrets taken out, and requests that write or fail', async () => {
  const redactor = http.app.get(Redactor);
  redactor.know('API_KEY', 'hunter2-hunter2');
  const log = new ServerLog(false);
  log.attach(store, redactor);
  log.error('could not sign in with hunter2-hunter2', 'Error: no\n    at x', 'Upstreams');
  log.warn('slow', 'Relay');
  log.log('Mapped {/x, GET} route', 'RouterExplorer');
  new Logger('x').log('this logger is not that one');
  await http.call('/monitor/traces/nothing', { as: viewer });
  await http.call('/monitor/logs', { as: viewer });
  await http.call('/nowhere');
  await store.flush();
  const { items } = await read();
  expect(items.map(({ logger, level }) => [logger, level])).toEqual([
    ['http', 'warn'],
    ['Relay', 'warn'],
    ['Upstreams', 'error'],
  ]);
  expect(items[2]).toMatchObject({
    message: 'could not sign in with [secret API_KEY]',
    attributes: { stack: 'Error: no\n    at x' },
  });
  expect(items[0]!.attributes).toMatchObject({ route: '/monitor/traces/:id', status: 404 });
  expect(items[0]!.traceId).toMatch(/^[0-9a-f]{32}$/);
});

it('shows no secret in the terminal either, not in the stack of an error', () => {
  const redactor = http.app.get(Redactor);
  redactor.know('API_KEY', 'hunter2-hunter2');
  const said: string[] = [];
  const listen = (to: NodeJS.WriteStream) =>
    jest.spyOn(to, 'write').mockImplementation((chunk) => said.push(String(chunk)) > 0);
  const spies = [listen(process.stdout), listen(process.stderr)];
  const log = new ServerLog(['log', 'warn', 'error', 'fatal']);
  log.attach(store, redactor);
  for (const level of ['log', 'warn', 'fatal'] as const) log[level]('with hunter2-hunter2', 'Here');
  log.error({ msg: 'failed', err: new Error('hunter2-hunter2') }, 'Here');
  log.error('failed', new Error('hunter2-hunter2').stack, 'Here');
  for (const spy of spies) spy.mockRestore();
  const text = said.join('');
  expect(text).not.toContain('hunter2');
  expect(text.match(/\[secret API_KEY\]/g)!.length).toBeGreaterThanOrEqual(5);
});

it('takes lines that Postgres would not: NUL, very long, and more than can be written', async () => {
  store.add({ level: 'info', logger: 'odd', message: 'a\0b', attributes: { x: 'c\0d' } });
  store.add({
    level: 'info',
    logger: 'odd',
    message: 'y'.repeat(20_000),
    attributes: { z: 'z'.repeat(20_000) },
  });
  for (let n = 0; n < 6_000; n += 1) store.add({ level: 'info', logger: 'flood', message: `${n}` });
  await store.flush();
  const odd = (await read('logger=odd')).items;
  expect(odd.map(({ message }) => message.length).sort((a, b) => a - b)).toEqual([2, 8_000]);
  expect(await found('logger=LogStore')).toEqual([
    '1002 lines were dropped: more was logged than could be written.',
  ]);
});

it('keeps what tasks did in the words of their events, and not the noise between', async () => {
  await http.database.transaction((tx) =>
    http.app.get(Outbox).append(
      tx,
      (['task.acceptance', 'run.exec', 'tool.call'] as const).map((type) => ({
        traceId: 'd'.repeat(32),
        topic: type === 'tool.call' ? ('tool' as const) : ('task' as const),
        type,
        severity: type === 'tool.call' ? ('warning' as const) : ('info' as const),
        summary: `This is ${type}.`,
        payload: {},
        actor: 'system',
      })),
    ),
  );
  const { lines, leave } = await follow('');
  while (lines.length < 2) await lines.more();
  leave();
  expect((await found(`traceId=${'d'.repeat(32)}`)).sort()).toEqual([
    'This is task.acceptance.',
    'This is tool.call.',
  ]);
});

/** Follows the log; what was there when it began may or may not be among the lines. */
async function follow(query: string, as = viewer) {
  const leave = new AbortController();
  const answer = await fetch(`${http.baseUrl}/monitor/logs/live?${query}`, {
    headers: { authorization: `Bearer ${as.token}` },
    signal: leave.signal,
  });
  const reader = answer.body!.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  const lines = Object.assign([] as MonitorLogLine[], {
    async more() {
      rest += decoder.decode((await reader.read()).value, { stream: true });
      const frames = rest.split('\n\n');
      rest = frames.pop()!;
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        if (data) lines.push(...(JSON.parse(data) as MonitorLogLine[]));
      }
    },
  });
  return { answer, lines, leave: () => leave.abort() };
}

it('tells new lines as they are written, filtered, once each, and one whose number was given out earlier too', async () => {
  await write({ message: 'old' });
  const { lines, leave } = await follow('level=warn');
  // The first look has been taken when a line of this process arrives.
  store.add({ level: 'warn', logger: 'x', message: 'first' });
  store.add({ level: 'info', logger: 'x', message: 'too quiet' });
  await store.flush();
  while (lines.length < 1) await lines.more();
  const [gap] = await http.database.query<{ id: string }>(`SELECT nextval('logs_id_seq') AS id`);
  store.add({ level: 'warn', logger: 'x', message: 'second' });
  await store.flush();
  while (lines.length < 2) await lines.more();
  await http.database.query(
    `INSERT INTO logs (id, level, logger, message) VALUES ($1, 'warn', 'x', 'late')`,
    [gap!.id],
  );
  while (lines.length < 3) await lines.more();
  leave();
  expect(lines.map(({ message }) => message)).toEqual(['first', 'second', 'late']);
});
