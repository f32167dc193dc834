import { randomUUID } from 'node:crypto';
import { Database } from '../../../platform/database/database.js';
import { isNative } from '../../../../test/harness.js';
import { LeaseEnded } from '../../jobs/index.js';
import type { ClientSide } from '../upstreams/client-side.js';
import { type GatewayParts, actor, admin, run, startGateway } from '../testing.js';
import { Limits } from './limits.js';
import { dayKey, msToMidnight } from './limits-in-force.js';
import { type ToolServerOfTest, startToolServer } from './testing.js';
import { TokenBuckets, mostAhead } from './token-buckets.js';

type OfQuestion = { arguments?: { asks?: boolean }; inputResponses?: object };
let parts: GatewayParts;
let server: ToolServerOfTest;
let n = 0;

beforeAll(async () => {
  parts = await startGateway({});
  server = await startToolServer([{ name: 'a' }, { name: 'b' }]);
});
afterAll(async () => {
  await server.stop();
  await parts.stop();
});

async function register(limits: object, gateway: object = {}): Promise<string> {
  await parts.configure(gateway);
  const name = `s${++n}`;
  await parts.register({ name, transport: 'http', url: server.url, limits });
  return name;
}
const call = (name: string, tool = 'a', by = admin()) =>
  parts.gateway.call(by, { server: name, tool, args: {} });

describe('a limit', () => {
  it('per minute of a server lets so many through, and says when to come back', async () => {
    const name = await register({ perMinute: 3 });
    for (let i = 0; i < 3; i++) await call(name, i % 2 ? 'a' : 'b');
    const refused = await call(name).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'too_many_requests', status: 429 });
    const { retryAfterSeconds } = refused as { retryAfterSeconds: number };
    // One of three tokens a minute flows in every twenty seconds.
    expect(retryAfterSeconds).toBeGreaterThan(0);
    expect(retryAfterSeconds).toBeLessThanOrEqual(20);
    expect(await parts.queries.server(name)).toMatchObject({
      quota: { perMinute: { limit: 3, used: 3 } },
    });
  });

  it('per minute of a tool leaves the others alone', async () => {
    const name = await register({ toolPerMinute: 1 });
    await call(name, 'a');
    await expect(call(name, 'a')).rejects.toMatchObject({ code: 'too_many_requests' });
    await call(name, 'b');
  });

  it('that refuses a call takes from no other: not from the server’s minute, and not from its day', async () => {
    const name = await register({ toolPerMinute: 1, perMinute: 2, perDay: 2 });
    await call(name, 'a');
    for (let i = 0; i < 5; i++)
      await expect(call(name, 'a')).rejects.toMatchObject({ code: 'too_many_requests' });
    await call(name, 'b');
    expect(await parts.queries.server(name)).toMatchObject({
      quota: { perMinute: { used: 2 }, perDay: { used: 2 } },
    });
  });

  it('of a server, of its day and of its tool leaves those of other servers alone', async () => {
    for (const limits of [{ perMinute: 1 }, { perDay: 1 }, { toolPerMinute: 1 }]) {
      const [one, other] = [await register(limits), await register(limits)];
      await call(one);
      await expect(call(one)).rejects.toMatchObject({ status: 429 });
      await call(other);
    }
  });

  it.each([
    ['serverPerMinute', { perMinute: 2 }],
    ['serverPerDay', { perDay: 2 }],
    ['toolPerMinute', { toolPerMinute: 2 }],
  ])('%s of the settings holds for a server that has none of its own', async (name, own) => {
    const gateway = { limits: { [name]: 1 } };
    const [without, with_] = [await register({}, gateway), await register(own, gateway)];
    await call(without);
    await expect(call(without)).rejects.toMatchObject({ status: 429 });
    await call(with_);
    await call(with_);
    await expect(call(with_)).rejects.toMatchObject({ status: 429 });
  });

  it('of a day is used up by a call that was made, whatever came of it', async () => {
    const name = await register({ perDay: 2 });
    server.onCall = () => 500;
    await expect(call(name)).rejects.toMatchObject({ code: 'server_unreachable' });
    server.onCall = () => ({ content: [] });
    await call(name);
    await expect(call(name)).rejects.toMatchObject({ code: 'quota_exceeded' });
  });

  it('of a day is used up by a call that was made, also where its end could not be kept', async () => {
    const name = await register({ perDay: 1 });
    server.onCall = async () => {
      await parts.database.query('DELETE FROM tool_calls WHERE server = $1', [name]);
      return { content: [] };
    };
    const ofRun = { ...{ server: name, tool: 'a', args: {} }, run: run(), idempotencyKey: 'lost' };
    await expect(parts.gateway.call(admin(), ofRun)).rejects.toThrow(LeaseEnded);
    server.onCall = () => ({ content: [] });
    await expect(call(name)).rejects.toMatchObject({ code: 'quota_exceeded' });
  });

  it('of a caller leaves the others alone', async () => {
    const name = await register({}, { limits: { principalPerMinute: 1 } });
    const by = actor('operator');
    await call(name, 'a', by);
    await expect(call(name, 'b', by)).rejects.toMatchObject({ code: 'too_many_requests' });
    await call(name, 'a', actor('operator'));
  });

  it('per day is a quota until midnight, UTC', async () => {
    const name = await register({ perDay: 1 });
    await call(name);
    const refused = await call(name).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'quota_exceeded', status: 429 });
    const { retryAfterSeconds } = refused as { retryAfterSeconds: number };
    expect(Math.abs(retryAfterSeconds - msToMidnight() / 1000)).toBeLessThan(10);
    const lastOfTheDay = Date.parse('2031-01-02T23:59:59.999Z');
    expect(dayKey('x', lastOfTheDay)).toBe('day:2031-01-02:x');
    expect(dayKey('x', lastOfTheDay + 1)).toBe('day:2031-01-03:x');
    expect(msToMidnight(Date.UTC(2026, 10, 26, 23, 59, 59))).toBe(1000);
  });

  it('per day of a caller leaves the others alone', async () => {
    const name = await register({}, { limits: { principalPerDay: 1 } });
    const by = actor('operator');
    await call(name, 'a', by);
    await expect(call(name, 'a', by)).rejects.toMatchObject({ code: 'quota_exceeded' });
    await call(name, 'a', actor('operator'));
  });

  it('is told by a dry run, which spends nothing', async () => {
    const name = await register({ perMinute: 1 });
    const foresee = async () =>
      (await parts.gateway.dryRun(admin(), { server: name, tool: 'a', args: {} })).links.find(
        ({ link }) => link === 'rate-limit',
      );
    expect(await foresee()).toMatchObject({ verdict: 'pass' });
    expect(await foresee()).toMatchObject({ verdict: 'pass' });
    await call(name);
    expect(await foresee()).toMatchObject({ verdict: 'stop', code: 'too_many_requests' });
  });

  it('of a day is told by a dry run, too', async () => {
    const name = await register({ perDay: 1 });
    const foresee = async () =>
      (await parts.gateway.dryRun(admin(), { server: name, tool: 'a', args: {} })).links.find(
        ({ link }) => link === 'quota',
      );
    expect(await foresee()).toMatchObject({ verdict: 'pass' });
    await call(name);
    expect(await foresee()).toMatchObject({ verdict: 'stop', code: 'quota_exceeded' });
  });

  it.each([
    ['the server', { concurrent: 1 }, {}],
    ['the settings', {}, { limits: { serverConcurrent: 1 } }],
  ])(
    'of calls at once, by %s, makes the next ones wait, and turns a crowd away',
    async (_, own, gateway) => {
      const name = await register(own, gateway);
      let open!: () => void;
      const gate = new Promise<void>((resolve) => (open = resolve));
      const before = server.calls();
      let most = 0;
      let now = 0;
      server.onCall = async () => {
        most = Math.max(most, ++now);
        await gate;
        now--;
        return { content: [] };
      };
      const crowd = Array.from({ length: 22 }, () =>
        call(name).then(
          () => 'ok',
          (error: { code: string }) => error.code,
        ),
      );
      const first = await Promise.race(crowd);
      expect(first).toBe('too_many_requests');
      await expect(call(name)).rejects.toMatchObject({ status: 429, retryAfterSeconds: 1 });
      open();
      const ends = await Promise.all(crowd);
      expect(ends.filter((end) => end === 'ok')).toHaveLength(21);
      expect(most).toBe(1);
      expect(server.calls() - before).toBe(21);
      server.onCall = () => ({ content: [] });
    },
  );

  it('of calls at once to one server keeps nobody from another, and another number holds at once', async () => {
    const [slow, other] = [await register({ concurrent: 1 }), await register({ concurrent: 1 })];
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let waiting = 0;
    const until = async (isSo: () => boolean) => {
      while (!isSo()) await new Promise((turn) => setImmediate(turn));
    };
    server.onCall = async () => {
      waiting++;
      await gate;
      return { content: [] };
    };
    const first = call(slow);
    await until(() => waiting === 1);
    const elsewhere = call(other);
    await until(() => waiting === 2);
    const next = call(slow);
    await parts.database.query(
      `UPDATE mcp_registry SET limits = limits || '{"concurrent": 2}' WHERE name = $1`,
      [slow],
    );
    parts.wakeups.wake('control');
    const more = [call(slow), call(slow)];
    await until(() => waiting === 4);
    open();
    await Promise.all([first, elsewhere, next, ...more]);
    server.onCall = () => ({ content: [] });
  });

  it('of calls at once counts no call whose client is being asked, once the server has nothing of it', async () => {
    const current = await startToolServer([{ name: 'a' }]);
    current.isModern = true;
    const complete = { resultType: 'complete', content: [] };
    const question = {
      method: 'elicitation/create',
      params: {
        mode: 'form',
        message: 'Who?',
        requestedSchema: { type: 'object', properties: {} },
      },
    };
    current.onCall = ({ arguments: { asks } = {}, inputResponses }: OfQuestion) =>
      asks && !inputResponses
        ? { resultType: 'input_required', inputRequests: { who: question } }
        : complete;
    const name = `s${++n}`;
    const limits = { concurrent: 1 };
    await parts.register({ name, transport: 'http', url: current.url, limits });
    let answer!: (response: object) => void;
    let ended!: Promise<unknown>;
    await new Promise<void>((asked) => {
      const client = {
        capabilities: { elicitation: {} },
        takesQuestions: false,
        ask: () => (asked(), new Promise((resolve) => (answer = resolve))),
      } as unknown as ClientSide;
      const args = { asks: true };
      ended = parts.gateway.call(admin(), { server: name, tool: 'a', args, client });
    });
    await call(name);
    answer({ action: 'accept', content: {} });
    expect(await ended).toMatchObject({ isError: false });
    expect(current.calls()).toBe(3);
    expect((await parts.queries.server(name)).quota).toMatchObject({ concurrent: { used: 0 } });
    await current.stop();
  });

  it('of a grant is that of each grant', async () => {
    const name = await register({});
    const grant = () => ({
      ...{ kind: 'grant' as const, id: randomUUID(), tools: ['*'], limits: { maxCalls: 1 } },
      expiresAt: new Date(Date.now() + 60_000),
    });
    const [one, other] = [grant(), grant()];
    const callWith = (capability: typeof one) =>
      parts.gateway.call(admin(), { server: name, tool: 'a', args: {}, capability });
    await callWith(one);
    await expect(callWith(one)).rejects.toMatchObject({ code: 'too_many_requests' });
    await callWith(other);
    const by = admin();
    by.actor.capability = grant();
    await call(name, 'a', by);
    await expect(call(name, 'a', by)).rejects.toMatchObject({ code: 'too_many_requests' });
  });
});

/** Of names, in the memory of a process. */
const MOST_KNOWN = 20_000;
// Only there do several processes share a database.
const onServer = isNative ? it : it.skip; // PGlite has one process: npm test runs these on native Postgres too
const onEmbedded = isNative ? it.skip : it; // a server keeps its counts in rows: npm test runs these on PGlite too

describe('counts of a stretch of time', () => {
  afterEach(() => jest.restoreAllMocks());

  it('begin anew with the next', async () => {
    const limits = new Limits(parts.database);
    const began = Date.now();
    const at = jest.spyOn(Date, 'now').mockReturnValue(began);
    expect(await limits.spend('w', 1, 10_000)).toEqual({ isWithin: true });
    at.mockReturnValue(began + 9_999);
    expect(await limits.spend('w', 1, 10_000)).toEqual({ isWithin: false, retryAfterMs: 1 });
    at.mockReturnValue(began + 10_000);
    expect(await limits.spend('w', 1, 10_000)).toEqual({ isWithin: true });
    expect(await limits.spend('w', 1, 10_000)).toMatchObject({ isWithin: false });
  });

  it('take nothing back of a stretch that is over', async () => {
    const limits = new Limits(parts.database);
    const began = Date.now();
    const at = jest.spyOn(Date, 'now').mockReturnValue(began);
    await limits.spend('over', 1, 10_000);
    at.mockReturnValue(began + 10_001);
    limits.giveBack('over');
    expect(await limits.spend('over', 1, 10_000)).toEqual({ isWithin: true });
    expect(await limits.spend('over', 1, 10_000)).toMatchObject({ isWithin: false });
    limits.giveBack('over');
    expect(await limits.spend('over', 1, 10_000)).toEqual({ isWithin: true });
  });

  it('are kept apart however long their names', async () => {
    const limits = new Limits(parts.database);
    const long = 'n'.repeat(300);
    expect(await limits.spend(`${long}1`, 1, 10_000)).toEqual({ isWithin: true });
    expect(await limits.spend(`${long}2`, 1, 10_000)).toEqual({ isWithin: true });
    expect(await limits.spend(`${long}1`, 1, 10_000)).toMatchObject({ isWithin: false });
  });

  it('are used up to the last one, and no further', async () => {
    const limits = new Limits(parts.database);
    let within = 0;
    // Two are taken at a time here, and at the end one.
    for (let i = 0; i < 130; i++)
      if ((await limits.spend('to the last', 125, 60_000)).isWithin) within++;
    expect(within).toBe(125);
    expect(await limits.used('to the last', 125)).toBe(125);
  });

  it('tell what is used, and not what is taken ahead or given back', async () => {
    const limits = new Limits(parts.database);
    await limits.spend('told', 100, 60_000);
    expect(await limits.used('told', 100)).toBe(1);
    limits.giveBack('told');
    expect(await limits.used('told', 100)).toBe(0);
  });

  it('outlive the process that kept them', async () => {
    await new Limits(parts.database).spend('a grant', 1, 60_000);
    const after = new Limits(parts.database);
    expect(await after.used('a grant', 1)).toBe(1);
    expect(await after.spend('a grant', 1, 60_000)).toMatchObject({ isWithin: false });
  });

  onServer('that cannot be kept stop the call', async () => {
    const gone = await Database.open({ url: parts.database.url! });
    const limits = new Limits(gone);
    await gone.close();
    await expect(limits.spend('gone', 1, 60_000)).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterSeconds: 2,
    });
  });

  it('are known here for twenty thousand names; of one let go nothing is spent twice', async () => {
    const limits = new Limits(parts.database);
    await limits.spend('let go', 1, 60_000);
    limits.giveBack('let go');
    for (let n = 1; n < MOST_KNOWN; n++) limits.giveBack(`another ${n}`);
    expect(await limits.spend('let go', 1, 60_000)).toEqual({ isWithin: true });
    limits.giveBack('let go');
    limits.giveBack('one more');
    expect(await limits.spend('let go', 1, 60_000)).toMatchObject({ isWithin: false });
  });

  it('that arrive together are never more than the limit', async () => {
    const limits = new Limits(parts.database);
    const spent = await Promise.all(
      Array.from({ length: 50 }, () => limits.spend('together', 20, 60_000)),
    );
    expect(spent.filter(({ isWithin }) => isWithin)).toHaveLength(20);
  });
});

describe('a bucket', () => {
  let ms = 0;
  let n = 0;
  let key = '';
  let buckets: TokenBuckets;
  beforeEach(() => {
    key = `bucket-${++n}`;
    ms = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => ms);
    buckets = new TokenBuckets(parts.database);
  });
  afterEach(() => jest.restoreAllMocks());

  /** Time goes by: here, and at the database, whose clock is its own. */
  async function pass(seconds: number): Promise<void> {
    ms += seconds * 1000;
    await parts.database.query('UPDATE rate_buckets SET full_at_ms = full_at_ms - $1', [
      seconds * 1000,
    ]);
  }
  async function spend(times: number, perMinute: number): Promise<number> {
    let within = 0;
    for (let i = 0; i < times; i++) if ((await buckets.spend(key, perMinute)).isWithin) within++;
    return within;
  }

  it('holds a minute’s worth, and fills steadily, not at the end of a window', async () => {
    expect(await spend(10, 6)).toBe(6);
    expect(await buckets.used(key, 6)).toBe(6);
    await pass(10);
    expect(await spend(10, 6)).toBe(1);
    await pass(35);
    expect(await buckets.used(key, 6)).toBe(3);
    expect(await spend(10, 6)).toBe(3);
  });

  it('never holds more than that, however long it is left alone', async () => {
    expect(await spend(1, 6)).toBe(1);
    await pass(3600);
    expect(await spend(20, 6)).toBe(6);
  });

  it('says when the next token is there, and by then it is', async () => {
    const began = Date.now();
    await spend(6, 6);
    const { isWithin, retryAfterMs } = await buckets.spend(key, 6);
    // The database has gone by its own clock meanwhile.
    const meanwhileMs = Date.now() - began + 5;
    expect(isWithin).toBe(false);
    expect(retryAfterMs).toBeGreaterThan(10_000 - meanwhileMs);
    // A sum of fractions of tokens: 10000.000000000004 has been seen.
    expect(retryAfterMs).toBeLessThan(10_001);
    await pass(Math.ceil(retryAfterMs!) / 1000);
    expect(await spend(2, 6)).toBe(1);
  });

  it('never refuses a caller who keeps to the rate', async () => {
    for (let i = 0; i < 30; i++) {
      expect(await spend(1, 6)).toBe(1);
      await pass(10);
    }
  });

  it('that is empty costs the database nothing until there is a token', async () => {
    await spend(7, 6);
    const asked = jest.spyOn(parts.database, 'query');
    expect(await spend(100, 6)).toBe(0);
    expect(asked).not.toHaveBeenCalled();
  });

  it('takes back what was taken for nothing', async () => {
    expect(await spend(6, 6)).toBe(6);
    buckets.giveBack(key, 6);
    expect(await spend(6, 6)).toBe(1);
  });

  it('lets go after a minute of what was taken ahead, or given back', async () => {
    expect(await spend(2, 2)).toBe(2);
    buckets.giveBack(key, 2);
    await pass(61);
    // The bucket is full again by then: with the one given back there would be three.
    expect(await spend(5, 2)).toBe(2);
  });

  it('is known here as one of twenty thousand; of one let go nothing is taken twice', async () => {
    await spend(1, 1);
    buckets.giveBack(key, 1);
    for (let n = 1; n < MOST_KNOWN; n++) buckets.giveBack(`${key} ${n}`, 1);
    expect(await spend(2, 1)).toBe(1);
    buckets.giveBack(key, 1);
    buckets.giveBack(`${key} one more`, 1);
    expect(await spend(1, 1)).toBe(0);
  });

  onEmbedded('is kept in memory as one of the twenty thousand used last', async () => {
    await buckets.spend('left alone', 1);
    await spend(1, 2);
    for (let n = 2; n < MOST_KNOWN; n++) await buckets.spend(`${key} ${n}`, 1);
    expect(await spend(1, 2)).toBe(1);
    for (const more of ['one', 'two']) await buckets.spend(`${key} ${more} more`, 1);
    expect(await spend(1, 2)).toBe(0);
    // Forgotten, and full again.
    expect(await buckets.spend('left alone', 1)).toEqual({ isWithin: true });
  });

  it('is another one however long its name is', async () => {
    key += 'n'.repeat(300);
    expect(await spend(2, 1)).toBe(1);
    expect(await buckets.used(key, 1)).toBe(1);
    key += '2';
    expect(await spend(2, 1)).toBe(1);
  });

  it('fills at the rate of a new limit at once', async () => {
    expect(await spend(2, 1)).toBe(1);
    await pass(10);
    expect(await spend(1, 1)).toBe(0);
    expect(await spend(2, 6)).toBe(1);
  });

  it('gives no more to many at once than it holds', async () => {
    const spent = await Promise.all(Array.from({ length: 100 }, () => buckets.spend(key, 20)));
    expect(spent.filter(({ isWithin }) => isWithin)).toHaveLength(20);
  });

  onServer('that cannot be asked stops the call', async () => {
    jest.spyOn(parts.database, 'query').mockRejectedValue(new Error('gone'));
    await expect(buckets.spend(key, 6)).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterSeconds: 2,
    });
  });

  onServer('is asked seldom by a process that spends fast', async () => {
    const asked = jest.spyOn(parts.database, 'query');
    expect(await spend(5_000, 6_000)).toBe(5_000);
    // 1, 2, 4 … 64, and then a fiftieth of the limit each time.
    expect(asked.mock.calls.length).toBeLessThanOrEqual(7 + Math.ceil(5_000 / 120));
  });

  onServer.each([20, 200, 5_000])(
    'of %d is shared by processes: together they never get more than it and what they hold ahead',
    async (limit) => {
      jest.restoreAllMocks();
      const other = await Database.open({ url: parts.database.url! });
      try {
        const processes = [new TokenBuckets(parts.database), new TokenBuckets(other)];
        const began = performance.now();
        // Both have taken ahead while the bucket was full, and it has filled again since: the worst case.
        for (const each of processes) for (let i = 0; i < 8; i++) await each.spend(key, limit);
        await parts.database.query('DELETE FROM rate_buckets WHERE key = $1', [key]);
        const spent = await Promise.all(
          Array.from({ length: limit * 2 + 100 }, (_, i) => processes[i % 2]!.spend(key, limit)),
        );
        const minutes = (performance.now() - began) / 60_000;
        const within = spent.filter(({ isWithin }) => isWithin).length;
        expect(within).toBeGreaterThanOrEqual(limit);
        expect(within).toBeLessThanOrEqual(
          limit + Math.ceil(limit * minutes) + processes.length * mostAhead(limit),
        );
      } finally {
        await other.close();
      }
    },
  );

  onServer('whose row is full may be cleared away', async () => {
    await spend(3, 6);
    await buckets.sweep();
    expect(await spend(10, 6)).toBe(3);
    await pass(3600);
    await buckets.sweep();
    expect(
      await parts.database.query('SELECT 1 FROM rate_buckets WHERE key = $1', [key]),
    ).toHaveLength(0);
  });
});
