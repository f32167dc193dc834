import { type GatewayParts, admin, startGateway } from '../testing.js';
import { RetryBudget } from './retry-budget.js';
import { type ToolServerOfTest, controlledClock, startToolServer } from './testing.js';

let parts: GatewayParts;
let server: ToolServerOfTest;
let clock: ReturnType<typeof controlledClock>;
let n = 0;
let name = '';
const OPEN_FOR_MS = 5_000;
/** Longer than any pause of a connection after a failure. */
const LONG_MS = 60_000;

beforeAll(async () => {
  parts = await startGateway({});
});
afterAll(() => parts.stop());
beforeEach(async () => {
  clock = controlledClock();
  await parts.configure({ circuit: { failures: 3, openForMs: OPEN_FOR_MS }, retries: 2 });
  server = await startToolServer([{ name: 'once' }, { name: 'again' }]);
  name = `s${++n}`;
  await parts.register({ name, transport: 'http', url: server.url, idempotentTools: ['again'] });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await server.stop();
});

const call = (tool = 'once') => parts.gateway.call(admin(), { server: name, tool, args: {} });
const ended = (tool?: string) =>
  call(tool).then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
async function fail(): Promise<void> {
  for (;;) {
    expect(await ended()).toBe('server_unreachable');
    if (parts.circuit.report(name).state === 'open') return;
    // Between two tries the connection waits, too; what it refuses by itself does not count.
    clock.pass(LONG_MS);
  }
}
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a circuit', () => {
  it('opens after several failures in a row: the server is asked no more, and the refusal says until when', async () => {
    server.onCall = () => 500;
    await fail();
    const before = server.calls();
    const refused = await call().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'circuit_open', status: 503, retryAfterSeconds: 5 });
    expect(server.calls()).toBe(before);
    expect(await parts.queries.server(name)).toMatchObject({
      circuit: { state: 'open', retryAt: expect.any(String) },
      stats: { errorRate: 1 },
    });
    const opened = () =>
      parts.database.query(
        `SELECT 1 FROM events WHERE type = 'anomaly.detected' AND payload->>'code' = 'circuit_open' AND payload->>'server' = $1`,
        [name],
      );
    while ((await opened()).length === 0); // it is told beside the call
  });

  it('lets one call through to try, and refuses the others meanwhile', async () => {
    server.onCall = () => 500;
    await fail();
    let answer!: (status: number) => void;
    server.onCall = () => new Promise((resolve) => (answer = resolve));
    const before = server.calls();
    expect(await ended()).toBe('circuit_open');
    clock.pass(LONG_MS);
    const probe = ended();
    await until(() => server.calls() > before);
    const others = await Promise.all(Array.from({ length: 20 }, () => ended()));
    expect(new Set(others)).toEqual(new Set(['circuit_open']));
    expect(server.calls()).toBe(before + 1);
    answer(500);
    expect(await probe).toBe('server_unreachable');
    expect(await ended()).toBe('circuit_open');
    expect(server.calls()).toBe(before + 1);
  });

  it('closes when a try goes well', async () => {
    server.onCall = () => 500;
    await fail();
    server.onCall = () => ({ content: [] });
    expect(await ended()).toBe('circuit_open');
    clock.pass(LONG_MS);
    expect(await ended()).toBe('ok');
    expect(await ended()).toBe('ok');
    expect(parts.circuit.report(name)).toEqual({ state: 'closed', retryAt: null });
  });

  it('lets a server that fails for a minute be asked once each time it is tried, whatever the crowd', async () => {
    server.onCall = () => 500;
    await fail();
    const asked: number[] = [];
    for (let second = 0; second < 60; second++) {
      clock.pass(1_000);
      const before = server.calls();
      await Promise.all(Array.from({ length: 10 }, () => ended('again')));
      asked.push(server.calls() - before);
    }
    expect(Math.max(...asked)).toBe(1);
    // Each try that fails opens the circuit for five seconds more.
    const tries = asked.reduce((sum, each) => sum + each, 0);
    expect(tries).toBeGreaterThan(0);
    expect(tries).toBeLessThanOrEqual(60_000 / OPEN_FOR_MS);
  });

  it('tells a dry run what a call would meet, which is no try itself', async () => {
    const foresee = async () =>
      (await parts.gateway.dryRun(admin(), { server: name, tool: 'once', args: {} })).links.find(
        ({ link }) => link === 'circuit',
      );
    expect(await foresee()).toMatchObject({ verdict: 'pass' });
    server.onCall = () => 500;
    await fail();
    expect(await foresee()).toMatchObject({ verdict: 'stop', code: 'circuit_open' });
    clock.pass(LONG_MS);
    expect(await foresee()).toMatchObject({ verdict: 'pass' });
    let answer!: (status: number) => void;
    server.onCall = () => new Promise((resolve) => (answer = resolve));
    const before = server.calls();
    const probe = ended();
    await until(() => server.calls() > before);
    expect(await foresee()).toMatchObject({ verdict: 'stop', code: 'circuit_open' });
    answer(500);
    await probe;
  });

  it('is told in words: why it opened, when it may close, and that it has', async () => {
    const told = async (type: string) => {
      for (;;) {
        const rows = await parts.database.query<{ payload: object }>(
          `SELECT payload FROM events WHERE type = $1 AND payload->>'server' = $2`,
          [type, name],
        );
        if (rows.length > 0) return rows;
      }
    };
    server.onCall = () => 500;
    await fail();
    expect(await told('anomaly.detected')).toMatchObject([
      {
        payload: {
          code: 'circuit_open',
          kind: 'unreachable',
          error: expect.stringContaining('500'),
        },
      },
    ]);
    const refused = (await call().catch((error: unknown) => error)) as Error;
    expect(refused.message).toContain('HTTP 500');
    const { retryAt } = parts.circuit.report(name);
    expect(Math.abs(Date.parse(retryAt!) - Date.now() - OPEN_FOR_MS)).toBeLessThan(OPEN_FOR_MS);
    server.onCall = () => ({ content: [] });
    clock.pass(LONG_MS);
    await ended();
    expect(await told('recovery.done')).toHaveLength(1);
  });

  it('is of one server: others are asked as before', async () => {
    const broken = name;
    server.onCall = () => 500;
    await fail();
    const other = await startToolServer([{ name: 'once' }]);
    name = `s${++n}`;
    await parts.register({ name, transport: 'http', url: other.url });
    expect(await ended()).toBe('ok');
    name = broken;
    expect(await ended()).toBe('circuit_open');
    await other.stop();
  });

  it.each([
    ['says nothing in time', () => new Promise(() => undefined), 'tool_timeout', 200],
    ['breaks off', () => undefined, 'server_unreachable', 20_000],
  ])('opens for a server that %s', async (_, answer, code, timeoutMs) => {
    server.onCall = answer;
    // Counted is what has reached the server: the time of a call may be up before that.
    for (let failures = 0; failures < 3;) {
      expect(parts.circuit.report(name).state).toBe('closed');
      const before = server.calls();
      const end = await parts.gateway
        .call(admin(), { server: name, tool: 'once', args: {}, timeoutMs })
        .catch((error: { code: string }) => error.code);
      expect(end).toBe(code);
      failures += server.calls() - before;
      clock.pass(LONG_MS);
    }
    expect(parts.circuit.report(name).state).not.toBe('closed');
  });

  it('neither counts a call that did not go out, nor takes it for a success', async () => {
    server.onCall = () => 500;
    for (let failures = 0; failures < 2; failures++) {
      expect(await ended()).toBe('server_unreachable');
      clock.pass(LONG_MS);
    }
    const { url } = server;
    await server.stop();
    for (let i = 0; i < 5; i++) {
      expect(await ended()).toBe('server_unreachable');
      clock.pass(LONG_MS);
    }
    expect(parts.circuit.report(name).state).toBe('closed');
    server = await startToolServer([{ name: 'once' }], Number(new URL(url).port));
    server.onCall = () => 500;
    // The third that went out.
    expect(await ended()).toBe('server_unreachable');
    expect(parts.circuit.report(name).state).toBe('open');
  });

  it('stays open when the one that tries it cannot even be connected', async () => {
    server.onCall = () => 500;
    await fail();
    await server.stop();
    clock.pass(LONG_MS);
    expect(await ended()).toBe('server_unreachable');
    expect(parts.circuit.report(name).state).toBe('open');
  });

  it('goes by new settings at once, and is forgotten with its server', async () => {
    server.onCall = () => 500;
    await fail();
    await parts.configure({ circuit: { failures: 3, openForMs: 2 * OPEN_FOR_MS }, retries: 2 });
    // Its connection may still wait; the circuit does not stand in the way.
    expect(await ended()).not.toBe('circuit_open');
    expect(parts.circuit.report(name).state).toBe('closed');
    await fail();
    parts.circuit.forget(name);
    expect(parts.circuit.report(name)).toEqual({ state: 'closed', retryAt: null });
  });

  it('does not count that a tool answers with an error: the server works', async () => {
    server.onCall = () => ({ content: [{ type: 'text', text: 'no' }], isError: true });
    for (let i = 0; i < 6; i++) expect(await ended()).toBe('ok');
    expect(parts.circuit.report(name).state).toBe('closed');
  });
});

describe('a retry', () => {
  it('is made for an idempotent tool only, with the same key', async () => {
    let isFirst = true;
    server.onCall = () => {
      if (!isFirst) return { content: [] };
      isFirst = false;
      return 500;
    };
    expect(await ended('again')).toBe('ok');
    const [first, second] = server.seen.filter(({ method }) => method === 'tools/call');
    const keyOf = (seen: typeof first) =>
      (seen!.params['_meta'] as Record<string, unknown>)['aos.dev/idempotencyKey'];
    expect(keyOf(first)).toBe(keyOf(second));
    isFirst = true;
    const before = server.calls();
    expect(await ended('once')).toBe('server_unreachable');
    expect(server.calls()).toBe(before + 1);
  });

  it('comes out of a budget: a server that fails is asked hardly more often than it is called', async () => {
    await parts.configure({ circuit: { failures: 1000, openForMs: OPEN_FOR_MS }, retries: 5 });
    // Each time over a connection that has held, so that nothing but the budget is in the way of a retry.
    let failed = 0;
    for (let i = 0; i < 30; i++) {
      server.onCall = () => ({ content: [] });
      clock.pass(LONG_MS);
      expect(await ended('again')).toBe('ok');
      clock.pass(LONG_MS);
      server.onCall = () => 500;
      const before = server.calls();
      expect(await ended('again')).toBe('server_unreachable');
      failed += server.calls() - before;
    }
    expect(failed).toBeGreaterThan(30);
    // One to begin with, and a tenth of the thirty that went well.
    expect(failed).toBeLessThanOrEqual(34);
  });

  it('is earned by calls that go well', () => {
    const budget = new RetryBudget();
    expect(budget.spend('s')).toBe(true);
    expect(budget.spend('s')).toBe(false);
    for (let i = 0; i < 9; i++) budget.earn('s');
    expect(budget.spend('s')).toBe(false);
    for (let i = 0; i < 2; i++) budget.earn('s');
    expect(budget.spend('s')).toBe(true);
    expect(budget.spend('other')).toBe(true);
  });
});
