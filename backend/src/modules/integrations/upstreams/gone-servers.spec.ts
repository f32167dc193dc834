import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KeepLaunchesInUse1764178000000 } from '../../../../migrations/1764178000000-keep-launches-in-use.js';
import { type ToolServerOfTest, startToolServer } from '../chain/testing.js';
import { isNative } from '../../../../test/harness.js';
import { type GatewayParts, admin, startGateway } from '../testing.js';
import { GoneServers } from './gone-servers.js';

let parts: GatewayParts;
let gone: GoneServers;
let server: ToolServerOfTest;
beforeAll(async () => {
  parts = await startGateway({});
  const { database, upstreams, circuit, wakeups, launches } = parts;
  gone = new GoneServers(database, upstreams, circuit, wakeups, launches);
  server = await startToolServer([{ name: 'go' }]);
  await mkdir(join(parts.dataDir, 'mcp-servers'));
  const script = join(parts.dataDir, 'mcp-servers', 'runs.mjs');
  await writeFile(
    script,
    `import { createInterface } from 'node:readline';
     import { appendFileSync } from 'node:fs';
     appendFileSync('pids', process.pid + '\\n');
     createInterface({ input: process.stdin }).on('line', (line) => {
       const { id, method } = JSON.parse(line);
       const say = (result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
       if (method === 'initialize') say({ protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } });
       else if (method === 'tools/list') say({ tools: [{ name: 'go', inputSchema: { type: 'object' } }] });
       else if (id !== undefined) say({ content: [] });
     });`,
  );
  await parts.register({ name: 'piped', transport: 'stdio', command: 'node', args: [script] });
  await parts.register({ name: 'stays', transport: 'http', url: server.url });
});
afterAll(async () => {
  await parts.stop();
  await server.stop();
});

const call = (name: string) => parts.gateway.call(admin(), { server: name, tool: 'go', args: {} });
/** As another process leaves it. */
const elsewhere = (statement: string) => parts.database.query(statement);
const register = (name: string) => parts.register({ name, transport: 'http', url: server.url });

it('ends the program of a server that another process has switched off', async () => {
  await call('piped');
  const pids = await readFile(join(parts.dataDir, 'upstreams', 'piped', 'pids'), 'utf8');
  const isRunning = () => {
    try {
      return process.kill(Number(pids.trim().split('\n').at(-1)), 0);
    } catch {
      return false; // it has ended
    }
  };
  expect(isRunning()).toBe(true);
  await elsewhere(`UPDATE mcp_registry SET is_enabled = false WHERE name = 'piped'`);
  await gone.look();
  expect(parts.upstreams.has('piped')).toBe(false);
  while (isRunning()) await new Promise((turn) => setImmediate(turn));
});

it.each([
  ['removed', `DELETE FROM mcp_registry WHERE name = 'far'`],
  ['moved', `UPDATE mcp_registry SET base_url = 'http://127.0.0.1:9/mcp' WHERE name = 'far'`],
])('lets go of one that was %s, and of what it did before', async (_, statement) => {
  await register('far');
  await call('far');
  await elsewhere(statement);
  const forgotten = jest.spyOn(parts.circuit, 'forget');
  await gone.look();
  expect([parts.upstreams.has('far'), forgotten.mock.calls]).toEqual([false, [['far']]]);
  forgotten.mockRestore();
  await elsewhere(`DELETE FROM mcp_registry WHERE name = 'far'`);
});

it('leaves alone what is registered as it was, and what is tried or about to be registered', async () => {
  await call('stays');
  const tried = { name: 'tried', transport: 'http', base_url: server.url } as const;
  const trial = parts.upstreams.of({ ...tried, command: null, args: [], auth_token: null });
  await elsewhere(
    `UPDATE mcp_registry SET version = version + 1, health = '{}' WHERE name = 'stays'`,
  );
  await gone.look();
  expect(['stays', 'tried'].map((name) => parts.upstreams.has(name))).toEqual([true, true]);
  expect(await trial.list({ timeoutMs: 20_000 })).toHaveLength(1);
  await parts.upstreams.close('tried');
});

it('leaves alone one that was registered anew while it looked', async () => {
  await register('far');
  await call('far');
  await elsewhere(`UPDATE mcp_registry SET is_enabled = false WHERE name = 'far'`);
  const row = await parts.registry.find('far');
  const looked = gone.look();
  parts.upstreams.of({ ...row, version: row.version + 1 });
  await looked;
  expect(parts.upstreams.has('far')).toBe(true);
});

const onServer = isNative ? it : it.skip; // the embedded database has one process: npm test runs this file on native Postgres too
onServer('looks at each word that something has changed', async () => {
  await register('told');
  await call('told');
  gone.onModuleInit();
  await elsewhere(`DELETE FROM mcp_registry WHERE name = 'told'`);
  parts.wakeups.wake('control');
  while (parts.upstreams.has('told')) await new Promise((turn) => setImmediate(turn));
  gone.onApplicationShutdown();
});

it('ends the program of a package that the settings no longer list, and starts it no more', async () => {
  const { configure, database, launches, registry, upstreams } = parts;
  const args = ['-y', 'srv@1.2.3'];
  const insert = (name: string, isKept: boolean) =>
    database.query(
      `INSERT INTO mcp_registry (name, base_url, capabilities, transport, command, args, is_launch_kept)
       VALUES ($1, $1, '{}', 'stdio', 'npx', $2, $3)`,
      [name, args, isKept],
    );
  await insert('listed', false);
  await insert('older', true);
  const open = async (name: string) => upstreams.of(await registry.find(name));
  const look = async (npmPackages: string[]) => {
    await configure({ npmPackages });
    await gone.look();
    return ['listed', 'older'].map((name) => upstreams.has(name));
  };
  await open('listed');
  await open('older');
  expect(await look(['srv'])).toEqual([true, true]);
  expect(await look(['srv@1.2.4'])).toEqual([false, true]);
  await expect(launches.approve(await registry.find('listed'))).rejects.toThrow(/npmPackages/);
  await expect(launches.approve(await registry.find('older'))).resolves.toMatchObject({
    file: 'npx',
  });
});

it('looks at each word of a change, on either database', async () => {
  const { wakeups, upstreams } = parts;
  await register('heard');
  await call('heard');
  await elsewhere(`DELETE FROM mcp_registry WHERE name = 'heard'`);
  gone.onModuleInit();
  wakeups.wake('control');
  while (upstreams.has('heard')) await new Promise((turn) => setImmediate(turn));
  gone.onApplicationShutdown();
});

it('leaves those that ran before packages were listed as they are', async () => {
  const { database } = parts;
  // With what later migrations have hung on it.
  await database.query('ALTER TABLE mcp_registry DROP COLUMN is_launch_kept CASCADE');
  for (const [name, command] of [
    ['before', 'npx'],
    ['script', 'node'],
  ])
    await database.query(
      `INSERT INTO mcp_registry (name, base_url, capabilities, transport, command) VALUES ($1, $1, '{}', 'stdio', $2)`,
      [name, command],
    );
  const runner = database.dataSource.createQueryRunner();
  await new KeepLaunchesInUse1764178000000().up(runner);
  await runner.release();
  expect(
    await database.query(
      `SELECT name, is_launch_kept FROM mcp_registry WHERE name IN ('before', 'script') ORDER BY name`,
    ),
  ).toEqual([
    { name: 'before', is_launch_kept: true },
    { name: 'script', is_launch_kept: false },
  ]);
});
