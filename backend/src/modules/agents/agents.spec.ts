import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Agent,
  type AgentStanding,
  type Artifact,
  type CallAnswer,
  type Job,
  type LogLine,
  type McpServerInfo,
  type McpTool,
  type Page,
  say,
} from '@aos/contracts';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { ArtifactsModule } from '../artifacts/index.js';
import { IntegrationsModule } from '../integrations/index.js';
import { JobsModule } from '../jobs/index.js';
import { RunsModule, validatePlan } from '../runs/index.js';
import { type AgentOrder, type AgentStatus, nextStatus, transitions } from './agent.js';
import { AgentsModule } from './index.js';
import { agentTemplates } from './templates.js';

let http: HttpApp;
let admin: SignedIn;
let viewer: SignedIn;
beforeAll(async () => {
  http = await openHttpApp({
    imports: [ArtifactsModule, JobsModule, IntegrationsModule, AgentsModule, RunsModule],
  });
  admin = await http.signIn('admin');
  viewer = await http.signIn('viewer');
});
afterAll(() => http.close());

const post = <T>(path: string, body?: unknown, as = admin) =>
  http.call<T>(path, { method: 'POST', as, body: body ?? {} });
const get = async <T>(path: string) => (await http.call<T>(path, { as: admin })).body;

async function upload(name: string, text: string): Promise<string> {
  const form = new FormData();
  form.set('file', new File([text], name, { type: 'text/csv' }));
  const response = await fetch(`${http.baseUrl}/api/artifacts`, {
    method: 'POST',
    body: form,
    headers: { authorization: `Bearer ${admin.token}` },
  });
  return ((await response.json()) as Artifact).artifactId;
}

const profiler = (name: string, more: object = {}) => ({
  name,
  config: {
    tools: ['skills.*'],
    sop: [{ id: 'look', tool: 'skills.csv.profile', args: { file: '${inputs.data}' }, ...more }],
  },
});

describe('the states of an agent', () => {
  const orders: AgentOrder[] = ['start', 'stop', 'drained', 'fail'];
  const table: [AgentStatus, ...(AgentStatus | 'same' | 'refused')[]][] = [
    //            start      stop        drained    fail
    ['stopped', 'running', 'same', 'same', 'refused'],
    ['running', 'same', 'draining', 'same', 'failed'],
    ['draining', 'running', 'same', 'stopped', 'failed'],
    ['failed', 'running', 'stopped', 'same', 'same'],
  ];
  it.each(table)('from %s', (from, ...expected) => {
    orders.forEach((order, i) => {
      if (expected[i] === 'refused')
        expect(() => nextStatus('a', from, order)).toThrow(/cannot be told/);
      else expect(nextStatus('a', from, order) ?? 'same').toBe(expected[i]);
    });
    expect(Object.keys(transitions)).toHaveLength(table.length);
  });
});

describe('an agent', () => {
  it('is made, read by id and by name, changed against its version, and keeps its versions', async () => {
    const made = await post<Agent>('/agents', { name: 'first', template: 'blank' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: 'first',
      version: '1',
      status: 'stopped',
      registered: false,
    });
    expect(
      (await http.refused('/agents', { method: 'POST', as: admin, body: { name: 'first' } })).body
        .code,
    ).toBe('already_exists');
    const read = await http.call<Agent>('/agents/first', { as: admin });
    expect(read.body).toEqual(made.body);
    const patch = (etag?: string) =>
      http.call<Agent>(`/agents/${made.body.id}`, {
        method: 'PATCH',
        as: admin,
        body: { config: { prompt: 'Be brief.' }, comment: 'shorter' },
        headers: etag ? { 'if-match': etag } : {},
      });
    expect((await patch()).status).toBe(428);
    expect((await patch('"77"')).status).toBe(412);
    const changed = await patch(read.headers.get('etag')!);
    expect(changed.body).toMatchObject({ version: '2', config: { prompt: 'Be brief.' } });
    expect((await patch(read.headers.get('etag')!)).status).toBe(412);
    const versions =
      await get<Page<{ version: string; comment: string; said?: unknown }>>(
        '/agents/first/versions',
      );
    expect(versions.items.map(({ version, comment, said }) => [version, comment, said])).toEqual([
      ['2', 'shorter', undefined],
      ['1', 'from the template blank', say('from-template', { template: say('template-blank') })],
    ]);
    const audit = await http.database.query<{ action: string }>(
      `SELECT action FROM audit_logs WHERE resource = $1 ORDER BY id`,
      [`agent:${made.body.id}`],
    );
    expect(audit.map((row) => row.action)).toEqual(['agent.create', 'agent.change']);
  });

  it('makes no version, and says nothing, where nothing changes', async () => {
    const step = { id: 'a', tool: 'skills.csv.profile', args: { file: 'a.csv', delimiter: ';' } };
    const made = await post<Agent>('/agents', {
      ...{ name: 'steady', template: 'blank' },
      config: { prompt: 'As ever.', sop: [step] },
    });
    const etag = made.headers.get('etag')!;
    const trace = () =>
      http.database.query(
        `SELECT (SELECT count(*)::int FROM agent_versions WHERE agent_id::text = $1) AS versions,
                (SELECT count(*)::int FROM events WHERE payload->>'agentId' = $1) AS events,
                (SELECT count(*)::int FROM audit_logs WHERE resource = 'agent:' || $1) AS audited`,
        [made.body.id],
      );
    const before = await trace();
    const reordered = { args: { delimiter: ';', file: 'a.csv' }, tool: step.tool, id: 'a' };
    for (const body of [
      {},
      { comment: 'nothing' },
      { config: {} },
      { config: { prompt: 'As ever.', sop: [reordered] } },
    ]) {
      const same = await http.call<Agent>('/agents/steady', {
        ...{ method: 'PATCH', as: admin, body, headers: { 'if-match': etag } },
      });
      expect([same.status, same.headers.get('etag')]).toEqual([200, etag]);
      expect(same.body).toEqual(made.body);
    }
    expect(await trace()).toEqual(before);
    const stale = { method: 'PATCH', as: admin, body: {}, headers: { 'if-match': '"77"' } };
    expect((await http.refused('/agents/steady', stale)).status).toBe(412);
  });

  it('keeps what a change or its template says and the request leaves out', async () => {
    const { config } = agentTemplates.find(({ name }) => name === 'data-analyst')!;
    const made = await post<Agent>('/agents', {
      name: 'partly',
      template: 'data-analyst',
      config: { concurrency: 3 },
    });
    expect(made.body.config).toEqual({ ...config, concurrency: 3 });
    const changed = await http.call<Agent>('/agents/partly', {
      method: 'PATCH',
      as: admin,
      body: { config: { prompt: 'Be brief.' } },
      headers: { 'if-match': made.headers.get('etag')! },
    });
    expect(changed.body.config).toEqual({ ...config, concurrency: 3, prompt: 'Be brief.' });
  });

  it('is rolled back to an older version and released again, against what was seen', async () => {
    const { body: made } = await post<Agent>('/agents', { name: 'rolled', template: 'blank' });
    const order = (path: string, method: string, body: unknown, etag: string | null) =>
      http.call<Agent>(`/agents/rolled${path}`, {
        method,
        as: admin,
        body,
        headers: etag ? { 'if-match': etag } : {},
      });
    const seen = async () =>
      (await http.call<Agent>('/agents/rolled', { as: admin })).headers.get('etag');
    await order('', 'PATCH', { config: { prompt: 'Two.' } }, await seen());
    const old = await seen();
    await order('', 'PATCH', { config: { prompt: 'Three.' } }, old);

    expect((await order('/release', 'POST', { version: '2' }, null)).status).toBe(428);
    expect((await order('/release', 'POST', { version: '2' }, old)).status).toBe(412);
    expect((await order('/release', 'POST', { version: '9' }, await seen())).status).toBe(404);
    expect((await order('/release', 'POST', { version: '0x1' }, await seen())).status).toBe(400);
    const back = await order('/release', 'POST', { version: '2', comment: 'worse' }, await seen());
    expect(back.body).toMatchObject({ version: '2', config: { prompt: 'Two.' } });
    expect(back.headers.get('etag')).not.toBe(old);
    const again = await order('/release', 'POST', { version: '2' }, await seen());
    expect(again.headers.get('etag')).toBe(back.headers.get('etag'));

    const changed = await order('', 'PATCH', { config: { prompt: 'Four.' } }, await seen());
    expect(changed.body.version).toBe('4');
    const versions = await get<Page<{ version: string }>>('/agents/rolled/versions');
    expect(versions.items.map(({ version }) => version)).toEqual(['4', '3', '2', '1']);
    const audit = await http.database.query<{ diff: object }>(
      `SELECT diff FROM audit_logs WHERE resource = $1 AND action = 'agent.release'`,
      [`agent:${made.id}`],
    );
    expect(audit).toMatchObject([
      { diff: { before: { version: '3' }, after: { version: '2', comment: 'worse' } } },
    ]);
    const log = await get<Page<LogLine>>('/agents/rolled/logs');
    expect(log.items.map(({ message }) => message)).toEqual([
      expect.stringContaining('released version 2 in place of 3: worse'),
    ]);
  });

  it('is refused from an unknown template, with unknown keys, and to who may not', async () => {
    expect(
      (
        await http.refused('/agents', {
          method: 'POST',
          as: admin,
          body: { name: 'x', template: 'nope' },
        })
      ).body.code,
    ).toBe('validation_failed');
    expect(
      (
        await http.refused('/agents', {
          method: 'POST',
          as: admin,
          body: { name: 'x', config: { root: true } },
        })
      ).status,
    ).toBe(400);
    expect(
      (await http.refused('/agents', { method: 'POST', as: viewer, body: { name: 'x' } })).status,
    ).toBe(403);
    expect(
      (await http.refused('/agents/first/start', { method: 'POST', as: viewer, body: {} })).status,
    ).toBe(403);
    expect((await http.refused('/agents/none', { as: admin })).status).toBe(404);
  });

  it('takes tasks only while it runs', async () => {
    const { body: agent } = await post<Agent>('/agents', profiler('resting'));
    const data = await upload('a.csv', 'a,b\n1,2\n');
    const task = { goal: 'Look', agentId: agent.id, inputs: [{ name: 'data', artifactId: data }] };
    const refused = await http.refused('/api/run', { method: 'POST', as: admin, body: task });
    expect([refused.status, refused.body.code]).toEqual([409, 'agent_state']);
    expect(refused.body.detail).toContain(`/agents/${agent.id}/start`);
    expect((await post<Agent>('/agents/resting/start')).body.status).toBe('running');
    const accepted = await post<{ jobId: string }>('/api/run', task);
    expect(accepted.status).toBe(202);
    expect((await ended(accepted.body.jobId)).status).toBe('succeeded');
    const runs = await http.database.query('SELECT status FROM agent_runs WHERE agent_id = $1', [
      agent.id,
    ]);
    expect(runs).toEqual([{ status: 'succeeded' }]);
    expect(await get('/agents/resting/stats')).toMatchObject({
      ended: 1,
      succeeded: 1,
      failed: 0,
      p50Ms: expect.any(Number),
      lastEndedAt: expect.any(String),
    });
  });

  it('that is stopped ends its tasks first', async () => {
    const { body: agent } = await post<Agent>(
      '/agents',
      profiler('draining', { approval: 'required' }),
    );
    await post('/agents/draining/start');
    const data = await upload('a.csv', 'a,b\n1,2\n');
    const { body } = await post<{ jobId: string }>('/api/run', {
      goal: 'Look',
      agentId: agent.id,
      inputs: [{ name: 'data', artifactId: data }],
    });
    const approval = await approvalOf(body.jobId);
    expect((await post<Agent>('/agents/draining/stop')).body).toMatchObject({
      status: 'draining',
      load: { running: 1 },
    });
    expect((await post<Agent>('/agents/draining/stop')).body.status).toBe('draining');
    await post('/agent/approve', { approvalId: approval, decision: 'continue' });
    await ended(body.jobId);
    expect(await get<Agent>('/agents/draining')).toMatchObject({
      status: 'stopped',
      load: { running: 0 },
    });
  });

  it('is scaled without a new version, by who operates it, and its record says so', async () => {
    const { body: made } = await post<Agent>('/agents', { name: 'scaled', template: 'blank' });
    expect(made.replicas).toBe(1);
    const scale = (body: unknown) => post<Agent>('/agents/scaled/scale', body);
    const { body: more } = await scale({ replicas: 3 });
    expect(more).toMatchObject({ id: made.id, replicas: 3, version: made.version });
    expect((await scale({ replicas: 3 })).body).toEqual(more);
    for (const body of [{ replicas: 0 }, { replicas: 101 }, { replicas: '2' }, {}, { n: 2 }])
      expect(
        (await http.refused('/agents/scaled/scale', { method: 'POST', as: admin, body })).status,
      ).toBe(400);
    const audit = await http.database.query(
      `SELECT diff FROM audit_logs WHERE resource = $1 AND action = 'agent.scale'`,
      [`agent:${made.id}`],
    );
    expect(audit).toEqual([{ diff: { before: { replicas: 1 }, after: { replicas: 3 } } }]);
    const log = await get<Page<LogLine>>('/agents/scaled/logs');
    expect(log.items[0]!.message).toMatch(/set the replicas of scaled to 3\.$/);
  });

  it('is told of as it does now, in the order of the list and page by page, without what it is made of', async () => {
    await post('/agents', { name: 'before-it', template: 'blank' });
    const made = await post<Agent>('/agents', { name: 'upright', template: 'blank' });
    await post(`/agents/upright/start`);
    await post(`/agents/upright/scale`, { replicas: 3 });
    await http.database.query(`UPDATE agents SET last_error = 'it broke' WHERE name = 'upright'`);
    const { items: agents } = await get<Page<Agent>>('/agents?limit=200');
    const standing = (query: string) =>
      http.call<Page<AgentStanding>>(`/agent/standing?${query}`, { as: viewer });
    const { body: now } = await standing('limit=1');
    const { body: then } = await standing(`limit=200&cursor=${now.nextCursor}`);
    expect([...now.items, ...then.items]).toEqual(
      agents.map(({ id, version, status, replicas, registered, load, lastError }) => ({
        ...{ id, version, status, replicas, registered, load, lastError },
      })),
    );
    expect(then.items.find(({ id }) => id === made.body.id)).toMatchObject({
      ...{ status: 'running', replicas: 3, lastError: 'it broke' },
    });
  });

  it('is never told of from a cache: its state changes without a new version', async () => {
    await post('/agents', { name: 'uncached', template: 'blank' });
    const before = await http.call('/agents/uncached', { as: admin });
    await post('/agents/uncached/start');
    const after = await http.call<Agent>('/agents/uncached', { as: admin });
    expect(after.headers.get('etag')).toBe(before.headers.get('etag'));
    expect(after.body.status).toBe('running');
    expect(before.headers.get('cache-control')).toBe('no-store');
  });

  it('has a log, as a page and live', async () => {
    await post('/agents', profiler('talking'));
    const reading = new AbortController();
    const live = await fetch(`${http.baseUrl}/agents/talking/logs?tail=1`, {
      headers: { authorization: `Bearer ${admin.token}` },
      signal: reading.signal,
    });
    expect(live.headers.get('content-type')).toContain('text/event-stream');
    const seen = readUntil(live, (text) => text.includes('it is stopped'));
    await post('/agents/talking/start');
    await post('/agents/talking/stop');
    await post('/agents/talking/stop');
    expect(await seen).toContain('it is running');
    reading.abort();
    const page = await get<Page<LogLine>>('/agents/talking/logs?limit=1');
    expect(page.items[0]!.message).toContain('stop');
    const next = await get<Page<LogLine>>(`/agents/talking/logs?limit=5&cursor=${page.nextCursor}`);
    expect(next.items.map((line) => line.message)).toEqual([
      expect.stringContaining('it is running'),
    ]);
  });
});

describe('an agent taken out of the gateway', () => {
  it('is no tool any more, once and for all who ask again', async () => {
    await post('/agents', profiler('leaving'));
    await post('/agents/leaving/register-mcp');
    const leave = () =>
      http.call<Agent>('/agents/leaving/register-mcp', { method: 'DELETE', as: admin });
    const foresee = async () => {
      const call = { server: 'agent-leaving', tool: 'run', args: { goal: 'x' }, dryRun: true };
      return (await post('/mcp/call', call)).status;
    };
    expect(await foresee()).toBe(200);
    expect((await leave()).body).toMatchObject({ registered: false, routePrefix: null });
    expect(await foresee()).toBe(404);
    expect((await leave()).status).toBe(200);
    expect((await get<Page<McpTool>>('/mcp/tools?server=agent-leaving')).items).toEqual([]);
    const audit = await http.database.query(
      `SELECT 1 FROM audit_logs WHERE action = 'agent.unregister'`,
    );
    expect(audit).toHaveLength(1);
    expect((await post<Agent>('/agents/leaving/register-mcp')).body.registered).toBe(true);
    const refused = await http.refused('/agents/leaving/register-mcp', {
      method: 'DELETE',
      as: viewer,
    });
    expect(refused.status).toBe(403);
  });
});

describe('an agent registered with the gateway', () => {
  let data: string;
  beforeAll(async () => {
    data = await upload('people.csv', 'name,age\nAda,36\nBob,41\n');
    await post('/agents', profiler('helper'));
    await post('/agents/helper/start');
  });

  it('is a tool', async () => {
    expect((await post<Agent>('/agents/helper/register-mcp')).body).toMatchObject({
      registered: true,
      routePrefix: 'agent-helper',
    });
    expect((await post<Agent>('/agents/helper/register-mcp')).status).toBe(200);
    const tools = await get<Page<McpTool>>('/mcp/tools?server=agent-helper');
    expect(tools.items).toMatchObject([
      { tool: 'agent-helper.run', aggregateName: 'agent-helper__run', idempotent: true },
    ]);
  });

  it('does a task for its caller and answers with the receipt', async () => {
    const { body } = await post<CallAnswer>('/mcp/call', {
      server: 'agent-helper',
      tool: 'run',
      args: { goal: 'Look at it', inputs: [{ name: 'data', artifactId: data }] },
    });
    expect(body).toMatchObject({ isError: false, structuredContent: { status: 'succeeded' } });
    const job = await get<Job>(`/jobs/${String(body.structuredContent!['jobId'])}`);
    expect(job).toMatchObject({
      goal: 'Look at it',
      agentName: 'helper',
      createdBy: `user:${admin.userId}`,
    });
  });

  it('is called by another agent’s run', async () => {
    await post('/agents', {
      name: 'boss',
      config: {
        tools: ['agent-helper.*'],
        sop: [
          {
            id: 'delegate',
            tool: 'agent-helper.run',
            args: { goal: 'Look at it', inputs: [{ name: 'data', artifactId: data }] },
          },
        ],
      },
    });
    await post('/agents/boss/start');
    const { body } = await post<{ jobId: string }>('/api/run', {
      goal: 'Have it looked at',
      agentId: 'boss',
    });
    expect((await ended(body.jobId)).error).toBeNull();
  });

  it('says what is wrong with a task that cannot be accepted', async () => {
    await post('/agents/helper/stop');
    const { body } = await post<CallAnswer>('/mcp/call', {
      server: 'agent-helper',
      tool: 'run',
      args: { goal: 'Look' },
    });
    expect(body).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('Start it first') }],
    });
  });
});

describe('the registry over HTTP', () => {
  it('lists the built-in servers and their tools by key', async () => {
    const first = await get<Page<McpServerInfo>>('/mcp/registry?limit=1');
    expect(first.items).toHaveLength(1);
    const all = await get<Page<McpServerInfo>>('/mcp/registry');
    expect(all.items.map((server) => server.name)).toEqual(
      expect.arrayContaining(['env', 'skills']),
    );
    const tools = await get<Page<McpTool>>('/mcp/tools?limit=200');
    expect(tools.items.map((tool) => tool.tool)).toEqual(
      expect.arrayContaining([
        'skills.csv.clean',
        'skills.viz.plot',
        'env.files.write',
        'env.db.query',
      ]),
    );
  });

  it('keeps, changes and removes a server, each with its audit row', async () => {
    const body = { name: 'away', transport: 'http', url: 'http://127.0.0.1:40999/mcp' };
    const made = await post<McpServerInfo>('/mcp/registry', body);
    expect(made.status).toBe(201);
    expect(made.body.health).toMatchObject({
      state: 'unhealthy',
      error: expect.stringContaining('ECONNREFUSED'),
    });
    expect(
      (await http.refused('/mcp/registry', { method: 'POST', as: admin, body })).body.code,
    ).toBe('already_exists');
    const change = (etag: string) =>
      http.call<McpServerInfo>('/mcp/registry/away', {
        method: 'PATCH',
        as: admin,
        body: { enabled: false },
        headers: { 'if-match': etag },
      });
    expect((await change('"9"')).status).toBe(412);
    expect((await change(made.headers.get('etag')!)).body).toMatchObject({
      enabled: false,
      health: { state: 'disabled' },
      version: 2,
    });
    const call = await http.refused('/mcp/call', {
      method: 'POST',
      as: admin,
      body: { server: 'away', tool: 'x', args: {} },
    });
    expect(call.body.code).toBe('server_unreachable');
    expect((await http.call('/mcp/registry/away', { method: 'DELETE', as: admin })).status).toBe(
      204,
    );
    expect((await http.refused('/mcp/registry/away', { as: admin })).body.code).toBe(
      'unknown_server',
    );
    const audit = await http.database.query<{ action: string }>(
      `SELECT action FROM audit_logs WHERE resource = 'mcp-server:away' ORDER BY id`,
    );
    expect(audit.map((row) => row.action)).toEqual([
      'registry.create',
      'registry.change',
      'registry.remove',
    ]);
    const events = await http.database.query(
      `SELECT 1 FROM events WHERE type = 'registry.changed' AND payload->>'server' = 'away'`,
    );
    expect(events).toHaveLength(3);
  });

  it('refuses what must not be registered', async () => {
    const register = (body: object, as = admin) =>
      http.refused('/mcp/registry', { method: 'POST', as, body: { name: 'bad', ...body } });
    expect(
      (await register({ transport: 'stdio', command: 'bash', args: ['-c', 'id'] })).body.code,
    ).toBe('launch_refused');
    const long = await register({
      transport: 'stdio',
      command: 'npx',
      args: ['-y', 'pkg', 'x'.repeat(1_000_000)],
    });
    expect([long.status, long.body.code]).toEqual([422, 'launch_refused']);
    expect((await register({ transport: 'http', url: 'http://u:p@example.com/' })).body.code).toBe(
      'validation_failed',
    );
    expect(
      (await register({ transport: 'http', url: 'http://169.254.169.254/mcp' })).body.code,
    ).toBe('validation_failed');
    const both = { url: 'http://127.0.0.1:9/', command: 'npx' };
    for (const [transport, path] of [
      ['http', 'command'],
      ['sse', 'command'],
      ['stdio', 'url'],
    ])
      expect((await register({ transport, ...both })).body.errors).toMatchObject([{ path }]);
    expect(
      (await register({ name: 'agent-x', transport: 'http', url: 'http://127.0.0.1:9/' })).body
        .code,
    ).toBe('conflict');
    expect(
      (
        await register(
          { transport: 'http', url: 'http://127.0.0.1:9/' },
          await http.signIn('operator'),
        )
      ).status,
    ).toBe(403);
    expect(
      (await http.refused('/mcp/registry/env', { method: 'DELETE', as: admin })).body.code,
    ).toBe('conflict');
    const called = async (more: object) =>
      (
        await http.refused('/mcp/call', {
          method: 'POST',
          as: admin,
          body: { server: 'env', tool: 'x', ...more },
        })
      ).status;
    expect(await called({ capz: 'y' })).toBe(400);
    expect(await called({ caps: 'not a grant' })).toBe(403);
  });

  it('tells what a call would do, and does not do it', async () => {
    const call = {
      server: 'env',
      tool: 'files.write',
      dryRun: true,
      args: { path: 'a.txt', content: 'x' },
    };
    const { body } = await post<CallAnswer>('/mcp/call', call);
    expect(body.structuredContent).toMatchObject({ dryRun: true, tool: 'env.files.write' });
  });
});

describe('the data analyst', () => {
  const template = agentTemplates.find(({ name }) => name === 'data-analyst')!;

  it('has a way of work that fits the tools', async () => {
    const tools = await get<Page<McpTool>>('/mcp/tools?limit=200');
    const given = {
      inputs: ['birdstrikes'],
      vars: [],
      secrets: [],
      allowedTools: template.config.tools,
    };
    expect(validatePlan(template.config.sop, tools.items, given)).toEqual([]);
  });

  it('does its work on the real records, and asks before it writes', async () => {
    const csv = await readFile(
      join(import.meta.dirname, '../../../../ops/demo/data/birdstrikes.csv'),
      'utf8',
    );
    const data = await upload('birdstrikes.csv', csv);
    await post('/agents', { name: 'analyst', template: 'data-analyst' });
    await post('/agents/analyst/start');
    const { body } = await post<{ jobId: string; traceId: string }>('/api/run', {
      goal: 'Look into the bird strikes',
      agentId: 'analyst',
      inputs: [{ name: 'birdstrikes', artifactId: data }],
    });
    await post('/agent/approve', {
      approvalId: await approvalOf(body.jobId),
      decision: 'continue',
    });
    const job = await ended(body.jobId);
    expect(job.error).toBeNull();
    const [row] = await http.database.query<{
      receipt: { artifacts: { name: string; artifactId: string; mediaType: string }[] };
    }>('SELECT receipt FROM jobs WHERE id = $1', [body.jobId]);
    const report = row!.receipt.artifacts.find((file) => file.mediaType === 'text/markdown')!;
    const text = (await http.call(`/api/artifacts/${report.artifactId}/content`, { as: admin }))
      .text;
    expect(text).toContain('10000 reports were read; 9961 are counted below');
    expect(text).toContain('Strikes peak in October: 1,348 of 9,961');
    expect(text).toMatch(/\| Oct \| 1348 \|/);
    expect(text).toContain('15 could not be parsed');
    const calls = await http.database.query(
      'SELECT step_id, status FROM tool_calls WHERE job_id = $1',
      [body.jobId],
    );
    expect(calls).toHaveLength(5);
  }, 90_000);
});

/** Waits for the job's end, by asking; the test's own limit ends a wait that is in vain. */
async function ended(jobId: string): Promise<Job> {
  return asked(
    () => get<Job>(`/jobs/${jobId}`),
    (job) => ['succeeded', 'failed', 'cancelled'].includes(job.status),
  );
}

async function approvalOf(jobId: string): Promise<string> {
  const rows = await asked(
    () =>
      http.database.query<{ id: string }>(
        `SELECT id FROM approvals WHERE job_id = $1 AND status = 'pending'`,
        [jobId],
      ),
    (found) => found.length > 0,
  );
  return rows[0]!.id;
}

async function asked<T>(ask: () => Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
  for (let i = 0; i < 20_000; i++) {
    const answer = await ask();
    if (isDone(answer)) return answer;
    await new Promise((done) => setImmediate(done));
  }
  throw new Error('it did not come about');
}

async function readUntil(response: Response, isEnough: (text: string) => boolean): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    if (isEnough(text)) return text;
  }
  return text;
}
