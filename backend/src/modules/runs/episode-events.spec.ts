import type { AosEvent, LogLine, Page } from '@aos/contracts';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { RunsModule } from './index.js';

let http: HttpApp;
let reader: SignedIn;
let stranger: SignedIn;
let seq = 0;
beforeAll(async () => {
  http = await openHttpApp({ imports: [RunsModule], environment: { roles: new Set(['api']) } });
  await http.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('mine', 'Mine', 't'), ('theirs', 'Theirs', 't')`,
  );
  reader = await http.signIn('viewer', 'mine');
  stranger = await http.signIn('viewer', 'theirs');
  for (const trace of ['t1', 't2'])
    await http.database.query(
      `INSERT INTO jobs (trace_id, spec, project_id) VALUES ($1, '{"goal":"x"}', 'mine')`,
      [trace],
    );
});
afterAll(() => http.close());

const tell = async (traceId: string, type: string) => {
  await http.database.query(
    `INSERT INTO events (trace_id, project_id, topic, type, summary, payload, links, seq)
     VALUES ($1, 'mine', 'run', $2, $2, '{}', '[]', $3)`,
    [traceId, type, (seq += 1)],
  );
  http.app.get(Wakeups).wake('seq');
};
const page = async (query: string) =>
  (await http.call<Page<AosEvent>>(`/api/episodes/t1/events${query}`, { as: reader })).body;

it('pages the raw events of one run, the oldest first', async () => {
  for (const type of ['run.plan', 'tool.call', 'task.receipt']) await tell('t1', type);
  await tell('t2', 'run.plan');
  const first = await page('?limit=2');
  expect(first.items.map(({ type }) => type)).toEqual(['run.plan', 'tool.call']);
  const second = await page(`?limit=2&cursor=${first.nextCursor}`);
  expect([second.items.map(({ type }) => type), second.nextCursor]).toEqual([
    ['task.receipt'],
    null,
  ]);
  expect((await page(`?since=${first.items[1]!.seq}`)).items).toHaveLength(1);
});

it('pages the log of one run', async () => {
  await http.database.query(
    `INSERT INTO logs (level, logger, message, trace_id) VALUES ('info', 'a', 'one', 't1'), ('error', 'a', 'two', 't1'), ('info', 'a', 'other', 't2')`,
  );
  const lines = async (query: string) =>
    (await http.call<Page<LogLine>>(`/api/episodes/t1/logs${query}`, { as: reader })).body;
  const first = await lines('?limit=1');
  expect(first.items.map(({ message }) => message)).toEqual(['one']);
  const second = await lines(`?limit=1&cursor=${first.nextCursor}`);
  expect(second.items.map(({ level, message }) => [level, message])).toEqual([['error', 'two']]);
});

it('is not there for whoever may not see the run', async () => {
  for (const path of ['events', 'events?tail=1', 'logs'])
    for (const trace of ['t1', 'nowhere']) {
      const answer = await http.refused(`/api/episodes/${trace}/${path}`, { as: stranger });
      expect([path, answer.status, answer.body.code]).toEqual([path, 404, 'not_found']);
    }
});

/** The frames of a stream, one after another. */
async function* framesOf(headers: Record<string, string>, signal: AbortSignal) {
  const response = await fetch(`${http.baseUrl}/api/episodes/t2/events?tail=1`, {
    headers: { authorization: `Bearer ${reader.token}`, ...headers },
    signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const frame = text.slice(0, end);
      text = text.slice(end + 2);
      if (frame.startsWith('id:')) yield frame;
    }
  }
}

it('streams what there is and what comes, and resumes from the last id', async () => {
  const abort = new AbortController();
  const frames = framesOf({}, abort.signal);
  const first = (await frames.next()).value as string;
  expect(first).toContain('"type":"run.plan"');
  await tell('t2', 'run.exec');
  expect((await frames.next()).value).toContain('"type":"run.exec"');
  abort.abort();
  await frames.next().catch(() => undefined);

  const again = new AbortController();
  const id = /^id: (\d+)/.exec(first)![1]!;
  const resumed = framesOf({ 'last-event-id': id }, again.signal);
  expect((await resumed.next()).value).toContain('"type":"run.exec"');
  again.abort();
  await resumed.next().catch(() => undefined);
});
