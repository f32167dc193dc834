import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ToolServerOfTest, controlledClock, startToolServer } from '../chain/testing.js';
import { type GatewayParts, actor, startGateway } from '../testing.js';
import type { OutboundTokens } from './outbound-tokens.js';
import type { UpstreamRequest } from './upstream.js';
import { type UpstreamRow, Upstreams } from './upstreams.js';

let parts: GatewayParts;
let server: ToolServerOfTest;
let upstreams: Upstreams;
let told: string[];
beforeAll(async () => {
  parts = await startGateway({});
});
afterAll(() => parts.stop());
beforeEach(async () => {
  server = await startToolServer([{ name: 'go' }]);
  const tokens = { tokenFor: () => Promise.resolve('token') } as unknown as OutboundTokens;
  const { launches, vault, inProcess, outside } = parts;
  upstreams = new Upstreams(launches, vault, inProcess, outside, tokens);
  told = [];
  upstreams.onHealth = (name, { state }) => void told.push(`${name} is ${state}`);
  upstreams.onChange = (name, { kind }) => void told.push(`${name} has ${kind}`);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await upstreams.onApplicationShutdown();
  await server.stop();
});

const row = (more: Partial<UpstreamRow> = {}): UpstreamRow => ({
  ...{ name: 'far', transport: 'http', base_url: server.url, command: null, args: [] },
  ...{ auth_token: null, auth: null, openapi: null },
  ...more,
});
const request = (by = actor('operator')): UpstreamRequest => ({
  ...{ definition: { name: 'go', inputSchema: { type: 'object' } }, args: {}, meta: {} },
  ...{ timeoutMs: 20_000, signal: new AbortController().signal, mayRepeat: false },
  caller: { ctx: by, run: undefined, idempotencyKey: '', timeoutMs: 20_000 },
});
const greetings = () => server.seen.filter(({ method }) => method === 'initialize').length;

it('keeps one connection of a server, whatever else of its row changes', async () => {
  const first = upstreams.of(row());
  await first.call(request());
  expect(upstreams.of(row())).toBe(first);
  await upstreams.of(row()).call(request());
  expect(greetings()).toBe(1);
});

it.each<[string, Partial<UpstreamRow>]>([
  ['address', { base_url: 'http://127.0.0.1:9/mcp' }],
  ['transport', { transport: 'sse' }],
  ['command', { command: 'node' }],
  ['arguments', { args: ['x'] }],
  ['secret', { auth_token: 'KEY' }],
  ['sign-in', { auth: { grant: 'token-exchange' } as never }],
  ['operations', { openapi: {} as never }],
])(
  'makes another when its %s changes, and cuts what is under way over the old one',
  async (_, more) => {
    server.onCall = () => new Promise(() => undefined);
    const old = upstreams.of(row());
    const cut = old.call(request());
    cut.catch(() => undefined); // looked at below
    while (server.calls() === 0) await new Promise((turn) => setImmediate(turn));
    expect(upstreams.of(row(more))).not.toBe(old);
    await expect(cut).rejects.toMatchObject({ kind: 'connection_lost' });
  },
);

it('lets go of a server that is closed, and of all at the end', async () => {
  const [near, far] = [upstreams.of(row({ name: 'near' })), upstreams.of(row())];
  await upstreams.close('near');
  await expect(near.call(request())).rejects.toThrow('is being shut down');
  expect(upstreams.of(row({ name: 'near' }))).not.toBe(near);
  await upstreams.onApplicationShutdown();
  await expect(far.call(request())).rejects.toThrow('is being shut down');
});

it('looks whether a server over HTTP answers, and starts none over a pipe for that', async () => {
  await upstreams.of(row()).probe(20_000);
  expect([greetings(), told]).toEqual([1, ['far is healthy']]);
  const folder = join(parts.dataDir, 'mcp-servers');
  await mkdir(folder, { recursive: true });
  const script = join(folder, 'started.mjs');
  await writeFile(
    script,
    `import { writeFileSync } from 'node:fs'; writeFileSync('started', ''); process.exit();`,
  );
  const piped = upstreams.of(
    row({ name: 'piped', transport: 'stdio', command: 'node', args: [script] }),
  );
  const isStarted = () =>
    readFile(join(parts.dataDir, 'upstreams', 'piped', 'started')).then(
      () => true,
      () => false, // it was not
    );
  await piped.probe(20_000);
  expect([await isStarted(), told]).toEqual([false, ['far is healthy']]);
  await expect(piped.about({ timeoutMs: 20_000 })).rejects.toThrow();
  expect(await isStarted()).toBe(true);
});

it('hears of the server over its own connection, and nothing over that of one caller', async () => {
  const clock = controlledClock();
  const perCaller = row({ auth_token: 'KEY', auth: { perCaller: true } as never });
  const upstream = upstreams.of(perCaller);
  await upstream.about({ timeoutMs: 20_000 });
  expect(told).toEqual(['far is healthy']);
  const caller = actor('operator');
  await upstream.call(request(caller));
  expect(greetings()).toBe(2);
  for (const onCall of [() => 500, () => undefined, () => 401]) {
    server.onCall = onCall;
    clock.pass(60_000);
    await expect(upstream.call(request(caller))).rejects.toMatchObject({ name: 'UpstreamFault' });
  }
  expect(told).toEqual(['far is healthy']);
});
