import type {
  Approval,
  CallAnswer,
  CallPending,
  IssuedGrant,
  PolicyDocument,
  ToolPin,
} from '@aos/contracts';
import { RunsModule } from '../src/modules/runs/index.js';
import { JobsModule } from '../src/modules/jobs/index.js';
import { CircuitLink } from '../src/modules/integrations/chain/circuit.js';
import {
  controlledClock,
  startToolServer,
  type ToolServerOfTest,
} from '../src/modules/integrations/chain/testing.js';
import { Ledger } from '../src/modules/integrations/chain/ledger.js';
import { Registry } from '../src/modules/integrations/registry.js';
import { IntegrationsModule } from '../src/modules/integrations/index.js';
import { isNative } from './harness.js';
import { type HttpApp, type SignedIn, openHttpApp } from './http-app.js';

let http: HttpApp;
let server: ToolServerOfTest;
let admin: SignedIn;
let operator: SignedIn;

beforeAll(async () => {
  http = await openHttpApp({ imports: [IntegrationsModule, JobsModule, RunsModule] });
  [admin, operator] = [await http.signIn('admin'), await http.signIn('operator')];
  server = await startToolServer([{ name: 'read' }, { name: 'write' }]);
  await http.call('/mcp/registry', {
    method: 'POST',
    as: admin,
    body: { name: 'up', transport: 'http', url: server.url },
  });
}, 120_000);
afterAll(async () => {
  await server.stop();
  await http.close();
});

const call = <T = CallAnswer>(as: SignedIn, body: object) =>
  http.call<T>('/mcp/call', {
    method: 'POST',
    as,
    body: { server: 'up', tool: 'write', args: {}, ...body },
  });
async function save(document: Partial<PolicyDocument>): Promise<void> {
  const { headers } = await http.call('/mcp/policies', { as: admin });
  const answer = await http.call('/mcp/policies', {
    method: 'PUT',
    as: admin,
    headers: { 'if-match': headers.get('etag')! },
    body: document,
  });
  expect(answer.status).toBe(200);
}
const decide = (as: SignedIn, approvalId: string, decision = 'continue') =>
  http.call<Approval>('/agent/approve', { method: 'POST', as, body: { approvalId, decision } });

describe('a call that a policy wants approved', () => {
  beforeAll(() =>
    save({
      rules: [
        {
          id: 'ask',
          effect: 'approve',
          tools: ['write'],
          description: '',
          enabled: true,
          when: [],
        },
      ],
    }),
  );
  afterAll(() => save({}));

  const ask = async (args: object = {}, as = operator) => {
    const answer = await call<CallPending>(as, { args });
    expect(answer.status).toBe(202);
    return answer.body;
  };

  it('waits for somebody else, is made once, and never again', async () => {
    const before = server.calls();
    const pending = await ask({ n: 1 });
    expect(pending).toMatchObject({ status: 'approval_required', approvalId: expect.any(String) });
    const listed = await http.call<{ items: Approval[] }>('/agent/approvals?status=pending', {
      as: admin,
    });
    expect(listed.body.items).toMatchObject([
      { id: pending.approvalId, jobId: null, tool: 'up.write', args: { n: 1 }, secondPerson: true },
    ]);
    const early = await call<CallPending>(operator, {
      args: { n: 1 },
      approval: pending.retryHandle,
    });
    expect(early.status).toBe(202);
    expect(server.calls()).toBe(before);
    expect((await decide(admin, pending.approvalId)).status).toBe(200);
    const done = await call(operator, { args: { n: 1 }, approval: pending.retryHandle });
    expect(done).toMatchObject({ status: 200, body: { isError: false } });
    const twice = await call(operator, { args: { n: 1 }, approval: pending.retryHandle });
    expect(twice).toMatchObject({ status: 409, body: { code: 'approval_decided' } });
    expect(server.calls()).toBe(before + 1);
  });

  it('asked for twice is one question', async () => {
    expect((await ask({ same: 1 })).approvalId).toBe((await ask({ same: 1 })).approvalId);
    expect((await ask({ same: 2 })).approvalId).not.toBe((await ask({ same: 1 })).approvalId);
  });

  it('is never decided by whoever asked, not with another token of theirs either', async () => {
    const { approvalId } = await ask({}, admin);
    expect(await decide(admin, approvalId)).toMatchObject({
      status: 403,
      body: { code: 'self_approval' },
    });
    const token = await http.call<{ token: string }>('/auth/tokens', {
      method: 'POST',
      as: admin,
      body: { name: 'own', scopes: ['approval.decide', 'approval.read'] },
    });
    expect(token.status).toBe(201);
    expect(await decide({ ...admin, token: token.body.token }, approvalId)).toMatchObject({
      status: 403,
      body: { code: 'self_approval' },
    });
  });

  it('that a token of theirs has asked for is not decided by their session either', async () => {
    const token = await http.call<{ token: string }>('/auth/tokens', {
      method: 'POST',
      as: admin,
      body: { name: 'caller', scopes: ['tool.call', 'tool.read'] },
    });
    const { approvalId } = await ask({ by: 'token' }, { ...admin, token: token.body.token });
    expect(await decide(admin, approvalId)).toMatchObject({
      status: 403,
      body: { code: 'self_approval' },
    });
  });

  it('that somebody’s grant or agent has asked for is not decided by them, nor by the grant', async () => {
    const issued = await http.call<IssuedGrant>('/mcp/grants', {
      method: 'POST',
      as: admin,
      body: { tools: ['up.*'], ttlSeconds: 60 },
    });
    const { grant } = issued.body;
    const mine = await ask({ own: 'agent' }, admin);
    // What an agent of theirs asks for names the agent, and the person that it works for.
    await http.database.query('UPDATE approvals SET requested_by = $2 WHERE id = $1', [
      mine.approvalId,
      'agent:7c0f3c1e-0000-7000-8000-000000000000',
    ]);
    expect(await decide(admin, mine.approvalId)).toMatchObject({
      status: 403,
      body: { code: 'self_approval' },
    });
    const { approvalId } = await ask({ own: 'grant' }, admin);
    expect((await decide({ ...admin, token: grant }, approvalId)).status).toBe(401);
    const stillOpen = await http.database.query<{ status: string }>(
      'SELECT status FROM approvals WHERE id = ANY($1)',
      [[mine.approvalId, approvalId]],
    );
    expect(stillOpen).toEqual([{ status: 'pending' }, { status: 'pending' }]);
  });

  it('is void with other arguments, and so is the approval then', async () => {
    const pending = await ask({ n: 1 });
    await decide(admin, pending.approvalId);
    const before = server.calls();
    const other = await call(operator, { args: { n: 2 }, approval: pending.retryHandle });
    expect(other).toMatchObject({ status: 409, body: { code: 'approval_void' } });
    const same = await call(operator, { args: { n: 1 }, approval: pending.retryHandle });
    expect(same).toMatchObject({ status: 409, body: { code: 'approval_void' } });
    expect(server.calls()).toBe(before);
  });

  it('is void once the server is registered otherwise', async () => {
    const pending = await ask({ n: 3 });
    await decide(admin, pending.approvalId);
    const { headers } = await http.call('/mcp/registry/up', { as: admin });
    await http.call('/mcp/registry/up', {
      method: 'PATCH',
      as: admin,
      headers: { 'if-match': headers.get('etag')! },
      body: { description: 'another one' },
    });
    expect(await call(operator, { args: { n: 3 }, approval: pending.retryHandle })).toMatchObject({
      status: 409,
      body: { code: 'approval_void' },
    });
  });

  it('is void once its server was removed, and another one is registered by its name', async () => {
    const body = { name: 'again', transport: 'http', url: server.url };
    const register = () => http.call('/mcp/registry', { method: 'POST', as: admin, body });
    expect((await register()).status).toBe(201);
    const asked = { server: 'again', args: { n: 33 } };
    const { body: pending } = await call<CallPending>(operator, asked);
    await decide(admin, pending.approvalId);
    await http.call('/mcp/registry/again', { method: 'DELETE', as: admin });
    expect((await register()).status).toBe(201);
    const before = server.calls();
    expect(await call(operator, { ...asked, approval: pending.retryHandle })).toMatchObject({
      status: 409,
      body: { code: 'approval_void' },
    });
    expect(server.calls()).toBe(before);
    await http.call('/mcp/registry/again', { method: 'DELETE', as: admin });
  });

  it('is void once the definition of the tool is another, although that one was approved as well', async () => {
    const pending = await ask({ n: 30 });
    await decide(admin, pending.approvalId);
    server.tools = [{ name: 'read' }, { name: 'write', description: 'Writes twice.' }];
    const registry = http.app.get(Registry, { strict: false });
    await registry.syncTools(await registry.find('up'));
    const pins = await http.call<{ items: ToolPin[] }>('/mcp/pins?state=changed', { as: admin });
    const hash = pins.body.items[0]!.waitingHash!;
    const pin = { server: 'up', tool: 'write', hash };
    const approved = await http.call('/mcp/pins/approve', { method: 'POST', as: admin, body: pin });
    expect(approved.status).toBe(200);
    const before = server.calls();
    expect(await call(operator, { args: { n: 30 }, approval: pending.retryHandle })).toMatchObject({
      status: 409,
      body: { code: 'approval_void' },
    });
    expect(server.calls()).toBe(before);
  });

  it('is still good when something else kept the call from being made, and used up once it was made', async () => {
    const pending = await ask({ n: 31 });
    await decide(admin, pending.approvalId);
    const clock = controlledClock();
    const write = () => call(operator, { args: { n: 31 }, approval: pending.retryHandle });
    server.onCall = () => 500;
    // The circuit opens by calls of the other tool.
    const open = () => http.app.get(CircuitLink, { strict: false }).report('up').state === 'open';
    for (let i = 0; i < 20 && !open(); i++) {
      await call(operator, { tool: 'read' });
      if (!open()) clock.pass(31_000);
    }
    expect(await write()).toMatchObject({ status: 503, body: { code: 'circuit_open' } });
    clock.pass(31_000);
    expect(await write()).toMatchObject({ status: 502, body: { code: 'server_unreachable' } });
    clock.pass(31_000);
    server.onCall = () => ({ content: [] });
    expect(await write()).toMatchObject({ status: 409, body: { code: 'approval_decided' } });
    expect((await call(operator, { tool: 'read' })).status).toBe(200);
    jest.restoreAllMocks();
  });

  it('is used up once the call was made, also when its end could not be recorded', async () => {
    const pending = await ask({ n: 32 });
    await decide(admin, pending.approvalId);
    const write = () => call(operator, { args: { n: 32 }, approval: pending.retryHandle });
    const before = server.calls();
    const ledger = http.app.get(Ledger, { strict: false });
    const gone = jest.spyOn(ledger, 'complete').mockRejectedValueOnce(new Error('no database'));
    expect((await write()).status).toBe(500);
    gone.mockRestore();
    expect(await write()).toMatchObject({ status: 409, body: { code: 'approval_decided' } });
    expect(server.calls()).toBe(before + 1);
  });

  it('is worth nothing in other hands, or forged', async () => {
    const pending = await ask({ n: 4 });
    await decide(admin, pending.approvalId);
    const stranger = await http.signIn('operator');
    for (const [as, approval] of [
      [stranger, pending.retryHandle],
      [operator, `${pending.retryHandle.slice(0, -4)}AAAA`],
      [operator, 'x'],
    ] as const)
      expect(await call(as, { args: { n: 4 }, approval })).toMatchObject({
        body: { code: 'approval_void' },
      });
    expect((await call(operator, { args: { n: 4 }, approval: pending.retryHandle })).status).toBe(
      200,
    );
  });

  it('that was refused is not made', async () => {
    const pending = await ask({ n: 5 });
    await decide(admin, pending.approvalId, 'abort');
    expect(await call(operator, { args: { n: 5 }, approval: pending.retryHandle })).toMatchObject({
      status: 409,
      body: { code: 'approval_decided' },
    });
  });

  const native = isNative ? it : it.skip; // the embedded database has the clock of its process: npm test runs this file on native Postgres too
  native('goes by the clock of the database, whatever that of the process says', async () => {
    const pending = await ask({ n: 7 });
    const again = () =>
      call<CallPending>(operator, { args: { n: 7 }, approval: pending.retryHandle });
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 5 * 3_600_000);
    try {
      expect((await again()).status).toBe(202);
      await decide(admin, pending.approvalId);
      expect((await again()).status).toBe(200);
    } finally {
      clock.mockRestore();
    }
  });

  it('is too late an hour after its question would have expired', async () => {
    const pending = await ask({ n: 8 });
    await decide(admin, pending.approvalId);
    await http.database.query(
      `UPDATE approvals SET expires_at = now() - interval '1 hour' WHERE id = $1`,
      [pending.approvalId],
    );
    expect(await call(operator, { args: { n: 8 }, approval: pending.retryHandle })).toMatchObject({
      status: 409,
      body: { code: 'approval_expired' },
    });
  });

  it('does not come back approved when a rule denies it meanwhile', async () => {
    const pending = await ask({ n: 6 });
    await decide(admin, pending.approvalId);
    await save({ default: 'deny', rules: [] });
    expect(await call(operator, { args: { n: 6 }, approval: pending.retryHandle })).toMatchObject({
      status: 403,
      body: { code: 'policy_denied' },
    });
  });
});

describe('a grant', () => {
  const issue = async (as: SignedIn, body: object) =>
    (await http.call<IssuedGrant>('/mcp/grants', { method: 'POST', as, body })).body.grant;

  it('narrows a call of its holder, and is worth nothing to others', async () => {
    const caps = await issue(operator, { tools: ['up.read'] });
    expect((await call(operator, { tool: 'read', caps })).status).toBe(200);
    expect(await call(operator, { tool: 'write', caps })).toMatchObject({
      status: 403,
      body: { code: 'insufficient_scope' },
    });
    expect(await call(await http.signIn('operator'), { tool: 'read', caps })).toMatchObject({
      status: 403,
      body: { code: 'grant_invalid' },
    });
  });

  it('is good for so many calls', async () => {
    const caps = await issue(operator, { tools: ['up.*'], maxCalls: 2 });
    for (let i = 0; i < 2; i++)
      expect((await call(operator, { tool: 'read', caps })).status).toBe(200);
    expect(await call(operator, { tool: 'read', caps })).toMatchObject({
      body: { code: 'too_many_requests' },
    });
  });

  it('as a bearer token opens the MCP endpoint for its tools, and nothing else', async () => {
    const grant = await issue(operator, { tools: ['up.read'] });
    const rpc = (method: string, params: object) =>
      fetch(`${http.baseUrl}/mcp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${grant}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...('name' in params ? { 'mcp-name': String(params.name) } : {}),
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method,
          params: {
            ...params,
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      });
    const list = await (await rpc('tools/list', {})).text();
    expect(list).toContain('up__read');
    expect(list).not.toContain('up__write');
    expect((await rpc('tools/call', { name: 'up__read', arguments: {} })).status).toBe(200);
    const refused = await rpc('tools/call', { name: 'up__write', arguments: {} });
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toMatch(
      /error="insufficient_scope".*scope="tool\.call:up\.write tool\.call:up\.\* tool\.call"/,
    );
    const elsewhere = await http.call('/mcp/registry', {
      headers: { authorization: `Bearer ${grant}` },
    });
    expect(elsewhere.status).toBe(401);
  });
});

it('a dry run tells what each link would do', async () => {
  await save({
    rules: [
      { id: 'ask', effect: 'approve', tools: ['write'], description: '', enabled: true, when: [] },
    ],
  });
  const before = server.calls();
  const answer = await call(operator, { dryRun: true });
  expect(answer.body.structuredContent).toMatchObject({ dryRun: true, outcome: 'ask' });
  expect(server.calls()).toBe(before);
  await save({});
});

it('tells outsiders who signs tokens, at both places', async () => {
  for (const path of [
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
  ])
    expect((await http.call(path)).body).toMatchObject({
      resource: `${http.baseUrl}/mcp`,
      scopes_supported: ['tool.read', 'tool.call'],
      bearer_methods_supported: ['header'],
    });
});

it('shows outsiders the keys it signs with, and no more of them than they need', async () => {
  const { status, body } = await http.call<{ keys: object[] }>('/.well-known/jwks.json');
  expect(status).toBe(200);
  expect(body.keys).toEqual([
    {
      ...{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' },
      ...{ x: expect.any(String), kid: expect.any(String) },
    },
  ]);
});

it('counts calls by server, tool and outcome for Prometheus', async () => {
  const { ToolMetrics } = await import('../src/modules/integrations/index.js');
  await call(operator, { tool: 'read' });
  await call(operator, { tool: 'no such tool' });
  const text = http.app.get(ToolMetrics, { strict: false }).render();
  expect(text).toMatch(/aos_tool_calls_total\{server="up",tool="read",outcome="ok"\} \d+/);
  expect(text).toMatch(/aos_tool_calls_total\{server="",tool="",outcome="unknown_tool"\} 1/);
  expect(text).toMatch(
    /aos_tool_call_duration_seconds_bucket\{server="up",tool="read",le="\+Inf"\} \d+/,
  );
});
