import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GatewayParts, admin, isNative, startGateway } from '../testing.js';
import { controlledClock } from '../chain/testing.js';

/**
 * Twenty times over, a server over a pipe is killed, hangs, or floods: a call to it ends in time, the calls to
 * another server are answered all the while, and once it behaves it is found again.
 */
const TIMES = 20;
const DEADLINE_MS = 400;

let parts: GatewayParts;
let clock: ReturnType<typeof controlledClock>;
beforeAll(async () => {
  parts = await startGateway({});
  await parts.configure({ circuit: { failures: 1000 } });
  await mkdir(join(parts.dataDir, 'mcp-servers'));
  await register('calm', `ok()`);
});
afterAll(() => parts.stop());
beforeEach(() => {
  clock = controlledClock();
});
afterEach(() => jest.restoreAllMocks());

/** `onCall` runs at `tools/call`; each start of the server writes its pid into the file `pids`. */
async function register(name: string, onCall: string): Promise<void> {
  const path = join(parts.dataDir, 'mcp-servers', `${name}.mjs`);
  await writeFile(
    path,
    `import { createInterface } from 'node:readline';
     import { appendFileSync } from 'node:fs';
     import { spawn } from 'node:child_process';
     appendFileSync('pids', process.pid + '\\n');
     const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
     createInterface({ input: process.stdin }).on('line', (line) => {
       const { id, method } = JSON.parse(line);
       const ok = () => say({ id, result: { content: [] } });
       if (method === 'initialize') say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } } });
       else if (method === 'tools/list') say({ id, result: { tools: [{ name: 'bad', inputSchema: { type: 'object' } }, { name: 'good', inputSchema: { type: 'object' } }] } });
       else if (method === 'tools/call') { if (line.includes('"good"')) ok(); else { ${onCall} } }
       else if (id !== undefined) say({ id, error: { code: -32601, message: 'no such method' } });
     });`,
  );
  const info = await parts.register({
    name,
    transport: 'stdio',
    command: 'node',
    args: [path],
    timeoutMs: DEADLINE_MS,
  });
  expect(info.health).toMatchObject({ state: 'healthy' });
}

const call = (server: string, tool: string, timeoutMs = DEADLINE_MS) =>
  parts.gateway.call(admin(), { server, tool, args: {}, timeoutMs }).then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
const startsOf = async (name: string) =>
  (await readFile(join(parts.dataDir, 'upstreams', name, 'pids'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);

const flood = `let left = 64; const more = () => left-- > 0 && process.stdout.write('x'.repeat(1 << 20), more); more();`;

// One that hangs is found out by a question that it does not answer for two seconds, and one that floods by megabytes of
// its noise: there, several calls meet it at once.
const onLite = isNative ? it.skip : it; // which database is under it changes nothing here: npm test runs it on PGlite
onLite.each([
  ['killed', `process.kill(process.pid, 'SIGKILL');`, 'server_unreachable', 1, 20_000],
  ['hanging', `process.kill(process.pid, 'SIGSTOP');`, 'tool_timeout', 5, DEADLINE_MS],
  ['flooding', flood, 'server_unreachable', 4, 20_000],
])(
  'a server that is %s costs its own callers their time, and nobody else anything',
  async (name, onCall, code, atOnce, timeoutMs) => {
    await register(name, onCall);
    const rounds = TIMES / atOnce;
    for (let i = 0; i < rounds; i++) {
      const bad = Array.from({ length: atOnce }, () => call(name, 'bad', timeoutMs));
      expect(
        await Promise.all(Array.from({ length: 5 }, () => call('calm', 'good', 20_000))),
      ).toEqual(Array.from({ length: 5 }, () => 'ok'));
      expect(await Promise.all(bad)).toEqual(Array.from({ length: atOnce }, () => code));
      // It is let be after a failure; the time of that pause is the test's to give.
      for (let tries = 0; (await call(name, 'good', 20_000)) !== 'ok'; tries++) {
        expect(tries).toBeLessThan(200);
        clock.pass(31_000);
      }
    }
    const starts = await startsOf(name);
    expect(starts.length).toBeGreaterThan(rounds);
    // One start for each end, and one of the registration: nobody starts it without end.
    expect(starts.length).toBeLessThanOrEqual(3 * rounds);
    // The last that was ended may take a moment to go.
    const alive = async () => (await Promise.all(starts.map(isAlive))).filter(Boolean).length;
    while ((await alive()) > 1) await new Promise((done) => setImmediate(done));
    expect(await alive()).toBe(1);
  },
  240_000,
);

it('a server that is killed again and again without a pause between is let be, for longer each time', async () => {
  await register('crashing', `process.exit(1);`);
  const before = (await startsOf('crashing')).length;
  const codes = new Set<string>();
  for (let i = 0; i < 50; i++) codes.add(await call('crashing', 'bad', 20_000));
  expect([...codes]).toEqual(['server_unreachable']);
  expect((await startsOf('crashing')).length - before).toBeLessThanOrEqual(5);
});

it('what a server has started goes with it', async () => {
  await register(
    'parent',
    `const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
     appendFileSync('children', child.pid + '\\n', {}); child.once('spawn', () => process.exit(0));`,
  );
  expect(await call('parent', 'bad', 20_000)).toBe('server_unreachable');
  const file = join(parts.dataDir, 'upstreams', 'parent', 'children');
  const [child] = (await readFile(file, 'utf8')).split('\n').map(Number);
  while (await isAlive(child!)) await new Promise((done) => setImmediate(done));
  expect(await readdir(join(parts.dataDir, 'upstreams', 'parent'))).toContain('children');
});

/** Not one that has ended and waits to be taken away. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return /State:\s+[^ZX\s]/.test(status);
}
