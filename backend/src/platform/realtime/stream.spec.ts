import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Problem } from '@aos/contracts';
import { WebSocket } from 'ws';
import { type TestDatabase, isNative, openTestDatabase } from '../../../test/harness.js';
import {
  type EventSocket,
  type StreamApp,
  eachEvent,
  openStreamApp,
} from '../../../test/stream-app.js';
import type { EventRow } from '../outbox/event-row.js';
import { EventTail } from './event-tail.js';

let db: TestDatabase;
let app: StreamApp;
const open: EventSocket[] = [];

beforeAll(async () => {
  db = await openTestDatabase();
  app = await openStreamApp(db.database);
  app.tokens.issue('owner', 'all');
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});
afterAll(async () => {
  await app.close();
  await db.close();
});

function connect(token = 'owner', headers: Record<string, string> = {}): EventSocket {
  const socket = app.socket(token, headers);
  open.push(socket);
  return socket;
}

/** A trace of its own, so that tests do not see each other's events. */
let traces = 0;
const newTrace = () => `trace-${++traces}-${process.pid}`;
const summaries = (socket: EventSocket) => socket.events.map((event) => event.summary);

describe('a WebSocket on /agent/events', () => {
  it('brings value events as they are committed, in order and numbered without gaps', async () => {
    const socket = await connect().subscribe();
    await app.publish({ summary: 'one' }, { summary: 'two' });
    await app.publish({ summary: 'three' });
    await socket.until(() => socket.events.length === 3);
    expect(summaries(socket)).toEqual(['one', 'two', 'three']);
    const first = socket.seqs[0]!;
    expect(socket.seqs).toEqual([first, first + 1, first + 2]);
    expect(Object.keys(socket.events[0]!).sort()).toEqual(
      'createdAt id jobId links payload projectId seq severity summary topic traceId type'
        .split(' ')
        .sort(),
    );
  });

  it('brings no raw events', async () => {
    const socket = await connect().subscribe();
    await app.publish({ type: 'tool.call', summary: 'raw' }, { summary: 'of value' });
    await socket.until(() => socket.events.length > 0);
    expect(summaries(socket)).toEqual(['of value']);
  });

  it('brings only the types and the trace that were asked for', async () => {
    const traceId = newTrace();
    const socket = await connect().subscribe({ types: ['task.receipt'], traceId });
    await app.publish(
      { traceId, summary: 'another type' },
      { traceId: newTrace(), type: 'task.receipt', summary: 'another trace' },
      { traceId, type: 'task.receipt', summary: 'this one' },
    );
    await socket.until(() => socket.events.length > 0);
    expect(summaries(socket)).toEqual(['this one']);
  });

  it('tells a single trace from its beginning when no since is given', async () => {
    const traceId = newTrace();
    await app.publish({ traceId, type: 'task.acceptance', summary: 'accepted' });
    await app.settled();
    const socket = await connect().subscribe({ traceId });
    expect(summaries(socket)).toEqual(['accepted']);
  });

  it('sends payloads that live beside the row', async () => {
    const socket = await connect().subscribe();
    const text = 'ä'.repeat(70_000);
    await app.publish({ payload: { text } });
    await socket.until(() => socket.events.length === 1);
    expect(socket.events[0]!.payload).toEqual({ text });
  });

  it('replaces the subscription when another one comes', async () => {
    const [first, second] = [newTrace(), newTrace()];
    const socket = await connect().subscribe({ traceId: first });
    await socket.subscribe({ traceId: second });
    await app.publish({ traceId: first, summary: 'first' }, { traceId: second, summary: 'second' });
    await socket.until(() => socket.events.length > 0);
    expect(summaries(socket)).toEqual(['second']);
  });
});

describe('resuming', () => {
  it('brings what came after since, then goes on live, without a gap or a repeat', async () => {
    const traceId = newTrace();
    await app.publish(...[1, 2, 3, 4].map((n) => ({ traceId, summary: `${n}` })));
    await app.settled();
    const all = await connect().subscribe({ traceId });
    const socket = await connect().subscribe({ since: all.seqs[1]!, traceId });
    expect(summaries(socket)).toEqual(['3', '4']);
    expect(socket.frames.at(-1)).toEqual({ op: 'ready', seq: app.tail.lastSeq });
    await app.publish({ traceId, summary: '5' });
    await socket.until(() => socket.events.length === 3);
    expect(summaries(socket)).toEqual(['3', '4', '5']);
  });

  it('pages history from the database while new events come in', async () => {
    const traceId = newTrace();
    const before = app.tail.lastSeq;
    await app.publish(...numbers(700).map((n) => ({ traceId, summary: `${n}` })));
    await app.settled();
    // A process that has just started: nothing recent in memory.
    const fresh = await openStreamApp(db.database, {
      roles: new Set(['api']),
      hub: { pageSize: 50 },
    });
    Object.assign(fresh.tail, {
      recentEvents: new (await import('./recent-events.js')).RecentEvents(app.tail.lastSeq),
    });
    fresh.tokens.issue('owner', 'all');
    const socket = fresh.socket('owner');
    open.push(socket);
    const subscribed = socket.subscribe({ since: before, traceId });
    await app.publish(...numbers(50).map((n) => ({ traceId, summary: `${700 + n}` })));
    await subscribed;
    await fresh.tail.catchUp();
    await socket.until(() => socket.events.length >= 750);
    expect(summaries(socket)).toEqual(numbers(750).map(String));
    await fresh.close();
  });

  it('says resync when the number was never given out, and goes on live', async () => {
    const socket = await connect().subscribe({ since: app.tail.lastSeq + 1000 });
    expect(socket.frames.slice(0, 2)).toEqual([
      { op: 'resync', reason: 'unknown-position' },
      { op: 'ready', seq: app.tail.lastSeq },
    ]);
    await app.publish({ summary: 'live' });
    await socket.until(() => socket.events.length === 1);
    expect(summaries(socket)).toEqual(['live']);
  });

  it('says resync when the events after since are no longer kept', async () => {
    await app.publish({ summary: 'old' }, { summary: 'newer' });
    await app.settled();
    const since = app.tail.lastSeq - 2;
    await db.database.query('DELETE FROM events WHERE seq <= $1', [since + 1]);
    const fresh = await openStreamApp(db.database, { roles: new Set(['api']) });
    Object.assign(fresh.tail, {
      recentEvents: new (await import('./recent-events.js')).RecentEvents(since + 2),
    });
    fresh.tokens.issue('owner', 'all');
    const late = fresh.socket('owner');
    const inTime = fresh.socket('owner');
    open.push(late, inTime);
    await late.subscribe({ since });
    expect(late.frames[0]).toEqual({ op: 'resync', reason: 'window-passed' });
    expect(late.events).toEqual([]);
    await inTime.subscribe({ since: since + 1 });
    expect(inTime.frames.map((frame) => frame.op)).toEqual(['event', 'ready']);
    await fresh.close();
  });

  it('says resync when the database was replaced by another one', async () => {
    const own = await openTestDatabase();
    const other = await openStreamApp(own.database);
    other.tokens.issue('owner', 'all');
    const socket = other.socket('owner');
    open.push(socket);
    await socket.subscribe();
    await other.publish({ summary: 'before' });
    await socket.until(() => socket.events.length === 1);
    await own.database.query('UPDATE relay_state SET epoch = gen_random_uuid()');
    await other.tail.catchUp();
    await socket.until(() => socket.count('ready') === 2);
    expect(socket.frames.slice(-2)).toEqual([
      { op: 'resync', reason: 'stream-restarted' },
      { op: 'ready', seq: other.tail.lastSeq },
    ]);
    await other.close();
    await own.close();
  });
});

describe('what the tail is not told of', () => {
  it('is found by reading: the hand-over of a relay that was killed after its commit', async () => {
    const silent = new EventTail(db.database, app.wakeups, {
      onStamped: () => () => true,
    } as never);
    await silent.start();
    const got: string[] = [];
    eachEvent(silent, (event) => void got.push(event.summary));
    await app.publish({ summary: 'numbered, never handed over' });
    await app.settled();
    await silent.catchUp();
    expect(got).toEqual(['numbered, never handed over']);
    await silent.stop();
  });

  it('is read first when a later hand-over does come', async () => {
    let handOver: (rows: EventRow[]) => void = () => undefined;
    const relay = { onStamped: (listener: typeof handOver) => ((handOver = listener), () => true) };
    const tail = new EventTail(db.database, app.wakeups, relay as never, { pollMs: 1e6 });
    const deaf = app.wakeups.on;
    app.wakeups.on = () => () => false;
    await tail.start();
    app.wakeups.on = deaf;
    const got: string[] = [];
    eachEvent(tail, (event) => void got.push(event.summary));
    const rows: EventRow[] = [];
    const off = app.relay.onStamped((stamped) => rows.push(...stamped));
    await app.publish({ summary: 'hand-over lost' }, { summary: 'handed over' });
    await app.settled();
    handOver(rows.slice(1));
    await tail.catchUp();
    expect(got).toEqual(['hand-over lost', 'handed over']);
    off();
    await tail.stop();
  });

  it('reaches everybody once, although it comes both ways', async () => {
    const got: number[] = [];
    const off = eachEvent(app.tail, (event) => void got.push(event.seq));
    const from = app.tail.lastSeq;
    await Promise.all(
      numbers(20).map(async (n) => {
        await app.publish({ summary: `${n}` });
        await app.tail.catchUp();
      }),
    );
    await app.settled();
    expect(got).toEqual(numbers(20).map((n) => from + n));
    off();
  });

  it('keeps no event from the others when one subscriber throws', async () => {
    const got: string[] = [];
    const offs = [
      eachEvent(app.tail, () => {
        throw new Error('a subscriber fails');
      }),
      eachEvent(app.tail, (event) => void got.push(event.summary)),
    ];
    await app.publish({ summary: 'for all' });
    await app.settled();
    expect(got).toEqual(['for all']);
    for (const off of offs) off();
  });
});

describe('who gets what', () => {
  it('keeps the events of other projects, and of none, from those who may read tasks in one', async () => {
    app.tokens.issue('member', ['apollo']);
    const from = app.tail.lastSeq;
    const socket = await connect('member').subscribe();
    await app.publish(
      { projectId: 'gemini', summary: 'foreign' },
      { projectId: null, summary: 'of no project' },
      { projectId: 'apollo', summary: 'own' },
    );
    await socket.until(() => socket.events.length > 0);
    expect(summaries(socket)).toEqual(['own']);
    const resumed = await connect('member').subscribe({ since: from });
    expect(summaries(resumed)).toEqual(['own']);
  });

  it('answers the trace of another project like one that does not exist', async () => {
    app.tokens.issue('member', ['apollo']);
    const traceId = newTrace();
    await app.publish({ traceId, projectId: 'gemini', summary: 'foreign' });
    await app.settled();
    const foreign = await connect('member').subscribe({ traceId });
    const unknown = await connect('member').subscribe({ traceId: newTrace() });
    expect(foreign.frames).toEqual(unknown.frames);
  });

  it('follows a changed role while the stream is open', async () => {
    app.tokens.issue('promoted', ['apollo']);
    const socket = await connect('promoted').subscribe();
    app.tokens.issue('promoted', ['apollo', 'gemini']);
    await rechecked();
    await app.publish({ projectId: 'gemini', summary: 'now seen' });
    await socket.until(() => socket.events.length > 0);
    app.tokens.issue('promoted', ['gemini']);
    await rechecked();
    await app.publish(
      { projectId: 'apollo', summary: 'gone' },
      { projectId: 'gemini', summary: 'kept' },
    );
    await socket.until(() => socket.events.length === 2);
    expect(summaries(socket)).toEqual(['now seen', 'kept']);
  });

  it('ends the stream of a session that was revoked, and tells it nothing more', async () => {
    app.tokens.issue('leaver', 'all');
    const socket = await connect('leaver').subscribe();
    const answer = await sse('/agent/events', 'leaver');
    app.tokens.principals.delete('leaver');
    await rechecked();
    await app.publish({ summary: 'too late' });
    expect(await socket.closed).toEqual({ code: 4401, reason: 'session ended' });
    expect(await answer.rest()).toContain('"reason":"session ended"');
    expect(socket.events).toEqual([]);
  });

  it('ends the stream of someone who may read no tasks any more', async () => {
    app.tokens.issue('demoted', 'all');
    const socket = await connect('demoted').subscribe();
    app.tokens.issue('demoted', 'all', 'agent.read');
    app.wakeups.wake('control');
    expect((await socket.closed).code).toBe(4401);
  });
});

describe('the upgrade', () => {
  it('is refused with 401 to nobody we know', async () => {
    const { status, headers, body } = await connect('forged').refusal();
    expect(status).toBe(401);
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
    const problem = JSON.parse(body) as Problem;
    expect(problem).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(problem.detail).toContain('Send a token');
    expect(headers['traceparent']).toContain(problem.traceId);
  });

  it('is refused with 403 to someone who may read no tasks', async () => {
    app.tokens.issue('useless', 'all', 'agent.read');
    expect((await connect('useless').refusal()).status).toBe(403);
  });

  it.each([
    ['a foreign origin', { origin: 'http://evil.example' }],
    ['the null origin', { origin: 'null' }],
    ['an origin that only begins like ours', { origin: 'http://127.0.0.1.evil.example' }],
    ['a Host that is not ours', { host: 'evil.example' }],
  ])('is refused with 403 to %s, with a valid token too', async (_, headers) => {
    const { status, body } = await connect('owner', headers).refusal();
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ code: 'origin_refused' });
  });

  it.each([
    ['two hosts are named, of which one is ours', ['Host: evil.example']],
    ['two tokens are shown, of which one is good', ['authorization: Bearer other']],
    ['the same token is shown twice', ['Authorization: Bearer owner']],
  ])('is refused with 400 where %s, as over HTTP', async (_, more) => {
    const { host, port } = new URL(app.baseUrl);
    const shown = [`Host: ${host}`, 'Authorization: Bearer owner'];
    for (const headers of [
      [...shown, ...more],
      [...more, ...shown],
    ]) {
      const socket = connectTcp(Number(port), '127.0.0.1');
      socket.write(
        [
          ...['GET /agent/events HTTP/1.1', ...headers],
          ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
          ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''],
        ].join('\r\n'),
      );
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(first.toString()).toMatch(/^HTTP\/1.1 400 [^]*"malformed_request"/);
      socket.destroy();
    }
  });

  it.each([
    [
      'of another version',
      'Sec-WebSocket-Version: 12',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ],
    ['without a key', 'Sec-WebSocket-Version: 13', 'X: y'],
  ])('is refused as every other bad request when it is %s', async (_, ...headers) => {
    const { host, port } = new URL(app.baseUrl);
    const socket = connectTcp(Number(port), '127.0.0.1');
    socket.write(
      [
        ...['GET /agent/events HTTP/1.1', `Host: ${host}`, 'Authorization: Bearer owner'],
        ...['Connection: Upgrade', 'Upgrade: websocket', ...headers, '', ''],
      ].join('\r\n'),
    );
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ code: 'malformed_request' });
  });

  it.each(['/agent/events', '/agent/nothing'])(
    'is passed over where it is to HTTP/2, as Java offers it with any request: %s',
    async (path) => {
      const { host, port } = new URL(app.baseUrl);
      const socket = connectTcp(Number(port), '127.0.0.1');
      socket.write(
        [
          ...[`POST ${path} HTTP/1.1`, `Host: ${host}`, 'Authorization: Bearer owner'],
          ...['Connection: Upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: AAEA'],
          ...['Content-Type: application/json', 'Content-Length: 2', '', '{}'],
        ].join('\r\n'),
      );
      const { status, code } = JSON.parse((await text(socket)).split('\r\n\r\n')[1]!) as Problem;
      expect([status, code]).toEqual(
        path === '/agent/events' ? [405, 'method_not_allowed'] : [404, 'not_found'],
      );
    },
  );

  it('is 404 on any other path', async () => {
    const socket = new WebSocket(`${app.baseUrl.replace('http', 'ws')}/agent/nothing`);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(404);
    expect(JSON.parse(await text(response))).toMatchObject({
      code: 'not_found',
      detail: 'There is no WebSocket here. Events are at /agent/events.',
    });
  });

  it('is at the same path with a slash behind it, as every route', async () => {
    const socket = new WebSocket(`${app.baseUrl.replace('http', 'ws')}/agent/events/?x=1`);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(401);
  });

  it('is let through from our own origin', async () => {
    const socket = await connect('owner', { origin: app.baseUrl }).subscribe();
    expect(socket.count('ready')).toBe(1);
  });

  it('is written to the audit trail when it is refused', async () => {
    await connect('owner', { origin: 'http://audited.example' }).refusal();
    const rows = await db.database.query(
      `SELECT resource, outcome, diff FROM audit_logs WHERE resource = 'ws:/agent/events' ORDER BY id DESC LIMIT 1`,
    );
    expect(rows[0]).toMatchObject({ outcome: 'denied', diff: { code: 'origin_refused' } });
  });

  it('is refused with 429 beyond the number of streams that one may have', async () => {
    const small = await openStreamApp(db.database, {
      hub: { mostPerPrincipal: 2 },
      roles: new Set(['api']),
    });
    small.tokens.issue('greedy', 'all');
    small.tokens.issue('modest', 'all');
    const sockets = [small.socket('greedy'), small.socket('greedy')];
    open.push(...sockets);
    for (const socket of sockets) await socket.opened();
    const third = small.socket('greedy');
    expect((await third.refusal()).status).toBe(429);
    const other = small.socket('modest');
    open.push(other);
    await other.opened();
    sockets[0]!.close();
    await sockets[0]!.closed;
    await small.close();
  });
});

describe('bad frames', () => {
  it.each([
    ['not JSON', '{nope', 'not JSON: send {"op":"subscribe"}'],
    ['an unknown op', '{"op":"drop"}', 'unknown op: send {"op":"subscribe"}'],
    [
      'a long unknown key',
      `{"op":"subscribe","${'键'.repeat(200)}":1}`,
      'subscribe: a key is not known here',
    ],
    ['no object', '[]', 'unknown op: send {"op":"subscribe"}'],
    ['an unknown key', '{"op":"subscribe","rooms":["all"]}', 'subscribe: rooms is not known here'],
    [
      'a raw type',
      '{"op":"subscribe","types":["tool.call"]}',
      'subscribe: types takes a list of value types, such as task.receipt',
    ],
    [
      'a since that is no number',
      '{"op":"subscribe","since":"1"}',
      'subscribe: since takes the seq of an event, a whole number from 0',
    ],
    [
      'a negative since',
      '{"op":"subscribe","since":-1}',
      'subscribe: since takes the seq of an event, a whole number from 0',
    ],
  ])('end the connection: %s', async (_, frame, reason) => {
    const socket = await connect().opened();
    socket.ws.send(frame);
    expect(await socket.closed).toEqual({ code: 1008, reason });
  });

  it('end the connection: binary', async () => {
    const socket = await connect().opened();
    socket.ws.send(Buffer.from('{"op":"subscribe"}'));
    expect((await socket.closed).code).toBe(1008);
  });

  it('go on over an answer to a ping, which says nothing', async () => {
    const socket = await connect().opened();
    socket.ws.send('{"op":"pong"}');
    await socket.subscribe();
    await app.publish({ summary: 'after the pong' });
    await socket.until(() => socket.events.length === 1);
  });

  it('end the connection: 1 MB', async () => {
    const socket = await connect().opened();
    socket.ws.send(JSON.stringify({ op: 'subscribe', traceId: 'x'.repeat(1024 * 1024) }));
    expect((await socket.closed).code).toBe(1009);
  });

  it('end the connection: thousands of subscribes', async () => {
    const socket = await connect().opened();
    for (let sent = 0; sent < 10_000; sent++) socket.ws.send('{"op":"subscribe"}');
    expect(await socket.closed).toEqual({ code: 1008, reason: 'too many subscribes' });
  });

  it('leave other connections alone', async () => {
    const other = await connect().subscribe();
    const socket = await connect().opened();
    socket.ws.send('{nope');
    await socket.closed;
    await app.publish({ summary: 'still there' });
    await other.until(() => other.events.length === 1);
  });
});

describe('a client that stops reading', () => {
  it('is put off as slow, while the others get everything', async () => {
    const own = await openTestDatabase();
    const strict = await openStreamApp(own.database, {
      hub: { stallMs: 200, mostPendingBytes: 64 * 1024 },
    });
    strict.tokens.issue('owner', 'all');
    const [stuck, reader] = [strict.socket('owner'), strict.socket('owner')];
    open.push(stuck, reader);
    await stuck.subscribe();
    await reader.subscribe();
    stuck.ws.pause();
    const payload = { text: 'x'.repeat(7_000) };
    let published = 0;
    while (strict.hub.metrics().connections === 2) {
      await strict.publish(...numbers(50).map((n) => ({ summary: `${published + n}`, payload })));
      published += 50;
      await anotherTurn();
    }
    await reader.until(() => reader.events.length === published);
    expect(summaries(reader)).toEqual(numbers(published).map(String));
    stuck.ws.resume();
    expect(await stuck.closed).toEqual({ code: 4008, reason: 'slow' });
    await strict.close();
    await own.close();
  }, 60_000);

  it('goes on without a gap when it was only late', async () => {
    const own = await openTestDatabase();
    const lenient = await openStreamApp(own.database, { hub: { mostPendingBytes: 64 * 1024 } });
    lenient.tokens.issue('owner', 'all');
    const socket = lenient.socket('owner');
    open.push(socket);
    await socket.subscribe();
    socket.ws.pause();
    const payload = { text: 'x'.repeat(7_000) };
    let published = 0;
    while (lenient.hub.metrics().behind === 0) {
      await lenient.publish(...numbers(50).map((n) => ({ summary: `${published + n}`, payload })));
      published += 50;
      await lenient.settled();
      await anotherTurn();
    }
    socket.ws.resume();
    await socket.until(() => socket.events.length >= published);
    expect(summaries(socket)).toEqual(numbers(published).map(String));
    expect(socket.count('ready')).toBe(1);
    await lenient.close();
    await own.close();
  }, 60_000);
});

describe('server-sent events', () => {
  it('bring events with their seq as id, and no event field', async () => {
    const traceId = newTrace();
    const stream = await sse(`/agent/events?traceId=${traceId}&types=task.receipt,task.acceptance`);
    expect(stream.headers['content-type']).toMatch(/^text\/event-stream/);
    await stream.until((text) => text.includes(': ready'));
    await app.publish(
      { traceId, summary: 'another type' },
      { traceId, type: 'task.receipt', summary: 'done' },
    );
    const text = await stream.until((so) => so.includes('"done"'));
    expect(text).toMatch(/^retry: \d+$/m);
    const block = text.split('\n\n').find((each) => each.includes('data:'))!;
    expect(block).toMatch(/^id: \d+\ndata: \{.*\}$/);
    const event = JSON.parse(/data: (.*)/.exec(block)![1]!) as { seq: number; summary: string };
    expect(block.startsWith(`id: ${event.seq}\n`)).toBe(true);
    expect(event.summary).toBe('done');
    stream.close();
  });

  it('resume from Last-Event-ID, which goes before since', async () => {
    const traceId = newTrace();
    await app.publish(...[1, 2, 3].map((n) => ({ traceId, summary: `${n}` })));
    await app.settled();
    const last = app.tail.lastSeq;
    const bySince = await sse(`/agent/events?traceId=${traceId}&since=${last - 2}`);
    const byHeader = await sse(`/agent/events?traceId=${traceId}&since=0`, 'owner', {
      'last-event-id': String(last - 1),
    });
    const got = async (stream: Sse) =>
      [
        ...(await stream.until((text) => text.includes(': ready'))).matchAll(/"summary":"(\d)"/g),
      ].map((match) => match[1]);
    expect(await got(bySince)).toEqual(['2', '3']);
    expect(await got(byHeader)).toEqual(['3']);
    bySince.close();
    byHeader.close();
  });

  it('say resync by name, where onmessage does not see it', async () => {
    const stream = await sse(`/agent/events?since=${app.tail.lastSeq + 1000}`);
    await stream.until((text) =>
      text.includes('event: resync\ndata: {"op":"resync","reason":"unknown-position"}\n\n'),
    );
    stream.close();
  });

  it('are refused without a sign-in, with unknown keys, raw types and a bad Last-Event-ID', async () => {
    expect((await sse('/agent/events', 'forged')).status).toBe(401);
    expect((await sse('/agent/events?rooms=all')).status).toBe(400);
    expect((await sse('/agent/events?types=tool.call')).status).toBe(400);
    expect((await sse('/agent/events', 'owner', { 'last-event-id': '1; DROP' })).status).toBe(400);
    expect((await sse('/agent/events', 'owner', { origin: 'http://evil.example' })).status).toBe(
      403,
    );
  });
});

describe('signs of life', () => {
  it('go to both kinds while nothing happens', async () => {
    const lively = await openStreamApp(db.database, {
      hub: { heartbeatMs: 20 },
      roles: new Set(['api']),
    });
    lively.tokens.issue('owner', 'all');
    const socket = lively.socket('owner');
    open.push(socket);
    await socket.subscribe();
    await socket.until(() => socket.count('ping') >= 2);
    const stream = await sse('/agent/events', 'owner', {}, lively.baseUrl);
    await stream.until((text) => text.includes(': ping'));
    stream.close();
    await lively.close();
  });
});

describe('stopping', () => {
  it('says going away to every stream and does not wait for them', async () => {
    const short = await openStreamApp(db.database, { roles: new Set(['api']) });
    short.tokens.issue('owner', 'all');
    const socket = await short.socket('owner').subscribe();
    const stream = await sse('/agent/events', 'owner', {}, short.baseUrl);
    await short.close();
    expect(await socket.closed).toEqual({ code: 1001, reason: 'going away' });
    expect(await stream.rest()).toContain('"reason":"going away"');
  });
});

const onServer = isNative ? describe : describe.skip; // one process only on PGlite: AOS_TEST_DB=native, which npm test also runs
onServer('several processes on one database', () => {
  it('bring an event written in one to the clients of another', async () => {
    const other = await openStreamApp(db.database, { roles: new Set(['api']) });
    other.tokens.issue('owner', 'all');
    const socket = other.socket('owner');
    open.push(socket);
    await socket.subscribe();
    await app.publish({ summary: 'from next door' });
    await socket.until(() => socket.events.length === 1);
    await other.close();
  });

  it('find the event by polling when the listening connection was cut', async () => {
    const other = await openStreamApp(db.database, { roles: new Set(['api']) });
    other.tokens.issue('owner', 'all');
    const socket = other.socket('owner');
    open.push(socket);
    await socket.subscribe();
    await db.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'aos-listener' AND datname = current_database()`,
    );
    await app.publish({ summary: 'in the gap' });
    await socket.until(() => socket.events.length === 1);
    expect(summaries(socket)).toEqual(['in the gap']);
    await other.close();
  });
});

/** PGlite answers within the turn of the event loop, so that a loop over it alone lets no socket move. */
const anotherTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Everybody who is connected has been looked at once more. */
async function rechecked(): Promise<void> {
  const hub = app.hub as unknown as { recheck(): Promise<void> };
  await hub.recheck();
}

interface Sse {
  status: number;
  headers: Record<string, unknown>;
  until(isSo: (text: string) => boolean): Promise<string>;
  rest(): Promise<string>;
  close(): void;
}

async function sse(
  path: string,
  token = 'owner',
  headers: Record<string, string> = {},
  baseUrl = app.baseUrl,
): Promise<Sse> {
  const sent = request(baseUrl + path, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    agent: false,
  }).end();
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  let isEnded = false;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    response.emit('told');
  });
  response.on('close', () => {
    isEnded = true;
    response.emit('told');
  });
  response.on('error', () => undefined); // cut off by the server or by the test: `close` follows
  if (response.statusCode !== 200) sent.destroy();
  return {
    status: response.statusCode!,
    headers: response.headers,
    async until(isSo) {
      while (!isSo(text)) {
        if (isEnded) throw new Error(`the stream ended with: ${text}`);
        await once(response, 'told');
      }
      return text;
    },
    async rest() {
      while (!isEnded) await once(response, 'told');
      return text;
    },
    close: () => sent.destroy(),
  };
}
