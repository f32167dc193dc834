import { rolePermissions } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { startToolServer, type ToolServerOfTest } from '../chain/testing.js';
import { type GatewayParts, actor, admin, startGateway } from '../testing.js';
import { ChangeMcpServer } from './change-server.js';
import { RemoveMcpServer } from './remove-server.js';

let parts: GatewayParts;
let old: ToolServerOfTest;
let next: ToolServerOfTest;
let n = 0;

beforeAll(async () => {
  parts = await startGateway({});
  await parts.secret('TOKEN', 'canary-token');
});
afterAll(() => parts.stop());
beforeEach(async () => {
  [old, next] = await Promise.all([
    startToolServer([{ name: 'read' }, { name: 'gone' }]),
    startToolServer([{ name: 'read' }, { name: 'more' }]),
  ]);
});
afterEach(() => Promise.all([old.stop(), next.stop()]));

async function register(more: object = {}) {
  const name = `m${++n}`;
  return parts.register({ name, transport: 'http', url: old.url, ...more });
}
const change = (of: { name: string; version: number }, input: object, by: Ctx = admin()) =>
  parts.change.execute(new ChangeMcpServer(by, of.name, of.version, input));
const call = (server: string, tool = 'read') =>
  parts.gateway.call(admin(), { server, tool, args: {} });
const stored = async (name: string) => (await parts.queries.server(name)).url;

describe('a circuit that is open', () => {
  beforeEach(async () => {
    await parts.configure({ circuit: { failures: 1, openForMs: 600_000 } });
    old.onCall = () => 500;
  });
  afterEach(() => parts.configure({}));

  const opened = async () => {
    const server = await register();
    await expect(call(server.name)).rejects.toMatchObject({ code: 'server_unreachable' });
    await expect(call(server.name)).rejects.toMatchObject({ code: 'circuit_open' });
    return server;
  };

  it('is forgotten when its server is moved, and no sooner', async () => {
    const described = await change(await opened(), { description: 'Down again' });
    await expect(call(described.name)).rejects.toMatchObject({ code: 'circuit_open' });
    await change(described, { url: next.url });
    await call(described.name);
  });

  it('is forgotten when its server is removed: another may have its name', async () => {
    const { name } = await opened();
    await parts.remove.execute(new RemoveMcpServer(admin(), name, undefined));
    await parts.register({ name, transport: 'http', url: next.url });
    await call(name);
  });
});

describe('a change that leaves a server as it is', () => {
  const told = async (name: string) =>
    parts.database.query(
      `SELECT (SELECT count(*) FROM audit_logs WHERE resource = $1 AND action = 'registry.change')::int AS audited,
              (SELECT count(*) FROM events WHERE payload ->> 'server' = $2)::int AS events`,
      [`mcp-server:${name}`, name],
    );
  const given = { description: 'One', timeoutMs: 5000, limits: { perMinute: 5, perDay: 9 } };

  it.each<[string, object]>([
    ['says nothing', {}],
    ['says what is so', { ...given, enabled: true, limits: { perDay: 9, perMinute: 5 } }],
  ])('since it %s makes no version, no audit row and no event', async (_, input) => {
    const server = await register(given);
    const before = await told(server.name);
    expect(await change(server, input)).toMatchObject({ ...given, version: server.version });
    expect(await told(server.name)).toEqual(before);
    await expect(change({ ...server, version: 7 }, input)).rejects.toMatchObject({ status: 412 });
  });

  it.each<[string, object]>([
    ['its description', { description: 'Two' }],
    ['its time', { timeoutMs: 6000 }],
    ['whether it is on', { enabled: false }],
    ['what may be asked twice', { idempotentTools: ['read'] }],
    ['its limits', { limits: { perMinute: 6 } }],
  ])('is none when it is of %s', async (_, input) => {
    const server = await register(given);
    expect((await change(server, input)).version).toBe(server.version + 1);
  });
});

describe('a server that is moved', () => {
  it('is asked at the new place, and called there from then on', async () => {
    const before = await register();
    await call(before.name);
    const after = await change(before, { url: next.url });
    expect(after).toMatchObject({ url: next.url, tools: 2, health: { state: 'healthy' } });
    await call(before.name);
    expect([old.calls(), next.calls()]).toEqual([1, 1]);
    await expect(call(before.name, 'gone')).rejects.toMatchObject({ code: 'unknown_tool' });
    const [row] = await parts.database.query<{ diff: unknown }>(
      `SELECT diff FROM audit_logs WHERE action = 'registry.change' AND resource = $1`,
      [`mcp-server:${before.name}`],
    );
    expect(row!.diff).toMatchObject({ before: { url: old.url }, after: { url: next.url } });
  });

  it('holds back a tool that is told of otherwise there', async () => {
    next.tools = [{ name: 'read', description: 'Another one' }];
    const before = await register();
    const after = await change(before, { url: next.url });
    expect(after.pins).toEqual({ changed: 1, quarantined: 0 });
    await expect(call(before.name)).rejects.toMatchObject({ code: 'tool_quarantined' });
    expect(next.calls()).toBe(0);
  });

  it('stays where it was when nobody answers at the new place', async () => {
    const before = await register();
    await expect(
      change(before, { url: 'http://127.0.0.1:9/mcp', description: 'moved' }),
    ).rejects.toMatchObject({ code: 'server_unreachable' });
    const kept = await parts.queries.server(before.name);
    expect([kept.url, kept.description, kept.version]).toEqual([old.url, '', before.version]);
    await call(before.name);
  });

  it('takes its secret along only for whoever may give one', async () => {
    const before = await register({ auth: { secret: 'TOKEN' } });
    const by = actor('admin');
    by.actor.grants = rolePermissions.admin
      .filter((permission) => permission !== 'secret.write')
      .map((permission) => ({ permission, projectId: null }));
    await expect(change(before, { url: next.url }, by)).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect(next.seen).toHaveLength(0);
    // Without a secret there is none to give away.
    const after = await change(before, { url: next.url, auth: null }, by);
    expect(after.authSecret).toBeNull();
    expect(next.seen.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
  });

  it('may sign in otherwise at the same place', async () => {
    const before = await register();
    const after = await change(before, { auth: { secret: 'TOKEN' } });
    expect([after.url, after.authSecret]).toEqual([old.url, 'TOKEN']);
    old.seen.length = 0;
    await call(before.name);
    expect(old.seen.at(-1)!.headers.authorization).toBe('Bearer canary-token');
  });

  it.each([
    ['the metadata service', { url: 'http://169.254.169.254/' }, 'validation_failed'],
    ['a command, being a server over HTTP', { command: 'node' }, 'conflict'],
    ['a secret that there is not', { auth: { secret: 'NOPE' } }, 'unknown_secret'],
  ])('cannot be given %s', async (_, input, code) => {
    const before = await register();
    await expect(change(before, input)).rejects.toMatchObject({ code });
    expect(await stored(before.name)).toBe(old.url);
  });

  it('is not asked anywhere for a stale change', async () => {
    const before = await register();
    await change(before, { description: 'newer' });
    await expect(change(before, { url: next.url })).rejects.toMatchObject({
      code: 'precondition_failed',
    });
    expect(next.seen).toHaveLength(0);
  });
});

it('leaves a server its launch of before packages were listed, until it is given another one', async () => {
  const [everything, memory] = ['everything', 'memory'].map(
    (name) => `node_modules/@modelcontextprotocol/server-${name}/dist/index.js`,
  );
  const command = { command: 'node', args: [memory!] };
  let { name, version } = await register({ url: undefined, transport: 'stdio', ...command });
  const mark = (isKept: boolean) =>
    parts.database.query('UPDATE mcp_registry SET is_launch_kept = $2 WHERE name = $1', [
      name,
      isKept,
    ]);
  const isKeptAfter = async (input: object) => {
    ({ name, version } = await change({ name, version }, input));
    return (await parts.registry.find(name)).is_launch_kept;
  };
  await mark(true);
  expect(await isKeptAfter({ description: 'Other words' })).toBe(true);
  expect(await isKeptAfter({ ...command, auth: { secret: 'TOKEN' } })).toBe(true);
  expect(await isKeptAfter({ args: [everything] })).toBe(false);
  expect(await isKeptAfter({ args: [memory] })).toBe(false);
  await mark(true);
  await expect(change({ name, version }, { command: 'npx', args: ['srv'] })).rejects.toThrow(
    /npmPackages/,
  );
});
