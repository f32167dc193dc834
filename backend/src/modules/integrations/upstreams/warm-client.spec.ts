import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { controlledClock, startToolServer } from '../chain/testing.js';
import { admin } from '../testing.js';
import type { ClientSide } from './client-side.js';
import { dialOf } from './dial.js';
import { type Dial, type Health, WarmClient } from './warm-client.js';

/**
 * A connection to a server that the test stops, starts and breaks. `dialled` counts the attempts to connect; the
 * pauses between them are the test's to let pass.
 */
let server: Server | undefined;
let port: number;
let calls: number;
let onCall: (id: number, request: IncomingMessage, response: ServerResponse) => void;
let dialled: number;
let healths: Health[];
let upstream: WarmClient;
let clock: ReturnType<typeof controlledClock>;

beforeEach(async () => {
  clock = controlledClock();
  [port, calls, dialled, healths, onCall] = [0, 0, 0, [], answers];
  await listen();
  upstream = clientOf(dialServer);
});
afterEach(async () => {
  await upstream.close();
  await stop();
  jest.restoreAllMocks();
});

const clientOf = (dial: Dial, more: object = {}) =>
  new WarmClient({
    server: 'x',
    dial: (...args) => {
      dialled++;
      return dial(...args);
    },
    onHealth: (health) => void healths.push(health),
    ...more,
  });
const dialServer: Dial = (...args) => {
  const route = {
    name: 'x',
    transport: 'http' as const,
    command: null,
    args: [],
    authSecret: null,
  };
  const url = `http://127.0.0.1:${port}/mcp`;
  return dialOf({ ...route, url }, { dataDir: '' } as never, () => Promise.resolve(''))(...args);
};

async function listen(): Promise<void> {
  server = createServer((request, response) => void receive(request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
}

async function stop(): Promise<void> {
  server?.closeAllConnections();
  await new Promise((done) => (server ? server.close(done) : done(undefined)));
  server = undefined;
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const { id, method } = JSON.parse(text || '{}') as { id?: number; method?: string };
  if (id === undefined) return void response.writeHead(request.method === 'POST' ? 202 : 405).end();
  if (method === 'tools/call') {
    calls++;
    return onCall(id, request, response);
  }
  if (method === 'ping' && onPing) return onPing(response);
  const serverInfo = { name: 'x', version: '1' };
  const greeting = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
  say(response, method === 'initialize' ? { id, result: greeting } : { id, error: unknown });
}

let onPing: ((response: ServerResponse) => void) | undefined;

const unknown = { code: -32601, message: 'Method not found' };
const say = (response: ServerResponse, message: object) =>
  void response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', ...message }));
const answers: typeof onCall = (id, _request, response) =>
  say(response, { id, result: { content: [] } });
const breaks: typeof onCall = (_id, request) => void request.socket.destroy();

const call = (more: { mayRepeat?: boolean; timeoutMs?: number; signal?: AbortSignal } = {}) =>
  upstream.call({
    ...{ definition: { name: 'a', inputSchema: { type: 'object' } }, args: {}, meta: {} },
    ...{ timeoutMs: 10_000, signal: new AbortController().signal, mayRepeat: false },
    caller: { ctx: admin(), run: undefined, idempotencyKey: '', timeoutMs: 10_000 },
    ...more,
  });
const refusal = () =>
  call().then(
    () => undefined,
    (error: { kind: string; message: string; retryAfterSeconds?: number }) => error,
  );

describe('a server that is down', () => {
  beforeEach(() => stop());

  it('is tried again at once after its first failure, and then only after a pause that is told', async () => {
    expect(await refusal()).toMatchObject({ kind: 'unreachable', mayHaveHappened: false });
    await refusal();
    expect(dialled).toBe(2);
    const refused = await refusal();
    expect(refused).toMatchObject({ kind: 'unreachable', retryAfterSeconds: 1 });
    expect(refused?.message).toContain('the next attempt is made in 1 s');
    for (let i = 0; i < 20; i++) await refusal();
    expect(dialled).toBe(2);
  });

  it('is let be for longer each time, up to half a minute, by no two clients for the same', async () => {
    jest.restoreAllMocks();
    let now = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    await refusal();
    await refusal();
    const pauses: number[] = [];
    while (dialled < 14) {
      const failures = dialled;
      const longest = Math.min(30_000, 250 * 2 ** (failures - 1));
      let waited = 0;
      for (; dialled === failures && waited <= longest; waited += longest / 50) {
        now += longest / 50;
        await refusal();
      }
      expect(dialled).toBe(failures + 1);
      pauses.push(waited / longest);
    }
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(0.5);
    expect(new Set(pauses.map((part) => part.toFixed(2))).size).toBeGreaterThan(2);
  });

  it('is found again, and its failures are forgotten once the connection has held', async () => {
    for (let i = 0; i < 6; i++) {
      clock.pass(60_000);
      await refusal();
    }
    await listen();
    clock.pass(60_000);
    await call();
    clock.pass(2_001);
    await stop();
    // As if it had never been down: tried at once, and once more.
    const before = dialled;
    await refusal();
    await refusal();
    expect(dialled).toBeGreaterThan(before);
    await listen();
    clock.pass(600);
    await call();
  });

  it('costs those who come together one attempt', async () => {
    await Promise.all(Array.from({ length: 10 }, refusal));
    expect(dialled).toBe(1);
  });
});

describe('a connection that breaks under a call', () => {
  beforeEach(async () => {
    await call();
    clock.pass(60_000);
    calls = 0;
  });

  it('is a reason to make the call again only where that does no harm, and once', async () => {
    onCall = breaks;
    await expect(call()).rejects.toMatchObject({ kind: 'connection_lost', mayHaveHappened: true });
    expect(calls).toBe(1);
    onCall = answers;
    await call();
    clock.pass(60_000);
    calls = 0;
    onCall = (...args) => (calls === 1 ? breaks(...args) : answers(...args));
    await call({ mayRepeat: true });
    expect(calls).toBe(2);
  });

  it('is not made again for ever', async () => {
    onCall = breaks;
    await expect(call({ mayRepeat: true })).rejects.toMatchObject({ kind: 'connection_lost' });
    expect(calls).toBe(2);
  });

  it('is no such reason where the server has answered, if with a failure', async () => {
    onCall = (_id, _request, response) => void response.writeHead(500).end();
    await expect(call({ mayRepeat: true })).rejects.toMatchObject({
      kind: 'unreachable',
      mayHaveHappened: true,
    });
    expect(calls).toBe(1);
  });

  it('makes the call again that the server did not take, since it knows the connection no more', async () => {
    onCall = (id, request, response) =>
      dialled === 1 ? void response.writeHead(404).end() : answers(id, request, response);
    await call();
    expect(dialled).toBe(2);
  });
});

it('a connection that has held for a while may go without a pause, whatever came before', async () => {
  let lose!: () => Promise<void>;
  upstream = clientOf(async (...args) => {
    const made = await dialServer(...args);
    lose = () => made.client.close(); // as when its process ends
    return made;
  });
  await call();
  await lose();
  await call();
  clock.pass(2_000);
  await lose();
  await call();
  expect(dialled).toBe(3);
});

describe('a request that fails over a connection that others use', () => {
  const status =
    (code: number): typeof onCall =>
    (_id, _request, response) =>
      void response.writeHead(code).end();
  const none: typeof onCall = (_id, _request, response) =>
    void response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
  /** Which connections, by their number. */
  let closed: number[];
  let held: (() => void)[];

  /** Two calls that the server has taken; it fails at every other. */
  async function twoUnderWay(fails: typeof onCall, more: object = {}) {
    [closed, held] = [[], []];
    upstream = clientOf(async (...args) => {
      const [made, number] = [await dialServer(...args), dialled];
      const close = made.client.close.bind(made.client);
      jest.spyOn(made.client, 'close').mockImplementation(() => (closed.push(number), close()));
      return made;
    }, more);
    await call();
    clock.pass(60_000);
    onCall = (id, request, response) => {
      if (held.length === 2) return fails(id, request, response);
      held.push(() => answers(id, request, response));
    };
    const others = [call(), call()];
    for (const each of others) each.catch(() => undefined); // looked at by the test
    while (held.length < 2) await new Promise((turn) => setImmediate(turn));
    return others;
  }

  it.each([
    ['a stream without the answer', none],
    ['a failure of the server', status(500)],
    ['a refusal', status(403)],
    ['the end of its own socket', breaks],
  ])('costs them nothing: %s', async (_, fails) => {
    const others = await twoUnderWay(fails);
    await expect(call()).rejects.toMatchObject({ name: 'UpstreamFault' });
    clock.pass(60_000);
    onCall = answers;
    await call();
    const last = dialled;
    expect(last).toBeGreaterThan(1);
    expect(closed).not.toContain(1);
    for (const answer of held) answer();
    expect(await Promise.all(others)).toHaveLength(2);
    // The one that nobody uses any more, and not the one that has taken its place.
    expect(closed).toContain(1);
    expect(closed).not.toContain(last);
    await call();
    expect(dialled).toBe(last);
  });

  it.each([
    ['a failure of the server', status(500)],
    ['a refusal', status(403)],
    ['the end of its own socket', breaks],
  ])('closes the server to no other call, however often it comes to %s', async (_, fails) => {
    for (let i = 0; i < 6; i++) {
      onCall = fails;
      await expect(call()).rejects.toMatchObject({ name: 'UpstreamFault' });
      onCall = answers;
      await call(); // at once, though no connection has held for long
    }
  });

  it.each([
    [429, '7', 7, false],
    [429, undefined, 1, false],
    [429, 'soon', 1, false],
    [429, '99999999', 3600, false],
    [503, '7', 7, true],
  ])(
    'is told when to come back, and loses nobody the connection, by a busy server (%i, %s)',
    async (code, after, retryAfterSeconds, mayHaveHappened) => {
      const others = await twoUnderWay((_id, _request, response) => {
        response.writeHead(code, after === undefined ? {} : { 'retry-after': after }).end();
      });
      calls = 0;
      await expect(call({ mayRepeat: true })).rejects.toMatchObject({
        kind: 'unreachable',
        ...{ retryAfterSeconds, mayHaveHappened },
      });
      expect([calls, dialled]).toEqual([1, 1]);
      for (const answer of held) answer();
      expect(await Promise.all(others)).toHaveLength(2);
      expect(healths).toMatchObject([{ state: 'healthy' }]);
    },
  );

  it.each([
    [429, {}, 1],
    [429, { 'retry-after': '7' }, 1],
    [503, {}, 2],
  ])(
    'that answers a look at its health with %i and %o keeps its connection where it says that it is busy',
    async (status, headers, dials) => {
      onCall = answers;
      await call();
      onPing = (response) => void response.writeHead(status, headers).end();
      expect(await upstream.probe(5000)).toBe(false);
      onPing = undefined;
      await call();
      expect(dialled).toBe(dials);
    },
  );

  it('reads the date at which a busy server wants to be asked again', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-11-27T10:00:00Z'));
    onCall = (_id, _request, response) => {
      response.writeHead(429, { 'retry-after': 'Fri, 27 Nov 2026 10:01:30 GMT' }).end();
    };
    expect(await refusal()).toMatchObject({ retryAfterSeconds: 90 });
  });

  it('is none where the answer begins with a mark of its byte order', async () => {
    onCall = (id, _request, response) => {
      const answer = JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } });
      response.writeHead(200, { 'content-type': 'application/json' }).end('\ufeff' + answer);
    };
    expect(await call()).toEqual({ content: [] });
  });

  it('ends them at once where the connection is a process that is ended with it', async () => {
    const others = await twoUnderWay(none, { dropWhenSilent: true });
    await expect(call()).rejects.toMatchObject({ kind: 'connection_lost' });
    expect(closed).toEqual([1]);
    for (const each of others)
      await expect(each).rejects.toMatchObject({ kind: 'connection_lost' });
  });

  it.each([
    ['not JSON', '{"jsonrpc":'],
    ['nothing', ''],
    ['no message', '{"jsonrpc":"2.0","id":1,"result":null}'],
    ['an answer to nobody', '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}'],
  ])('is not lost by one answer that is %s', async (_, text) => {
    const others = await twoUnderWay((_id, _request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    });
    for (let i = 0; i < 3; i++)
      await expect(call()).rejects.toMatchObject({ kind: 'protocol', mayHaveHappened: true });
    onCall = answers;
    await call(); // at once: nothing is to be waited for
    for (const answer of held) answer();
    expect(await Promise.all(others)).toHaveLength(2);
    expect([dialled, closed]).toEqual([1, []]);
    expect(healths).toMatchObject([{ state: 'healthy' }]);
  });

  it('does not keep them when the server is closed', async () => {
    const others = await twoUnderWay(none);
    await expect(call()).rejects.toMatchObject({ kind: 'connection_lost' });
    await upstream.close();
    for (const each of others)
      await expect(each).rejects.toMatchObject({ kind: 'connection_lost' });
    expect(closed).toEqual([1]);
  });
});

it('a server that takes no call over a new connection either is not asked once more', async () => {
  onCall = (_id, _request, response) => void response.writeHead(404).end();
  await expect(call()).rejects.toMatchObject({ kind: 'unreachable', mayHaveHappened: false });
  expect(dialled).toBe(1);
});

it('a call that went nowhere since the server is gone has certainly done nothing', async () => {
  await call();
  clock.pass(60_000);
  await stop();
  await expect(call()).rejects.toMatchObject({ kind: 'unreachable', mayHaveHappened: false });
  expect(calls).toBe(1);
});

describe('a connection that is being made', () => {
  /** One that takes until the test says so. */
  function slowly() {
    let begun!: (signal: AbortSignal) => void;
    const signal = new Promise<AbortSignal>((done) => (begun = done));
    let go!: () => void;
    const gate = new Promise<void>((done) => (go = done));
    upstream = clientOf(async (until, prepare) => {
      begun(until);
      await Promise.race([
        gate,
        once(until, 'abort').then(() => Promise.reject(until.reason as Error)),
      ]);
      return dialServer(until, prepare);
    });
    return { signal, go };
  }

  it('is waited for by each for its own time only, and cut short for none of the others', async () => {
    const { signal, go } = slowly();
    const patient = call();
    await expect(call({ timeoutMs: 20 })).rejects.toMatchObject({
      kind: 'timeout',
      mayHaveHappened: false,
    });
    const caller = new AbortController();
    const leaving = call({ signal: caller.signal });
    caller.abort();
    await expect(leaving).rejects.toMatchObject({ kind: 'cancelled', mayHaveHappened: false });
    expect((await signal).aborted).toBe(false);
    go();
    await patient;
    expect([dialled, calls]).toEqual([1, 1]);
  });

  it('is given up when the server is closed, which then is not connected again', async () => {
    const { signal } = slowly();
    const waiting = expect(call()).rejects.toMatchObject({ kind: 'unreachable' });
    await signal;
    await upstream.close();
    await waiting;
    expect((await signal).aborted).toBe(true);
    expect((await refusal())?.message).toContain('is being shut down');
    expect(dialled).toBe(1);
  });

  it('is closed at once where the server was closed in the last moment', async () => {
    let closed = false;
    upstream = clientOf(async (until, prepare) => {
      const made = await dialServer(until, prepare);
      const { onclose } = made.client;
      made.client.onclose = () => {
        closed = true;
        onclose?.();
      };
      void upstream.close();
      return made;
    });
    await expect(call()).rejects.toMatchObject({ kind: 'unreachable' });
    expect([closed, calls]).toEqual([true, 0]);
  });
});

it('what a server says of its failure is told without what it was shown', async () => {
  upstream = clientOf(() => Promise.reject(new Error('canary-77 is not welcome')), {
    redact: (text: string) => text.replace('canary-77', '[secret KEY]'),
  });
  const said = [await refusal(), await refusal(), await refusal()].map((each) => each?.message);
  expect(JSON.stringify([said, healths])).not.toContain('canary-77');
  expect(healths[0]).toEqual({ state: 'unhealthy', error: '[secret KEY] is not welcome' });
});

describe('a server that has answered with a question', () => {
  const question = { method: 'roots/list', params: {} };
  let asking: Awaited<ReturnType<typeof startToolServer>>;
  let log: string[];
  beforeEach(async () => {
    log = [];
    asking = await startToolServer([{ name: 'a' }]);
    asking.isModern = true;
    asking.onCall = ({ inputResponses }) => {
      log.push('called');
      return inputResponses
        ? { resultType: 'complete', content: [] }
        : { resultType: 'input_required', inputRequests: { where: question } };
    };
    port = Number(new URL(asking.url).port);
  });
  afterEach(() => asking.stop());

  const place = {
    leave: () => void log.push('left'),
    comeBack: () => Promise.resolve(void log.push('back')),
  };
  const withAsk = (ask: () => Promise<unknown>, more: object = {}) =>
    call({
      client: { capabilities: { roots: {} }, takesQuestions: false, ask } as unknown as ClientSide,
      place,
      ...more,
    } as object);

  it('has nothing of the call until that has its place again', async () => {
    await withAsk(() => (log.push('asked'), Promise.resolve({ roots: [] })));
    expect(log).toEqual(['called', 'left', 'asked', 'back', 'called']);
  });

  it('is neither blamed nor called again for a client that gives no answer', async () => {
    const gone = () => Promise.reject(new Error('the client has gone'));
    await expect(withAsk(gone, { mayRepeat: true })).rejects.toMatchObject({
      ...{ kind: 'cancelled', message: 'the client has gone' },
    });
    expect(log).toEqual(['called', 'left']);
    expect(healths).toMatchObject([{ state: 'healthy' }]);
  });

  it('costs a call no time while that waits for its place', async () => {
    const timeoutMs = 12_345;
    const [set, clear] = [jest.spyOn(global, 'setTimeout'), jest.spyOn(global, 'clearTimeout')];
    const clocks = () => {
      const stopped = new Set<unknown>(clear.mock.calls.map(([timer]) => timer));
      return set.mock.calls
        .flatMap(([, ms], at) => (ms! > 10_000 && ms! <= timeoutMs ? [set.mock.results[at]] : []))
        .filter((timer) => !stopped.has(timer?.value));
    };
    let running: unknown[] | undefined;
    const comeBack = () => Promise.resolve(void (running = clocks()));
    const ask = () => Promise.resolve({ roots: [] });
    await withAsk(ask, { timeoutMs, place: { ...place, comeBack } });
    expect(running).toEqual([]);
    expect(set.mock.calls.some(([, ms]) => ms === timeoutMs)).toBe(false); // what is left of it
    expect(set.mock.calls.some(([, ms]) => ms! > 10_000 && ms! < timeoutMs)).toBe(true);
  });
});
