import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChangeMcpServer } from './commands/change-server.js';
import { RemoveMcpServer } from './commands/remove-server.js';
import {
  type ToolOfTest,
  type ToolServerOfTest,
  controlledClock,
  frozenClock,
  startToolServer,
} from './chain/testing.js';
import { type GatewayParts, admin, startGateway } from './testing.js';

let parts: GatewayParts;
let server: ToolServerOfTest;
let n = 0;
let name: string;
beforeAll(async () => {
  parts = await startGateway({});
});
afterAll(() => parts.stop());
beforeEach(async () => {
  name = `s${++n}`;
  server = await startToolServer([]);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await server.stop();
});

const register = () => parts.register({ name, transport: 'http', url: server.url });
const call = (tool: string) =>
  parts.gateway.call(admin(), { server: name, tool, args: {} }).then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
const looks = () => server.seen.filter(({ method }) => method === 'tools/list').length;

it('writes anew how a server does where another process, which may be gone, has written otherwise', async () => {
  const clock = controlledClock();
  await register();
  const row = await parts.registry.find(name);
  const look = () => parts.upstreams.of(row).probe(20_000);
  const state = async () => (await parts.registry.find(name)).health.state;
  await look();
  await parts.database.query(
    `UPDATE mcp_registry SET health = '{"state": "unhealthy", "error": "gone"}' WHERE name = $1`,
    [name],
  );
  await look();
  expect(await state()).toBe('unhealthy'); // not at each look of so many as there may be
  clock.pass(15_000);
  await look();
  while ((await state()) !== 'healthy') await new Promise((turn) => setImmediate(turn));
});

it('gives a server that has no time limit of its own the one of the settings, from when it is saved', async () => {
  server.tools.push({ name: 'a' });
  await register();
  const limit = async () => {
    const { timeoutMs } = await parts.gateway.dryRun(admin(), {
      server: name,
      tool: 'a',
      args: {},
    });
    expect(await parts.queries.server(name)).toMatchObject({ timeoutMs });
    return timeoutMs;
  };
  expect(await limit()).toBe(30_000);
  await parts.configure({ defaultTimeoutMs: 100 });
  expect(await limit()).toBe(100);
  server.onCall = () => new Promise(() => undefined);
  expect(await call('a')).toBe('tool_timeout');
  const { version } = await parts.registry.find(name);
  await parts.change.execute(new ChangeMcpServer(admin(), name, version, { timeoutMs: 200 }));
  expect(await limit()).toBe(200);
  await parts.configure({});
});

describe('a server that has no tools', () => {
  it('is asked for them once, however often and by how many at once one is named', async () => {
    frozenClock();
    await register();
    const before = looks();
    let woken = 0;
    const stop = parts.wakeups.on('control', () => woken++);
    const codes = await Promise.all(Array.from({ length: 20 }, (_, i) => call(`none-${i}`)));
    for (let i = 0; i < 20; i++) codes.push(await call(`none-${i}`));
    stop();
    expect(new Set(codes)).toEqual(new Set(['unknown_tool']));
    expect([looks() - before, woken]).toEqual([1, 1]);
  });

  it('is asked again after a while, and at once when it was changed', async () => {
    const clock = frozenClock();
    await register();
    expect(await call('late')).toBe('unknown_tool');
    server.tools.push({ name: 'late' });
    clock.pass(29_999);
    expect(await call('late')).toBe('unknown_tool');
    clock.pass(1);
    expect(await call('late')).toBe('ok');
    server.tools.length = 0;
    await parts.database.query('DELETE FROM mcp_tools WHERE server = $1', [name]);
    parts.wakeups.wake('control');
    expect(await call('later')).toBe('unknown_tool');
    server.tools.push({ name: 'later' });
    await parts.database.query('UPDATE mcp_registry SET version = version + 1 WHERE name = $1', [
      name,
    ]);
    expect(await call('later')).toBe('ok');
  });

  it('says nothing of the one that is registered under its name after it', async () => {
    const clock = frozenClock();
    await register();
    expect(await call('late')).toBe('unknown_tool');
    await parts.remove.execute(new RemoveMcpServer(admin(), name, undefined));
    clock.pass(1); // the embedded database goes by this clock
    await register();
    server.tools.push({ name: 'late' });
    expect(await call('late')).toBe('ok');
  });
});

describe('what calls are made by', () => {
  it('is not kept where it was changed while it was looked up', async () => {
    server.tools.push({ name: 'a' });
    await register();
    frozenClock();
    const query = parts.database.query.bind(parts.database);
    const asking = jest.spyOn(parts.database, 'query');
    asking.mockImplementation(async (text: string, values) => {
      const rows = await query(text, values);
      if (text.includes('mcp_tools') && values?.[1] === 'a') {
        asking.mockRestore();
        await query('UPDATE mcp_registry SET timeout_ms = 1234 WHERE name = $1', [name]);
        parts.wakeups.wake('control');
      }
      return rows as never;
    });
    await parts.registry.target(name, 'a');
    expect(await parts.registry.target(name, 'a')).toMatchObject({ timeoutMs: 1234 });
  });

  it('is kept of ten thousand tools at most', async () => {
    server.tools.push({ name: 'a' });
    await register();
    frozenClock();
    // There need not be as many: what is asked for is answered by the one that is there.
    jest.spyOn(parts.registry, 'find').mockResolvedValue(await parts.registry.find(name));
    const query = parts.database.query.bind(parts.database);
    const asked: unknown[] = [];
    let rows: unknown[] | undefined;
    jest.spyOn(parts.database, 'query').mockImplementation(async (text: string, values) => {
      if (!text.includes('mcp_tools') || values?.[0] !== name) return query(text, values);
      asked.push(values[1]);
      return (rows ??= await query(text, [name, 'a'])) as never;
    });
    for (let i = 0; i < 10_000; i++) await parts.registry.target(name, `t${i}`);
    await parts.registry.target(name, 't0');
    expect(asked).toHaveLength(10_000);
    for (const tool of ['one more', 't0']) await parts.registry.target(name, tool);
    expect(asked.slice(10_000)).toEqual(['one more', 't0']);
  });
});

const nested = (levels: number): unknown =>
  JSON.parse(`${'{"not":'.repeat(levels)}{}${'}'.repeat(levels)}`);
it.each<[string, ToolOfTest]>([
  ['no name', { name: '' }],
  ['a name with a NUL', { name: 'a\u0000b' }],
  ['half a character for a name', { name: '\ud800' }],
  ['a name that no call could have', { name: 'x'.repeat(201) }],
  [
    'a schema that is nested without end',
    { name: 'a', inputSchema: { type: 'object', properties: { a: nested(300) } } },
  ],
  ['a definition of a megabyte', { name: 'a', description: 'x'.repeat(1 << 20) }],
])('a tool with %s is left out, and the others of its server are kept', async (_, tool) => {
  server.tools.push(tool, { name: 'good' });
  expect(await register()).toMatchObject({ tools: 1, health: { state: 'healthy' } });
  expect(await call('good')).toBe('ok');
  // The same when the server tells of it later.
  await parts.registry.syncTools(await parts.registry.find(name));
  expect(await call('good')).toBe('ok');
});

it('a server whose last words are no text is registered with what can be kept of them', async () => {
  const folder = join(parts.dataDir, 'mcp-servers');
  await mkdir(folder, { recursive: true });
  const script = join(folder, 'dying.mjs');
  const diesOf = (what: string) =>
    writeFile(script, `process.stderr.write('no\\0${what}', () => process.exit(3));`);
  const dead = (what: string) => ({
    ...{ state: 'unhealthy', error: expect.stringContaining(`no\ufffd${what}`) as string },
  });
  const route = { transport: 'stdio' as const, command: 'node', args: [script] };
  await diesOf('licence');
  expect(await parts.register({ name, ...route })).toMatchObject({ health: dead('licence') });
  // The same when it dies under a call.
  await diesOf('permit');
  controlledClock().pass(60_000); // the pause of its connection
  expect(await call('a')).toBe('server_unreachable');
  const kept = async () => (await parts.registry.find(name)).health;
  for (let looks = 0; looks < 500 && !(await kept()).error?.includes('permit'); looks++)
    await new Promise((turn) => setImmediate(turn)); // it is written beside the call
  expect(await kept()).toMatchObject(dead('permit'));
});

it('a server that could not be reached is asked as soon as it can be', async () => {
  const clock = controlledClock();
  const { url } = server;
  await server.stop();
  await register();
  expect(await call('a')).toBe('server_unreachable');
  server = await startToolServer([{ name: 'a' }], Number(new URL(url).port));
  clock.pass(60_000); // the pause of its connection
  expect(await call('a')).toBe('ok');
});
