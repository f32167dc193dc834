import { Database } from '../../../platform/database/database.js';
import { isNative } from '../../../../test/harness.js';
import { type GatewayParts, actor, admin, startGateway } from '../testing.js';
import { Limits } from './limits.js';
import { dayKey, msToMidnight } from './limits-in-force.js';
import { type ToolServerOfTest, startToolServer } from './testing.js';

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
    expect(retryAfterSeconds).toBeGreaterThan(0);
    expect(retryAfterSeconds).toBeLessThanOrEqual(60);
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
    expect(dayKey('x', new Date('2026-11-26T23:59:59.999Z'))).toBe('day:2026-11-26:x');
    expect(msToMidnight(Date.UTC(2026, 10, 26, 23, 59, 59))).toBe(1000);
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

  it('of calls at once makes the next ones wait, and turns a crowd away', async () => {
    const name = await register({ concurrent: 1 });
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
    open();
    const ends = await Promise.all(crowd);
    expect(ends.filter((end) => end === 'ok')).toHaveLength(21);
    expect(most).toBe(1);
    expect(server.calls() - before).toBe(21);
    server.onCall = () => ({ content: [] });
  });
});

describe('counts', () => {
  it('begin anew with the window', async () => {
    const limits = new Limits(parts.database);
    expect(await limits.spend('w', 1, 1000)).toEqual({ isWithin: true });
    const began = performance.now();
    expect(await limits.spend('w', 1, 1000)).toMatchObject({ isWithin: false });
    while (!(await limits.spend('w', 1, 1000)).isWithin)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(performance.now() - began).toBeGreaterThan(500);
    expect(await limits.spend('w', 1, 1000)).toMatchObject({ isWithin: false });
  });

  it('that arrive together are never more than the limit', async () => {
    const limits = new Limits(parts.database);
    const spent = await Promise.all(
      Array.from({ length: 50 }, () => limits.spend('together', 20, 60_000)),
    );
    expect(spent.filter(({ isWithin }) => isWithin)).toHaveLength(20);
  });

  // Only there do several processes share a database.
  // PGlite has one process: npm test runs this on native Postgres too.
  (isNative ? it : it.skip)(
    'are shared by processes on a Postgres server, whatever they hold in advance',
    async () => {
      const other = await Database.open({ url: parts.database.url! });
      try {
        const processes = [new Limits(parts.database), new Limits(other)];
        const spent = await Promise.all(
          Array.from({ length: 400 }, (_, i) => processes[i % 2]!.spend('shared', 200, 60_000)),
        );
        const within = spent.filter(({ isWithin }) => isWithin).length;
        expect(within).toBeLessThanOrEqual(200);
        expect(within).toBeGreaterThan(190);
      } finally {
        await other.close();
      }
    },
  );
});
