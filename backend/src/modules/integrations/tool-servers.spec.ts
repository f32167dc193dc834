import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  CallAnswer,
  LaunchTemplate,
  McpServerInfo,
  McpTool,
  Page,
  RecentCall,
  ServerStanding,
  ServerTrial,
  ToolActivity,
  ToolPin,
  ToolReport,
} from '@aos/contracts';
import { type HttpApp, type SignedIn, makeRole, openHttpApp } from '../../../test/http-app.js';
import { IntegrationsModule } from './index.js';

let http: HttpApp;
let admin: SignedIn;
let operator: SignedIn;
let viewer: SignedIn;
beforeAll(async () => {
  http = await openHttpApp({ imports: [IntegrationsModule] });
  admin = await http.signIn('admin');
  operator = await http.signIn('operator');
  viewer = await http.signIn('viewer');
  await mkdir(join(http.environment.dataDir, 'mcp-servers'));
  await writeFile(join(http.environment.dataDir, 'mcp-servers', 'mine.mjs'), '');
});
afterAll(() => http.close());

const post = <T>(path: string, body: unknown = {}, as = admin) =>
  http.call<T>(path, { method: 'POST', as, body });
const get = async <T>(path: string, as = admin) => (await http.call<T>(path, { as })).body;

const memory = (name: string) => ({
  name,
  transport: 'stdio',
  command: 'node',
  args: ['node_modules/@modelcontextprotocol/server-memory/dist/index.js'],
});
const call = (tool: string, args: object = {}, as = operator) =>
  post<CallAnswer>('/mcp/call', { server: 'env', tool, args }, as);

/** Rows as the ledger would hold them, of calls that nobody made. */
const ledger = (rows: { tool: string; ms?: number; status?: string; project?: string }[]) =>
  Promise.all(
    rows.map(({ tool, ms = 10, status = 'succeeded', project = null }, n) =>
      http.database.query(
        `INSERT INTO tool_calls (id, created_at, idempotency_key, trace_id, server, tool, args, args_hash, status, actor,
                                 project_id, started_at, finished_at, error)
         VALUES ($1::uuid, now(), $1::text, 'trace', 'env', $2, '{}', '', $3, 'user:nobody', $4,
                 now() - make_interval(secs => $5), now() - make_interval(secs => $5) + make_interval(secs => $6), $7)`,
        [
          randomUUID(),
          tool,
          status,
          project,
          60 - n,
          ms / 1000,
          status === 'failed' ? `it broke at ${n}` : null,
        ],
      ),
    ),
  );

beforeEach(() => http.database.query('DELETE FROM tool_calls'));

describe('what the ledger tells of the servers', () => {
  it('counts calls and failures of each, with the median and the slow end', async () => {
    await ledger([
      ...Array.from({ length: 19 }, (_, n) => ({ tool: 'files.read', ms: 10 + n })),
      { tool: 'files.read', ms: 900, status: 'failed' },
      { tool: 'files.write', ms: 5 },
    ]);
    const servers = await get<Page<ToolActivity>>('/mcp/activity');
    expect(servers.items).toMatchObject([
      {
        server: 'env',
        tool: null,
        calls: 21,
        failed: 1,
        p50Ms: 19,
        p95Ms: 28,
        lastError: 'it broke at 19',
      },
    ]);
    const tools = await get<Page<ToolActivity>>('/mcp/activity?server=env');
    expect(tools.items.map(({ tool, calls, failed }) => [tool, calls, failed])).toEqual([
      ['files.read', 20, 1],
      ['files.write', 1, 0],
    ]);
    expect((await get<Page<ToolActivity>>('/mcp/activity?server=skills')).items).toEqual([]);
  });

  it('pages by key, past what was not called of late', async () => {
    await ledger(['files.read', 'files.write', 'git.log'].map((tool) => ({ tool })));
    async function pages(path: string) {
      const told: (string | null)[][] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const at: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const page: Page<ToolActivity> = await get(`/mcp/activity?limit=1${path}${at}`);
        told.push(page.items.map(({ server, tool }) => tool ?? server));
        cursor = page.nextCursor;
      }
      return told;
    }
    const tools = await pages('&server=env');
    expect(tools.flat()).toEqual(['files.read', 'files.write', 'git.log']);
    expect(tools.length).toBeGreaterThan(3);
    expect(Math.max(...tools.map((page) => page.length))).toBe(1);
    expect(await pages('')).toEqual([['env'], []]);
  });

  it('stops after the last 200 calls of a tool', async () => {
    await http.database.query(
      `INSERT INTO tool_calls (id, created_at, idempotency_key, trace_id, server, tool, args, args_hash, status, actor, started_at, finished_at)
       SELECT gen_random_uuid(), now(), n::text, 't', 'env', 'files.read', '{}', '', 'succeeded', 'a', now(), now()
         FROM generate_series(1, 300) AS n`,
    );
    const { items } = await get<Page<ToolActivity>>('/mcp/activity');
    expect(items[0]!.calls).toBe(200);
  });

  it('lists the calls of a tool by key, the newest first, with who made them', async () => {
    const written = await call('files.write', { path: 'a.txt', content: 'one' });
    expect(written.status).toBe(200);
    await call('files.write', { path: 'b.txt', content: 'two' });
    await call('files.read', { path: 'none.txt' });
    const first = await get<Page<RecentCall>>('/mcp/calls?server=env&limit=2');
    expect(first.items.map(({ tool, status }) => [tool, status])).toEqual([
      ['files.read', 'failed'],
      ['files.write', 'succeeded'],
    ]);
    const second = await get<Page<RecentCall>>(
      `/mcp/calls?server=env&limit=2&cursor=${first.nextCursor}`,
    );
    expect(second).toMatchObject({
      nextCursor: null,
      items: [
        {
          id: written.body.callId,
          args: { path: 'a.txt', content: 'one' },
          isResultLeftOut: false,
        },
      ],
    });
    expect(second.items[0]!.actorName).not.toMatch(/^user:/);
    const writes = await get<Page<RecentCall>>('/mcp/calls?server=env&tool=files.write');
    expect(writes.items).toHaveLength(2);
  });

  it('shows nobody the calls, nor the errors, of projects that are not theirs', async () => {
    await ledger([
      { tool: 'files.read', project: 'mine' },
      { tool: 'files.read', project: 'theirs', status: 'failed' },
      { tool: 'files.read' },
    ]);
    const mine = await http.signIn('viewer', 'mine');
    const calls = await get<Page<RecentCall>>('/mcp/calls?server=env', mine);
    expect(calls.items.map(({ projectId }) => projectId)).toEqual(['mine']);
    expect((await get<Page<ToolActivity>>('/mcp/activity', mine)).items).toMatchObject([
      { calls: 3, failed: 1, lastError: null },
    ]);
    expect((await get<Page<ToolActivity>>('/mcp/activity', viewer)).items[0]!.lastError).toMatch(
      /it broke/,
    );
  });

  it('leaves out a large result', async () => {
    await ledger([{ tool: 'files.read' }]);
    await http.database.query('UPDATE tool_calls SET result = $1', [
      JSON.stringify({ content: Array.from({ length: 20_000 }, () => randomUUID()) }),
    ]);
    const { items } = await get<Page<RecentCall>>('/mcp/calls?server=env');
    expect(items[0]).toMatchObject({ isResultLeftOut: true });
    expect(items[0]!.result).toBeUndefined();
  });
});

it('tells how every server does as the registry does, page by page, without what it was registered as', async () => {
  const { version } = await get<McpServerInfo>('/mcp/registry/env');
  await http.call('/mcp/registry/env', {
    method: 'PATCH',
    as: admin,
    headers: { 'if-match': `"${version}"` },
    body: { limits: { perMinute: 50 } },
  });
  await call('files.write', { path: 'standing.txt', content: 'x' });
  await http.database.query(
    `UPDATE mcp_registry SET health = '{"state": "unhealthy", "error": "it broke"}' WHERE name = 'skills'`,
  );
  const { items: servers } = await get<Page<McpServerInfo>>('/mcp/registry');
  const now = await get<Page<ServerStanding>>('/mcp/standing?limit=1', viewer);
  const then = await get<Page<ServerStanding>>(`/mcp/standing?cursor=${now.nextCursor}`, viewer);
  expect([...now.items, ...then.items]).toEqual(
    servers.map(({ name, version, health, circuit, tools, quota }) => ({
      ...{ name, version, tools, state: health.state, circuit: circuit.state },
      ...(name === 'skills' ? { error: 'it broke' } : {}),
      ...(name === 'env' ? { perMinute: quota.perMinute } : {}),
    })),
  );
  expect(now.items[0]!.perMinute).toEqual({ limit: 50, used: 1 });
});

describe('one tool', () => {
  it('is told of as it does now: calls, limits, circuit and definition', async () => {
    await http.call('/mcp/registry/env', {
      method: 'PATCH',
      as: admin,
      headers: { 'if-match': `"${(await get<McpServerInfo>('/mcp/registry/env')).version}"` },
      body: { limits: { toolPerMinute: 40 } },
    });
    await call('files.write', { path: 'live.txt', content: 'x' });
    const report = await get<ToolReport>('/mcp/tools/env/files.write', viewer);
    expect(report).toMatchObject({
      activity: { calls: 1, failed: 0 },
      circuit: { state: 'closed', retryAt: null },
      health: { state: 'healthy' },
      pin: { state: 'pinned', approvedBy: null },
      quota: { concurrent: { used: 0 } },
    });
    expect(report.perMinute!.limit).toBe(40);
    expect(report.perMinute!.used).toBeGreaterThan(0);
    expect((await get<ToolReport>('/mcp/tools/env/files.read')).activity).toBeNull();
    expect((await http.call('/mcp/tools/env/nothing', { as: admin })).status).toBe(404);
  });

  it('is given alone, without the others of its server', async () => {
    const of = async (query: string) =>
      (await get<Page<McpTool>>(`/mcp/tools?${query}`)).items.map(({ tool }) => tool);
    expect(await of('server=env&tool=files.read')).toEqual(['env.files.read']);
    expect(await of('server=env&tool=nothing')).toEqual([]);
    expect((await of('server=env')).length).toBeGreaterThan(1);
  });
});

describe('a trial of a server', () => {
  it('lists the tools of one that is not registered, and keeps nothing of it', async () => {
    const { status, body } = await post<ServerTrial>('/mcp/registry/test', memory('maybe'));
    expect([status, body.error]).toEqual([200, null]);
    expect(body.tools).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'read_graph', state: 'new' })]),
    );
    expect((await http.call('/mcp/registry/maybe', { as: admin })).status).toBe(404);
    const audited = await http.database.query(
      `SELECT 1 FROM audit_logs WHERE action = 'registry.test' AND resource = 'mcp-server:maybe'`,
    );
    expect(audited).toHaveLength(1);
  });

  it('says in words why one cannot be reached', async () => {
    const { body } = await post<ServerTrial>('/mcp/registry/test', {
      name: 'nobody',
      transport: 'http',
      url: 'http://127.0.0.1:9/mcp',
    });
    expect(body).toMatchObject({ ok: false, tools: [] });
    expect(body.error).not.toBe('');
  });

  it('compares one that is registered with what is kept', async () => {
    await post<McpServerInfo>('/mcp/registry', memory('notes'));
    await http.database.query(
      `UPDATE mcp_tools SET definition = definition || '{"description":"another"}' WHERE server = 'notes' AND name = 'read_graph'`,
    );
    await http.database.query(
      `INSERT INTO mcp_tools (server, name, definition, definition_hash) VALUES ('notes', 'was-here', '{}', 'x')`,
    );
    const { body } = await post<ServerTrial>('/mcp/registry/notes/test');
    const states = new Map(body.tools.map(({ name, state }) => [name, state]));
    expect(states.get('read_graph')).toBe('changed');
    expect(states.get('was-here')).toBe('gone');
    expect(states.get('search_nodes')).toBe('same');
    const waiting = await get<Page<ToolPin>>('/mcp/pins?server=notes&state=changed');
    expect(waiting.items.map(({ tool }) => tool)).toEqual(['read_graph']);
  });

  it('starts nothing for who may not register servers', async () => {
    for (const as of [operator, viewer]) {
      const refused = await http.refused('/mcp/registry/test', {
        method: 'POST',
        as,
        body: memory('forbidden'),
      });
      expect(refused.status).toBe(403);
      expect((await post('/mcp/registry/env/test', {}, as)).status).toBe(403);
    }
    expect(existsSync(join(http.environment.dataDir, 'upstreams', 'forbidden~trial'))).toBe(false);
  });

  it.each([
    ['a shell', { command: 'bash', args: ['-c', 'id'] }, 422],
    ['code as an argument', { command: 'node', args: ['-e', '1'] }, 422],
    ['the metadata of a cloud', { transport: 'http', url: 'http://169.254.169.254/' }, 400],
    ['the same by a name', { transport: 'http', url: 'http://metadata.google.internal/' }, 400],
    ['the same as one number', { transport: 'http', url: 'http://2852039166/' }, 400],
    ['the same over IPv6', { transport: 'http', url: 'http://[fd00:ec2::254]/' }, 400],
    ['a link-local address', { transport: 'http', url: 'http://[fe80::1]/' }, 400],
    ['a password in the address', { transport: 'http', url: 'http://u:p@127.0.0.1/mcp' }, 400],
    ['a fragment', { transport: 'http', url: 'http://127.0.0.1/mcp#x' }, 400],
    ['another protocol', { transport: 'http', url: 'file:///etc/passwd' }, 400],
    ['a secret that there is not', { auth: { secret: 'NOPE' } }, 422],
  ])('is held to what may be registered: %s', async (_, more, status) => {
    const refused = await http.refused('/mcp/registry/test', {
      method: 'POST',
      as: admin,
      body: 'url' in more ? { name: 'odd', ...more } : { ...memory('odd'), ...more },
    });
    expect(refused.status).toBe(status);
    expect(existsSync(join(http.environment.dataDir, 'upstreams', 'odd~trial'))).toBe(false);
  });
});

describe('a registration', () => {
  it.each([
    'http://[::ffff:169.254.169.254]/',
    'http://[::169.254.169.254]/',
    'http://[::ffff:0:169.254.169.254]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[2002:a9fe:a9fe::]/',
    'http://[febf::1]/',
    'http://0xa9.0xfe.0xa9.0xfe/',
    'http://169.254.169.254./',
    'http://METADATA.google.internal./',
    'http://metadata/',
    'http://100.100.100.200/',
    'http://192.0.0.192/',
    'http://[fd20:ce::254]/',
  ])('of the metadata service of a cloud is refused, written as %s too', async (url) => {
    const body = { name: 'cloud', transport: 'http', url };
    const refused = await http.refused('/mcp/registry/test', { method: 'POST', as: admin, body });
    expect(refused).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(JSON.stringify(refused.body)).toContain('metadata');
  });

  it.each([
    ['a shell', { command: 'bash', args: ['-c', 'id'] }],
    ['a shell behind a line break', { command: 'node\n;id' }],
    ['a substitution', { command: '$(id)' }],
    ['an argument of a megabyte', { command: 'npx', args: ['-y', 'x', 'a'.repeat(1_000_000)] }],
    ['NUL in an argument', { command: 'npx', args: ['-y', 'x', 'a\u0000b'] }],
    ['a package that is not listed', { command: 'npx', args: ['-y', 'mcp-of-somebody'] }],
    ['a program of code', { command: 'npx', args: ['-c', 'id'] }],
    ['a package that is none', { command: 'uvx', args: ['--from', 'git+https://x', 'y'] }],
    ['a container', { command: 'docker', args: ['run', '-v', '/:/h', 'x'] }],
  ])('of %s is refused, and nothing is started or kept', async (_, more) => {
    const refused = await http.refused('/mcp/registry', {
      method: 'POST',
      as: admin,
      body: { ...memory('evil'), ...more },
    });
    expect(refused).toMatchObject({ status: 422, body: { code: 'launch_refused' } });
    expect(existsSync(join(http.environment.dataDir, 'upstreams', 'evil'))).toBe(false);
    expect((await http.call('/mcp/registry/evil', { as: admin })).status).toBe(404);
  });

  it.each([
    ['an expression for an address', { transport: 'http', url: '${process.env.HOME}' }],
    ['an object for a command', { command: { toString: 'x' } }],
    ['a key that nobody knows', { ...memory('js'), env: { NODE_OPTIONS: '--require x' } }],
  ])('with %s is not taken: a registration is plain JSON', async (_, more) => {
    const body = { ...memory('js'), ...more };
    const refused = await http.refused('/mcp/registry', { method: 'POST', as: admin, body });
    expect(refused).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  });

  it('written as a program is not taken', async () => {
    const response = await fetch(`${http.baseUrl}/mcp/registry`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
      body: `{ name: 'js', transport: 'stdio', command: require('child_process').execSync('id') }`,
    });
    expect(response.status).toBe(400);
  });

  it('takes no name that is kept for agents', async () => {
    expect((await post('/mcp/registry', memory('agent-mine'))).status).toBe(409);
  });

  it('hands a secret to no place that whoever may not write secrets has chosen', async () => {
    await http.call('/config/runtime/secrets/MINE', {
      method: 'PUT',
      as: admin,
      body: { value: 'canary', purpose: 'test', projectId: null },
    });
    await makeRole(http.database, 'registrar', ['tool.read', 'tool.write']);
    const registrar = await http.signIn('registrar');
    const body = { ...memory('own'), auth: { secret: 'MINE' } };
    for (const path of ['/mcp/registry', '/mcp/registry/test'])
      expect((await post(path, body, registrar)).status).toBe(403);
    expect((await post('/mcp/registry/test', memory('own'), registrar)).status).toBe(200);
  });
});

describe('the commands to choose from', () => {
  it('are those that may be started: what is installed, what lies in the folder, listed packages', async () => {
    const { items } = await get<Page<LaunchTemplate>>('/mcp/launch-templates');
    expect(items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: '@modelcontextprotocol/server-memory', command: 'node' }),
        expect.objectContaining({ id: 'own:mine.mjs', kind: 'own' }),
        expect.objectContaining({ id: 'package', command: 'npx' }),
      ]),
    );
    const { approveLaunch } = await import('./upstreams/launch-templates.js');
    for (const { kind, command, args } of items)
      expect(() =>
        approveLaunch(
          command,
          kind === 'package' ? [...args, '@modelcontextprotocol/server-memory'] : args,
          { dataDir: http.environment.dataDir, packages: ['@modelcontextprotocol/server-*'] },
        ),
      ).not.toThrow();
    expect((await http.call('/mcp/launch-templates', { as: operator })).status).toBe(403);
  });
});
