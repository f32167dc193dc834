import { randomUUID } from 'node:crypto';
import { say } from '@aos/contracts';
import type {
  Agent,
  McpServerInfo,
  OpenApiImport,
  Proposal,
  SecondPersonRule,
  ServersImport,
  SystemConfig,
  SystemConfigAnswer,
  ToolPin,
  Page,
} from '@aos/contracts';
import { AgentsModule } from '../src/modules/agents/index.js';
import { ArtifactsModule } from '../src/modules/artifacts/index.js';
import {
  type ToolServerOfTest,
  startToolServer,
} from '../src/modules/integrations/chain/testing.js';
import { IntegrationsModule, Registry, Upstreams } from '../src/modules/integrations/index.js';
import { JobsModule } from '../src/modules/jobs/index.js';
import { RunsModule } from '../src/modules/runs/index.js';
import { isNative } from './harness.js';
import { type HttpApp, type SignedIn, makeRole, openHttpApp } from './http-app.js';

/** Tool servers under the rule: everything that changes what one is or may do waits for a second person. */
let http: HttpApp;
let [owner, ann, ben]: SignedIn[] = [];
let server: ToolServerOfTest;
const imports = [ArtifactsModule, JobsModule, IntegrationsModule, AgentsModule, RunsModule];

type Body = Proposal &
  McpServerInfo &
  ServersImport &
  OpenApiImport &
  Agent & { code: string; detail: string; errors: { path: string; message: string }[] };

beforeAll(async () => {
  http = await openHttpApp({ imports });
  [owner, ann, ben] = await Promise.all(
    ['owner', 'admin', 'admin'].map((role) => http.signIn(role)),
  );
  await rule({ servers: true });
});
beforeEach(async () => {
  server = await startToolServer([{ name: 'read', description: 'Reads' }]);
});
afterEach(() => server.stop());
afterAll(() => http.close());

const send = (
  as: SignedIn | undefined,
  method: string,
  path: string,
  body?: unknown,
  tag?: number,
) =>
  http.call<Body>(path, {
    method,
    as: as!,
    ...(body !== undefined && { body }),
    ...(tag !== undefined && { headers: { 'if-match': `"${tag}"` } }),
  });
const decide = (id: string, as = ben, decision = 'confirm', more: object = {}) =>
  send(as, 'POST', `/config/proposals/${id}/decide`, { decision, ...more });
const seen = async (id: string, as = ben) =>
  (await send(as, 'GET', `/config/proposals/${id}`)).body as Proposal;
const info = (name: string) => send(owner, 'GET', `/mcp/registry/${name}`);
const isThere = async (name: string) => (await info(name)).status === 200;
const pins = async (name: string) =>
  (await http.call<Page<ToolPin>>(`/mcp/pins?server=${name}`, { as: owner! })).body.items;
const offered = async (name: string) =>
  (
    await http.call<{ items: { tool: string }[] }>(`/mcp/tools?server=${name}`, { as: owner! })
  ).body.items.map(({ tool }) => tool);
const isConnected = (name: string) => http.app.get(Upstreams, { strict: false }).has(name);
const named = () => `s${randomUUID().slice(0, 8)}`;
const registration = (name: string, more: object = {}) => ({
  ...{ name, transport: 'http', url: server.url, description: 'A server' },
  ...more,
});
const register = (name: string, more: object = {}, as = ann) =>
  send(as, 'POST', '/mcp/registry', registration(name, more));
/** Proposed by one, confirmed by the other. */
async function added(name = named(), more: object = {}): Promise<string> {
  const { body } = await register(name, more);
  expect((await decide(body.id)).text).toContain('"applied"');
  return name;
}
async function save(change: (config: SystemConfig) => void): Promise<void> {
  const { version, config } = (
    await http.call<SystemConfigAnswer>('/config/system', { as: owner! })
  ).body;
  change(config);
  const saved = await send(owner, 'PUT', '/config/system', config, version);
  const done = saved.status === 202 ? await decide(saved.body.id) : saved;
  expect([done.status, done.text]).toEqual([200, done.text]);
}
const allow = (addresses: string[]) =>
  save(({ gateway }) => void (gateway.httpAllowAddresses = addresses));
function rule(next: Partial<SecondPersonRule>): Promise<void> {
  const off = { settings: false, policies: false, roles: false, secrets: false, servers: false };
  return save(({ security }) => {
    security.secondPerson = { ...off, confirmers: [], ...next };
  });
}
/** What an older build, or somebody with the password of the database, would write. */
const write = (statement: string, values: unknown[] = []) => http.database.query(statement, values);

test('while the rule is off nothing of it is stored, and a server is registered at once', async () => {
  await rule({});
  const [stored] = await http.database.query<{ rule: object }>(
    'SELECT second_person_rule() AS rule',
  );
  expect(Object.keys(stored!.rule)).not.toContain('servers');
  const name = named();
  expect((await register(name)).status).toBe(201);
  expect((await send(ann, 'DELETE', `/mcp/registry/${name}`)).status).toBe(204);
  await rule({ servers: true });
});

describe('a registration', () => {
  test('waits with the definitions of its tools, and is made by somebody else with what it told', async () => {
    const name = named();
    const asked = await register(name, { timeoutMs: 5000, limits: { perDay: 9 } });
    const { id } = asked.body;
    expect([asked.status, asked.headers.get('location')]).toEqual([202, `/config/proposals/${id}`]);
    expect(asked.body).toMatchObject({
      ...{ kind: 'servers', action: 'server.register', target: `mcp-server:${name}` },
      ...{ state: 'pending', before: null, baseVersion: null, you: { obstacle: 'own' } },
      after: {
        ...{ name, url: server.url, timeoutMs: 5000, limits: { perDay: 9 } },
        tools: [{ name: 'read', description: 'Reads', inputSchema: { type: 'object' } }],
      },
    });
    expect(await isThere(name)).toBe(false);
    // The connection of the look is let go of: nobody has let this server in.
    expect(isConnected(name)).toBe(false);
    expect((await decide(id, ann)).body.code).toBe('self_approval');
    expect((await decide(id)).body.state).toBe('applied');
    expect((await info(name)).body).toMatchObject({
      ...{ url: server.url, timeoutMs: 5000, limits: { perDay: 9 }, tools: 1 },
      health: { state: 'healthy' },
    });
    expect(await offered(name)).toEqual([`${name}.read`]);
    const audit = await http.database.query<{ action: string; diff: { changes: unknown } }>(
      `SELECT action, diff FROM audit_logs WHERE resource = $1 OR diff->'confirms'->>'proposal' = $2 ORDER BY id`,
      [`proposal:${id}`, id],
    );
    expect(audit.map(({ action }) => action)).toEqual([
      ...['proposal.create', 'registry.create', 'proposal.confirm'],
    ]);
    // The audit has the hashes: a definition may be long.
    expect(JSON.stringify(audit[0]!.diff)).toContain('"hash"');
    expect(JSON.stringify(audit[0]!.diff)).not.toContain('inputSchema');
  });

  test('of a server that does not answer cannot be proposed, and is not confirmed while it does not', async () => {
    const away = named();
    await server.stop();
    const refused = await register(away);
    expect([refused.status, refused.body.code]).toEqual([502, 'server_unreachable']);
    expect(refused.body.detail).toMatch(/try again when it answers/);
    const port = Number(new URL(server.url).port);
    server = await startToolServer([{ name: 'read', description: 'Reads' }], port);
    const { id } = (await register(away)).body;
    await server.stop();
    const late = await decide(id);
    expect([late.status, late.body.code]).toEqual([502, 'server_unreachable']);
    expect(late.body.detail).toMatch(/goes on waiting/);
    expect([await isThere(away), (await seen(id)).state]).toEqual([false, 'pending']);
    server = await startToolServer([{ name: 'read', description: 'Reads' }], port);
    expect((await decide(id)).body.state).toBe('applied');
  });

  test('holds only the definitions that were shown', async () => {
    const name = named();
    const { id } = (await register(name)).body;
    server.tools = [{ name: 'read', description: 'Reads all' }, { name: 'wipe' }];
    const moved = await decide(id);
    expect([moved.status, moved.body.code, isConnected(name)]).toEqual([409, 'conflict', false]);
    expect(moved.body.errors).toEqual([
      expect.objectContaining({ path: 'tools.read', message: 'has another definition' }),
      expect.objectContaining({ path: 'tools.wipe', message: 'was not proposed' }),
    ]);
    server.tools = [];
    expect((await decide(id)).body.errors).toMatchObject([{ message: 'is not there any more' }]);
    expect([await isThere(name), (await seen(id)).state]).toEqual([false, 'pending']);
    server.tools = [{ name: 'read', description: 'Reads' }];
    expect((await decide(id)).body.state).toBe('applied');
  });

  test('asks the server only for who may confirm it, and only while it is open', async () => {
    const name = named();
    const { id } = (await register(name)).body;
    await makeRole(http.database, 'looker', ['tool.read']);
    const looker = await http.signIn('looker');
    server.seen.length = 0;
    expect((await decide(id, ann)).status).toBe(403);
    expect((await decide(id, looker)).body.code).toBe('not_an_approver');
    await decide(id, ben, 'refuse');
    expect((await decide(id)).body.code).toBe('proposal_decided');
    expect(server.seen).toEqual([]);
  });

  test('is void once there is one of its name; of two at once one is added', async () => {
    const name = named();
    const [a, b] = [(await register(name)).body.id, (await register(name, {}, owner)).body.id];
    const answers = await Promise.all([a, b].map((id) => decide(id)));
    expect(answers.map(({ body }) => body.code ?? body.state).sort()).toEqual([
      ...['applied', 'proposal_void'],
    ]);
    const left = answers[0]!.body.state === 'applied' ? b : a;
    expect(await seen(left)).toMatchObject({ state: 'void', voidBecause: 'base' });
    // The one that lost has not cut the connection of the one that is there.
    expect(isConnected(name)).toBe(true);
    expect(await offered(name)).toEqual([`${name}.read`]);
  });

  test('goes by the rights of who confirms it, secrets among them', async () => {
    await send(owner, 'PUT', '/config/runtime/secrets/TOKEN', { value: 'canary-7', purpose: '' });
    await makeRole(http.database, 'tooler', ['tool.read', 'tool.write']);
    const name = named();
    const { id } = (await register(name, { auth: { secret: 'TOKEN' } })).body;
    const tooler = await http.signIn('tooler');
    expect((await decide(id, tooler)).body.detail).toMatch(/secret\.write/);
    expect((await decide(id)).body.state).toBe('applied');
    expect((await info(name)).body.authSecret).toBe('TOKEN');
  });
});

describe('a change', () => {
  const patch = (name: string, tag: number, body: object, as = ann) =>
    send(as, 'PATCH', `/mcp/registry/${name}`, body, tag);

  test('of what a server may do waits, and is of the version that was seen', async () => {
    const name = await added();
    const asked = await patch(name, 1, { enabled: false, limits: { perMinute: 1 } });
    expect([asked.status, asked.headers.get('etag')]).toEqual([202, '"1"']);
    expect(asked.body.changes).toEqual([
      { path: 'enabled', before: true, after: false },
      { path: 'limits.perMinute', before: null, after: 1 },
    ]);
    const other = (await patch(name, 1, { description: 'Else' })).body.id;
    expect((await info(name)).body.enabled).toBe(true);
    expect(isConnected(name)).toBe(true);
    expect((await decide(asked.body.id)).body.state).toBe('applied');
    expect(isConnected(name)).toBe(false);
    expect((await info(name)).body).toMatchObject({
      ...{ enabled: false, version: 2, limits: { perMinute: 1 }, description: 'A server' },
    });
    expect(await seen(other)).toMatchObject({ state: 'void', voidBecause: 'base' });
    expect((await decide(other)).body).toMatchObject({
      code: 'proposal_void',
      errors: expect.arrayContaining([expect.objectContaining({ path: 'enabled' })]) as object[],
    });
    // What says nothing new is nothing to be confirmed, the same way named once more included.
    expect((await patch(name, 2, { url: server.url })).status).toBe(200);
  });

  test('to another place has the definitions from there, and is asked there once more', async () => {
    const name = await added();
    const next = await startToolServer([{ name: 'read', description: 'Reads' }, { name: 'more' }]);
    const { body } = await patch(name, 1, { url: next.url });
    expect(body).toMatchObject({
      before: { url: server.url, tools: [{ name: 'read' }] },
      after: { url: next.url, tools: [{ name: 'read' }, { name: 'more' }] },
    });
    next.tools = [{ name: 'read', description: 'Reads' }, { name: 'worse' }];
    expect((await decide(body.id)).body.code).toBe('conflict');
    expect((await info(name)).body.url).toBe(server.url);
    next.tools = [{ name: 'read', description: 'Reads' }, { name: 'more' }];
    expect((await decide(body.id)).body.state).toBe('applied');
    expect((await info(name)).body.url).toBe(next.url);
    expect(await offered(name)).toEqual([`${name}.more`, `${name}.read`]);
    await next.stop();
  });

  test('of one that was taken away and registered anew is void, also where no version tells', async () => {
    const name = await added();
    const [changed, gone] = [
      (await patch(name, 1, { description: 'Else' })).body.id,
      (await send(owner, 'DELETE', `/mcp/registry/${name}`)).body.id,
    ];
    const first = (await send(ann, 'DELETE', `/mcp/registry/${name}`)).body;
    expect(first).toMatchObject({
      action: 'server.remove',
      after: null,
      before: { enabled: true },
    });
    expect(await isThere(name)).toBe(true);
    expect((await decide(first.id)).body.state).toBe('applied');
    expect(await isThere(name)).toBe(false);
    for (const id of [changed, gone]) expect((await decide(id)).body.code).toBe('proposal_void');
    await added(name);
    for (const id of [changed, gone]) {
      expect((await seen(id)).state).toBe('void');
      expect((await decide(id)).body.code).toBe('proposal_void');
    }
    expect(await isThere(name)).toBe(true);
  });

  test('that somebody wrote without a version meanwhile makes it void', async () => {
    const name = await added();
    const changed = (await patch(name, 1, { enabled: false })).body.id;
    const gone = (await send(ann, 'DELETE', `/mcp/registry/${name}`)).body.id;
    await rule({});
    await write(`UPDATE mcp_registry SET idempotent_tools = '{read}' WHERE name = $1`, [name]);
    await rule({ servers: true });
    for (const id of [changed, gone]) expect((await decide(id)).body.code).toBe('proposal_void');
    expect((await info(name)).body.enabled).toBe(true);
  });

  test('of a built-in server waits too', async () => {
    const { version } = (await info('env')).body;
    const { id } = (await patch('env', version, { enabled: false })).body;
    expect((await info('env')).body.enabled).toBe(true);
    await decide(id, ben, 'refuse');
  });
});

describe('documents of others', () => {
  const mcpServers = () => ({
    one: { url: server.url },
    two: { url: server.url, headers: { Authorization: 'Bearer canary-in-document' } },
  });
  const canaries = ['canary-in-document', 'canary-in-address'];

  test('an import is one proposal of all its servers', async () => {
    await send(owner, 'PUT', '/config/runtime/secrets/TWO', { value: 'canary-8', purpose: '' });
    const body = { mcpServers: mcpServers(), secrets: { two: 'TWO' } };
    const asked = await send(ann, 'POST', '/mcp/registry/import', body);
    expect(asked.body).toMatchObject({
      ...{ action: 'servers.import', target: 'mcp-servers:import' },
      after: { servers: [{ name: 'one' }, { name: 'two', auth: { secret: 'TWO' } }] },
    });
    expect([await isThere('one'), await isThere('two')]).toEqual([false, false]);
    expect((await decide(asked.body.id)).body.state).toBe('applied');
    expect([await isThere('one'), await isThere('two')]).toEqual([true, true]);
    // With nothing to be added there is nothing to be confirmed, nor is a look at a document a change.
    expect((await send(ann, 'POST', '/mcp/registry/import', body)).status).toBe(200);
    const late = { mcpServers: { three: { url: server.url }, four: { url: server.url } } };
    const preview = await send(ann, 'POST', '/mcp/registry/import', { ...late, preview: true });
    expect(preview.status).toBe(200);
    const { id } = (await send(ann, 'POST', '/mcp/registry/import', late)).body;
    await added('four');
    expect((await seen(id)).state).toBe('void');
    expect([(await decide(id)).body.code, await isThere('three')]).toEqual([
      ...['proposal_void', false],
    ]);
  });

  test('an OpenAPI document is kept as it was read, and nothing of it is fetched again', async () => {
    const name = named();
    await allow(['127.0.0.1']);
    const at = new URL(server.url).origin;
    const document = {
      openapi: '3.1.0',
      info: { title: 'Shop', version: '1' },
      servers: [{ url: `${at}/v1` }],
      paths: { '/items': { get: { operationId: 'list', description: 'Lists' } } },
    };
    const asked = await send(ann, 'POST', '/mcp/registry/import/openapi', { name, document });
    expect(asked.body).toMatchObject({
      ...{ action: 'server.register', target: `mcp-server:${name}` },
      after: { transport: 'openapi', tools: [{ name: 'list', request: 'GET /items' }] },
    });
    const { id } = asked.body;
    const serviceAt = (url: string) =>
      write(
        `UPDATE proposed_services SET service = jsonb_set(service, '{baseUrl}', to_jsonb($2::text)) WHERE proposal_id = $1`,
        [id, url],
      );
    // Another service under the hash that was seen is not what was seen.
    await serviceAt(`${at}/v2`);
    expect((await decide(id)).body.code).toBe('proposal_void');
    await serviceAt(`${at}/v1`);
    // Nor is one at an address that may not be called by now.
    await allow([]);
    expect((await decide(id)).body.code).toBe('validation_failed');
    await allow(['127.0.0.1']);
    server.seen.length = 0;
    expect((await decide(id)).body.state).toBe('applied');
    expect((await info(name)).body).toMatchObject({ transport: 'openapi', tools: 1 });
    expect([await offered(name), server.seen]).toEqual([[`${name}.list`], []]);
  });

  test('a secret that stands in a document is nowhere', async () => {
    const tables = await http.database.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    const rows = await Promise.all(
      tables.map(({ name }) =>
        http.database.query(`SELECT string_agg(t::text, ' ') AS all FROM ${name} t`),
      ),
    );
    for (const canary of canaries) expect(JSON.stringify(rows)).not.toContain(canary);
  });

  test('what is too long to be looked at is refused; what is long is whole by its id', async () => {
    const long = (bytes: number) => ({ name: 'read', description: 'x'.repeat(bytes) });
    server.tools = Array.from({ length: 25 }, (_, i) => ({ ...long(200_000), name: `t${i}` }));
    expect((await register(named())).body.detail).toMatch(/too long to be looked at/);
    server.tools = [long(70_000)];
    const { id } = (await register(named())).body;
    const { items } = (
      await http.call<{ items: Proposal[] }>('/config/proposals?kind=servers', { as: ben! })
    ).body;
    const listed = items.find((each) => each.id === id)!;
    expect([listed.isPartial, listed.after!['tools']]).toEqual([true, undefined]);
    const whole = await seen(id);
    expect(whole).toMatchObject({ isPartial: false, after: { tools: [{ name: 'read' }] } });
  });
});

describe('a definition', () => {
  const accept = ({ server, tool, waitingHash }: ToolPin, as = ann) =>
    send(as, 'POST', '/mcp/pins/approve', { server, tool, hash: waitingHash });
  /** As the probes do, now and then. */
  const look = async (name: string) => {
    const registry = http.app.get(Registry, { strict: false });
    await registry.syncTools(await registry.find(name));
  };

  test('that changed is accepted by a second person, and of the one that was seen', async () => {
    const name = await added();
    server.tools = [{ name: 'read', description: 'Reads more' }];
    await look(name);
    const asked = await accept((await pins(name))[0]!);
    const { id } = asked.body;
    expect(asked.body).toMatchObject({
      ...{ action: 'tool.accept', target: `tool:${name}.read` },
      changes: [
        { path: 'definition.description', before: 'Reads', after: 'Reads more' },
        { path: 'hash' },
      ],
    });
    expect(await offered(name)).toEqual([]);
    server.tools = [{ name: 'read', description: 'Reads everything' }];
    await look(name);
    expect(await seen(id)).toMatchObject({ state: 'void', voidBecause: 'base' });
    expect((await decide(id)).body.code).toBe('proposal_void');
    server.tools = [{ name: 'read', description: 'Reads more' }];
    await look(name);
    expect((await decide(id)).body.state).toBe('applied');
    expect(await offered(name)).toEqual([`${name}.read`]);
    // One that goes back to what was let in needs nobody.
    server.tools = [{ name: 'read', description: 'Otherwise' }];
    await look(name);
    server.tools = [{ name: 'read', description: 'Reads more' }];
    await look(name);
    expect(await offered(name)).toEqual([`${name}.read`]);
  });

  test('of a tool that is new at its server is off until it was confirmed, and says why', async () => {
    const name = await added();
    server.tools.push({ name: 'wipe' });
    await look(name);
    expect(await offered(name)).toEqual([`${name}.read`]);
    const refused = await send(ann, 'POST', '/mcp/call', { server: name, tool: 'wipe', args: {} });
    expect(refused.body.detail).toMatch(/new and nobody has confirmed it/);
    const [event] = await http.database.query<{ summary: string }>(
      `SELECT summary FROM events WHERE type = 'anomaly.detected' AND payload->>'server' = $1`,
      [name],
    );
    expect(event!.summary).toMatch(/is new at its server/);
    const { id } = (await accept((await pins(name)).find(({ tool }) => tool === 'wipe')!)).body;
    expect((await decide(id)).body.state).toBe('applied');
    expect(await offered(name)).toEqual([`${name}.read`, `${name}.wipe`]);
  });
});

test('an agent becomes a tool, and is one no longer, by two people', async () => {
  const name = named();
  await send(ann, 'POST', '/agents', { name, config: { tools: ['skills.*'], sop: [] } });
  const path = `/agents/${name}/register-mcp`;
  for (const [method, isIn] of [
    ['POST', true],
    ['DELETE', false],
  ] as const) {
    const asked = await send(ann, method, path);
    expect([asked.status, asked.body.target]).toEqual([202, `mcp-server:agent-${name}`]);
    expect(await isThere(`agent-${name}`)).toBe(!isIn);
    expect((await decide(asked.body.id)).body.state).toBe('applied');
    expect(await isThere(`agent-${name}`)).toBe(isIn);
    expect((await send(ann, method, path)).status).toBe(200);
  }
});

test('breaking the glass registers a server alone', async () => {
  const name = named();
  const { id } = (await register(name, {}, owner)).body;
  const glass = { breakGlass: true, comment: 'nobody else is awake' };
  expect((await decide(id, owner, 'confirm', glass)).body).toMatchObject({
    ...{ state: 'applied', breakGlass: true },
  });
  expect(await isThere(name)).toBe(true);
});

describe('what does not know of the rule', () => {
  test('changes no server and lets in no definition', async () => {
    const name = await added();
    server.tools = [];
    const bare = await added();
    server.tools = [{ name: 'read', description: 'Reads' }];
    server.tools.push({ name: 'late', description: 'x\u200b' });
    const registry = http.app.get(Registry, { strict: false });
    await registry.syncTools(await registry.find(name));
    for (const statement of [
      `INSERT INTO mcp_registry (name, base_url, capabilities) VALUES ('older', 'http://x', '{}')`,
      `DELETE FROM mcp_registry WHERE name = $1`,
      `DELETE FROM mcp_registry WHERE name = 'env' AND $1 <> ''`,
      `UPDATE mcp_registry SET name = 'else' WHERE name = '${bare}'`,
      `UPDATE mcp_registry SET is_enabled = false WHERE name = 'env' AND $1 <> ''`,
      ...[
        `base_url = 'http://x'`,
        `is_enabled = false`,
        `transport = 'builtin'`,
        `command = 'x'`,
        `args = '{x}'`,
        `auth_token = 'TOKEN'`,
        `auth = '{}'`,
        `openapi = '{}'`,
        `limits = '{"perDay": 1}'`,
        `idempotent_tools = '{read}'`,
        `timeout_ms = 1`,
        `use_prefix = false`,
        `description = 'else'`,
        `is_launch_kept = true`,
        `capabilities = '{"a": 1}'`,
        `created_at = now()`,
      ].map((set) => `UPDATE mcp_registry SET ${set} WHERE name = $1`),
      `UPDATE mcp_tools SET pin_state = 'pinned' WHERE server = $1 AND name = 'late'`,
      `UPDATE mcp_tools SET pin_state = 'changed' WHERE server = $1 AND name = 'late'`,
      ...[
        `definition = jsonb_set(definition, '{description}', '"worse"')`,
        `told = '{"name": "read", "description": "worse"}'`,
        `is_read_only = true`,
        `is_idempotent = true`,
        `name = 'other'`,
        `server = 'env'`,
      ].map((set) => `UPDATE mcp_tools SET ${set} WHERE server = $1 AND name = 'read'`),
    ])
      expect([
        statement,
        await write(statement, statement.includes('$1') ? [name] : []).then(
          () => 'written',
          (error: Error) => error.message,
        ),
      ]).toEqual([statement, expect.stringContaining('second person')]);
    // An older build lets a new tool in: its row is turned over.
    await write(
      `INSERT INTO mcp_tools (server, name, definition, definition_hash) VALUES ($1, 'wipe', '{"name": "wipe"}', 'x')
         ON CONFLICT (server, name) DO UPDATE SET pin_state = EXCLUDED.pin_state`,
      [name],
    );
    expect(await offered(name)).toEqual([`${name}.read`]);
  });

  test('goes on with what a process writes by itself', async () => {
    const name = await added();
    await write(`UPDATE mcp_registry SET health = '{"state": "unhealthy"}' WHERE name = $1`, [
      name,
    ]);
    await write(`UPDATE mcp_registry SET left_out = $2, updated_at = now() WHERE name = $1`, [
      name,
      JSON.stringify([{ tool: 'x', said: say('tool-unnamable') }]),
    ]);
    await write(`UPDATE mcp_tools SET is_gone = true, seen_at = now() WHERE server = $1`, [name]);
    await write(`UPDATE mcp_tools SET is_gone = false WHERE server = $1`, [name]);
    // A new build has other definitions of its own tools, and starts under the rule.
    await write(
      `UPDATE mcp_tools SET definition = '{"name": "x"}', is_read_only = NOT is_read_only WHERE server = 'env'`,
    );
    expect(isNative).toBe(http.database.kind === 'server');
    const again = await openHttpApp({
      imports,
      database: { database: http.database, url: undefined, close: async () => undefined },
    });
    expect((await again.call<McpServerInfo>(`/mcp/registry/${name}`, { as: owner! })).status).toBe(
      200,
    );
    await again.app.close();
    // And servers of its own that this one does not have.
    await write(
      `INSERT INTO mcp_registry (name, base_url, capabilities, transport) VALUES ('newer', 'builtin:newer', '{}', 'builtin')`,
    );
  });
});
