import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { SignedIn } from '../../../../test/http-app.js';
import { makeRole } from '../../../../test/http-app.js';
import { HttpFixture, type McpApp, openMcpApp } from '../../../../test/mcp-app.js';
import { startToolServer } from '../chain/testing.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { Gateway } from '../gateway.js';
import { Registry } from '../registry.js';
import { Catalogue } from './catalogue.js';

const fixture = new HttpFixture();
const older = new HttpFixture(['--era', 'older']);
let app: McpApp;
let operator: SignedIn;
beforeAll(async () => {
  app = await openMcpApp();
  operator = await app.signIn('operator');
  await Promise.all([fixture.start(), older.start()]);
  await app.register({ name: 'fixture', url: fixture.url, transport: 'http' });
  await app.register({ name: 'older', url: older.url, transport: 'http' });
}, 120_000);
afterAll(async () => {
  await app.close();
  await Promise.all([fixture.stop(), older.stop()]);
});

const VERSION = '2026-07-28';
const P = 'io.modelcontextprotocol/';
const envelope = (capabilities: object = {}) => ({
  [`${P}protocolVersion`]: VERSION,
  [`${P}clientInfo`]: { name: 'test', version: '1' },
  [`${P}clientCapabilities`]: capabilities,
});

interface RpcAnswer {
  result?: Record<string, unknown> & { inputRequests?: object; requestState?: string };
  error?: { code: number; message: string; data?: Record<string, unknown> };
  id?: unknown;
}

/** A request of the current revision, as a client would send it but for what the test changes. */
function send(
  method: string,
  params: Record<string, unknown> = {},
  options: {
    as?: SignedIn;
    token?: string;
    headers?: Record<string, string>;
    meta?: object;
    capabilities?: object;
    at?: McpApp;
  } = {},
) {
  const name = params['name'] ?? params['uri'];
  const token = options.token ?? (options.as ?? operator).token;
  return (options.at ?? app).call<RpcAnswer>('/mcp', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': VERSION,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
      ...options.headers,
    },
    body: {
      jsonrpc: '2.0',
      id: 1,
      method,
      params: { ...params, _meta: options.meta ?? envelope(options.capabilities) },
    },
  });
}

/** As `send`, with arguments as they are written. */
async function sendText(method: string, name: string, args: string): Promise<RpcAnswer> {
  const body = { jsonrpc: '2.0', id: 1, method, params: { name, arguments: 0, _meta: envelope() } };
  const answer = await fetch(app.mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${operator.token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': VERSION,
      'mcp-method': method,
      'mcp-name': name,
    },
    body: JSON.stringify(body).replace('"arguments":0', `"arguments":${args}`),
  });
  return (await answer.json()) as RpcAnswer;
}

const tool = (name: string, more: object = {}) => ({ name, arguments: {}, ...more });
const callsOf = async () =>
  (await app.database.query<{ count: number }>('SELECT count(*)::int AS count FROM tool_calls'))[0]!
    .count;
const auditOf = (action: string) =>
  app.database.query<{ resource: string; diff: Record<string, unknown> }>(
    `SELECT resource, diff FROM audit_logs WHERE action = $1 ORDER BY id`,
    [action],
  );

/** Of each method, params with a field that is of another kind than it takes. */
const oddParams: [string, Record<string, unknown>, string][] = [
  ['tools/list', { cursor: 5 }, 'params.cursor'],
  ['tools/call', { name: 'x', arguments: 'y' }, 'params.arguments'],
  ['prompts/list', { cursor: {} }, 'params.cursor'],
  ['prompts/get', { name: 'x', arguments: { a: 5 } }, 'params.arguments.a'],
  ['resources/list', { cursor: [] }, 'params.cursor'],
  ['completion/complete', { ref: { type: 'x' }, argument: {} }, 'params.ref'],
];
function expectInvalid({ error }: RpcAnswer, field: string): void {
  expect(error?.code).toBe(-32602);
  expect(error?.message).toMatch(/^Invalid params: [^[{]+$/);
  expect(error?.message).toContain(`${field}: `);
}

/** Past fetch, which sets Host itself. */
function answerOf(
  headers: Record<string, string>,
  body: string,
  path = '/mcp',
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.baseUrl);
    const request = httpRequest({ hostname, port, path, method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response);
    });
    request.on('error', reject);
    request.end(body);
  });
}
const raw = async (...request: Parameters<typeof answerOf>): Promise<number> =>
  (await answerOf(...request)).statusCode!;

describe('where a request comes from', () => {
  it.each([
    'http://evil.example',
    'null',
    'http://localhost.evil.example',
    'https://aos.example.evil',
  ])('refuses the origin %s before it reads the body, and says so in the audit', async (origin) => {
    const before = (await auditOf('access.denied')).length;
    const headers = {
      authorization: `Bearer ${operator.token}`,
      origin,
      'content-type': 'application/json',
    };
    // A body that is none would be answered with 400.
    expect(await raw(headers, '{"jsonrpc"')).toBe(403);
    expect(await auditOf('access.denied')).toHaveLength(before + 1);
  });

  it('is one place, however it is written, or none: either is answered at once', async () => {
    const headers = {
      authorization: `Bearer ${operator.token}`,
      'content-type': 'application/json',
    };
    for (const path of ['/mcp%2f', '//mcp', '/mcp;a=1', '/./mcp', '/%6dcp'])
      expect([path, await raw(headers, '{}', path)]).toEqual([path, 404]);
    for (const path of ['/mcp', '/MCP', '/Mcp/', `${app.baseUrl}/mcp`])
      expect([path, await raw(headers, '{}', path)]).toEqual([path, 400]);
    expect(await raw(headers, '{}', 'http://evil.example/mcp')).toBe(403);
  });

  it('shows its token in a header, and nowhere else', async () => {
    const { token } = operator;
    const type = { 'content-type': 'application/json' };
    for (const [headers, path] of [
      [type, `/mcp?access_token=${token}`],
      [{ ...type, authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` }, '/mcp'],
      [{ ...type, authorization: `Bearer x, Bearer ${token}` }, '/mcp'],
      [{ ...type, authorization: `Bearer\t${token}` }, '/mcp'],
      // A wrong one is wrong, whatever comes along with it.
      [{ ...type, authorization: 'Bearer x', cookie: operator.cookie }, '/mcp'],
    ] as [Record<string, string>, string][])
      expect(await raw(headers, '{}', path)).toBe(401);
  });

  it('refuses a foreign Host by itself', async () => {
    const headers = {
      authorization: `Bearer ${operator.token}`,
      host: 'evil.example',
      'content-type': 'application/json',
    };
    expect(await raw(headers, '{}')).toBe(403);
  });
});

describe('who sends it', () => {
  it.each([
    ['nothing', undefined],
    ['a token of nobody', 'aos_pat_0000'],
    ['an unsigned JWT', `${b64({ alg: 'none' })}.${b64({ aud: 'x', sub: 'a' })}.`],
    [
      'a JWT with a key of its own',
      `${b64({ alg: 'RS256', jku: 'http://127.0.0.1:1/jwks' })}.${b64({ sub: 'a' })}.c2ln`,
    ],
  ])('answers %s with 401, where to sign in, and nothing sent upstream', async (_what, token) => {
    const calls = await callsOf();
    const answer = await app.call<RpcAnswer>('/mcp', {
      method: 'POST',
      headers: token ? { authorization: `Bearer ${token}` } : {},
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: tool('fixture__test_simple_text'),
      },
    });
    expect(answer.status).toBe(401);
    const challenge = answer.headers.get('www-authenticate');
    expect(challenge).toContain(
      `resource_metadata="${app.baseUrl}/.well-known/oauth-protected-resource/mcp"`,
    );
    expect(challenge).toContain('scope="tool.read tool.call"');
    expect(answer.body.error).toMatchObject({ code: -32000 });
    expect(await callsOf()).toBe(calls);
  });

  it('names the scopes that a call takes, and lists to nobody what they cannot call', async () => {
    const reader = await app.signIn('viewer');
    const answer = await send('tools/call', tool('fixture__test_simple_text'), { as: reader });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toMatch(
      /error="insufficient_scope".*scope="tool.read tool.call"/,
    );
    const { body } = await send('tools/list', {}, { as: reader });
    expect(body.result?.['tools']).toEqual([]);
    await makeRole(app.database, 'nothing-with-tools', ['project.read']);
    const stranger = await app.signIn('nothing-with-tools');
    expect((await send('tools/list', {}, { as: stranger })).status).toBe(403);
  });

  it('opens nothing outside a project to who may call tools in one only', async () => {
    const inside = await app.signIn('operator', 'theirs');
    const calls = await callsOf();
    const answer = await send('tools/call', tool('fixture__test_simple_text'), { as: inside });
    expect(answer.status).toBe(403);
    expect(await callsOf()).toBe(calls);
    expect((await send('tools/list', {}, { as: inside })).body.result?.['tools']).toEqual([]);
  });

  it('opens no stream to who has nothing to do with tools', async () => {
    await makeRole(app.database, 'no-stream', ['project.read']);
    const stranger = await app.signIn('no-stream');
    for (const method of ['GET', 'DELETE'])
      expect((await app.call('/mcp', { method, as: stranger })).status).toBe(403);
  });

  it('takes what a client sends for data, also where it reads like the name of a secret', async () => {
    const server = await startToolServer([{ name: 'echo' }]);
    await app.register({ name: 'data', url: server.url, transport: 'http' });
    const args = { text: '${secret.TOKEN} and $${secret.TOKEN}' };
    const { body } = await send('tools/call', { name: 'data__echo', arguments: args });
    expect(body.result).toHaveProperty('content');
    const call = server.seen.find(({ method }) => method === 'tools/call');
    expect(call?.params['arguments']).toEqual(args);
    await app.call('/mcp/registry/data', { method: 'DELETE', as: app.admin });
    await server.stop();
  });

  it('narrows a grant to its tools, in the list and in calls', async () => {
    const issued = await app.call<{ token: string; grant: string }>('/mcp/grants', {
      method: 'POST',
      as: operator,
      body: { tools: ['fixture.test_simple_text'], ttlSeconds: 60 },
    });
    expect(issued.status).toBe(201);
    const token = issued.body.token ?? issued.body.grant;
    const listed = await send('tools/list', {}, { token });
    expect((listed.body.result?.['tools'] as { name: string }[]).map(({ name }) => name)).toEqual([
      'fixture__test_simple_text',
    ]);
    const other = await send('tools/call', tool('fixture__test_image_content'), { token });
    expect(other.status).toBe(403);
    expect(other.headers.get('www-authenticate')).toContain(
      'scope="tool.call:fixture.test_image_content tool.call:fixture.* tool.call"',
    );
    const own = await send('tools/call', tool('fixture__test_simple_text'), { token });
    expect(own.body.result).toHaveProperty('content');
  });

  it('passes no token of a client on', async () => {
    const { text } = await send('tools/call', tool('fixture__test_heard'));
    expect(text).toContain('traceparent');
    expect(text).not.toContain(operator.token);
    expect(text.toLowerCase()).not.toContain('authorization');
  });

  it('lets a stream go when its token is taken away', async () => {
    const leaver = await app.signIn('operator');
    const response = await fetch(app.mcpUrl, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${leaver.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': VERSION,
        'mcp-method': 'subscriptions/listen',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: { notifications: { toolsListChanged: true }, _meta: envelope() },
      }),
    });
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('acknowledged');
    await app.call('/auth/logout', { method: 'POST', as: leaver });
    await expect(readToEnd(reader)).resolves.toBeUndefined();
  });
});

describe('headers against the body', () => {
  it('goes by the body, and refuses a name that says otherwise', async () => {
    const calls = await callsOf();
    const encoded = `=?base64?${Buffer.from('fixture__test_simple_text').toString('base64')}?=`;
    for (const name of ['fixture__test_simple_text', encoded, '=?base64?!!?=', 'a%0d%0ab']) {
      const answer = await send('tools/call', tool('fixture__test_error_handling'), {
        headers: { 'mcp-name': name },
      });
      expect(answer.status).toBe(400);
      expect(answer.body.error?.code).toBe(-32020);
    }
    expect(await callsOf()).toBe(calls);
    // The encoded form of the right name is the right name.
    const right = await send('tools/call', tool('fixture__test_simple_text'), {
      headers: { 'mcp-name': encoded },
    });
    expect(right.body.result).toBeDefined();
  });

  it('refuses a version that is missing, another, or old', async () => {
    const call = tool('fixture__test_simple_text');
    const older = await send('tools/call', call, {
      headers: { 'mcp-protocol-version': '2025-11-25' },
    });
    expect([older.status, older.body.error?.code]).toEqual([400, -32020]);
    const other = await send('tools/call', call, {
      meta: { ...envelope(), [`${P}protocolVersion`]: '2099-01-01' },
    });
    expect(other.status).toBe(400);
    const none = await app.call<RpcAnswer>('/mcp', {
      method: 'POST',
      as: operator,
      headers: { 'mcp-method': 'tools/call', 'mcp-name': call.name },
      body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...call, _meta: envelope() } },
    });
    expect([none.status, none.body.error?.code]).toEqual([400, -32020]);
  });
});

describe('the state of a request that waits for input', () => {
  const asks = (server: string) => `${server}__test_input_required_result_request_state`;
  const capabilities = { elicitation: {} };
  const answers = (body: RpcAnswer) =>
    Object.fromEntries(
      Object.keys(body.result?.inputRequests ?? {}).map((key) => [
        key,
        { action: 'accept', content: { ok: true } },
      ]),
    );

  describe.each(['fixture', 'older'])('of a call to the server %s', (server) => {
    async function begun() {
      const { body } = await send('tools/call', tool(asks(server)), { capabilities });
      expect(body.result).toMatchObject({ resultType: 'input_required' });
      return { inputResponses: answers(body), requestState: body.result!.requestState! };
    }

    it('is good for the one who was asked, for that call, and once', async () => {
      const more = await begun();
      const refusals = [
        await send('tools/call', tool(asks(server), more), {
          capabilities,
          as: await app.signIn('operator'),
        }),
        await send('tools/call', tool(`${server}__test_simple_text`, more), { capabilities }),
        await send(
          'tools/call',
          { ...tool(asks(server), more), arguments: { other: 1 } },
          {
            capabilities,
          },
        ),
        await send(
          'tools/call',
          tool(asks(server), { ...more, requestState: `${more.requestState}-TAMPERED` }),
          { capabilities },
        ),
      ];
      // The same bytes, written in another way.
      for (const again of [`${more.requestState}=`, more.requestState.replace(/.$/, '$&\n')])
        refusals.push(
          await send('tools/call', tool(asks(server), { ...more, requestState: again }), {
            capabilities,
          }),
        );
      const before = (await auditOf('mcp.request-state')).length;
      expect(before).toBeGreaterThanOrEqual(6);
      for (const { body } of refusals)
        expect(body.error).toMatchObject({
          code: -32602,
          message: 'Invalid or expired requestState',
        });
      const right = await send('tools/call', tool(asks(server), more), { capabilities });
      expect(right.text).toContain('state-ok');
      const again = await send('tools/call', tool(asks(server), more), { capabilities });
      expect(again.body.error?.code).toBe(-32602);
      const rows = await auditOf('mcp.request-state');
      expect(rows).toHaveLength(before + 1);
      expect(rows.at(-1)?.diff).toEqual({ why: 'used before' });
    });

    it('is still good after it came to another process', async () => {
      const more = await begun();
      if (server === 'fixture') return; // what is handed through is good in any process
      const { database, environment } = app;
      const other = await openMcpApp({
        database: { database, url: undefined, close: () => Promise.resolve() },
        environment: { dataDir: environment.dataDir },
      });
      const elsewhere = await send('tools/call', tool(asks(server), more), {
        capabilities,
        at: other,
      });
      expect(elsewhere.body.error).toMatchObject({
        code: -32602,
        message: expect.stringContaining('in another process'),
        data: { reason: 'call_elsewhere' },
      });
      expect((await send('tools/call', tool(asks(server), more), { capabilities })).text).toContain(
        'state-ok',
      );
      await other.close();
    });

    it('is good for the same arguments, whatever the order of their keys', async () => {
      const call = (args: object, more: object = {}) =>
        send('tools/call', { ...tool(asks(server), more), arguments: args }, { capabilities });
      const { body } = await call({ a: { x: 1, y: 2 }, b: 3 });
      const more = { inputResponses: answers(body), requestState: body.result!.requestState! };
      expect((await call({ b: 3, a: { y: 2, x: 1 } }, more)).text).toContain('state-ok');
    });

    it('does not live for ever', async () => {
      const more = await begun();
      const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3600_000);
      try {
        // The session of the caller would have ended as well: the state alone is what is asked about.
        await app.database.query("UPDATE sessions SET expires_at = now() + interval '2 hours'");
        const late = await send('tools/call', tool(asks(server), more), { capabilities });
        expect(late.body.error?.code).toBe(-32602);
      } finally {
        now.mockRestore();
      }
      expect((await auditOf('mcp.request-state')).at(-1)?.diff).toEqual({ why: 'expired' });
    });

    it('is asked again for what was not answered', async () => {
      const { requestState } = await begun();
      if (server === 'fixture') return; // there the server itself decides
      const { body } = await send(
        'tools/call',
        tool(asks(server), { requestState, inputResponses: { wrong: { action: 'accept' } } }),
        { capabilities },
      );
      expect(body.result).toMatchObject({ resultType: 'input_required' });
      const done = await send(
        'tools/call',
        tool(asks(server), {
          requestState: body.result!.requestState,
          inputResponses: answers(body),
        }),
        { capabilities },
      );
      expect(done.text).toContain('state-ok');
    });
  });

  it('asks nothing that the client did not say it can do', async () => {
    const answer = await send(
      'tools/call',
      tool('older__test_elicitation', {
        arguments: { message: 'Who?' },
      }),
      { capabilities: { sampling: {} } },
    );
    expect(answer.body.result).not.toHaveProperty('inputRequests');
    expect(answer.text).toMatch(/does not|isError|error/);
  });
});

describe('lists', () => {
  it('are their reader’s own, whatever the server says of its', async () => {
    const { body } = await send('tools/list');
    expect(body.result).toMatchObject({ cacheScope: 'private' });
    const read = await send('resources/read', { uri: 'test://static-text' });
    expect(read.body.result).toMatchObject({ cacheScope: 'private' });
    const viewer = await app.signIn('viewer');
    expect((await send('tools/list', {}, { as: viewer })).body.result?.['tools']).toEqual([]);
    expect((await send('resources/list', {}, { as: viewer })).body.result?.['resources']).toEqual(
      [],
    );
  });

  describe('when a policy closes a tool', () => {
    const names = async (as = operator) =>
      ((await send('tools/list', {}, { as })).body.result?.['tools'] as { name: string }[]).map(
        ({ name }) => name,
      );
    async function save(rules: object[], fallback = 'allow'): Promise<void> {
      const { headers } = await app.call('/mcp/policies', { as: app.admin });
      const body = { default: fallback, rules };
      const etag = { 'if-match': headers.get('etag')! };
      const to = { method: 'PUT', as: app.admin, headers: etag, body };
      expect((await app.call('/mcp/policies', to)).status).toBe(200);
    }
    const closed = { id: 'closed', effect: 'deny', tools: ['test_image_content'] };
    afterEach(() => save([]));

    it('leave it out for those to whom it is closed, in a search too', async () => {
      await save([{ ...closed, roles: ['operator'] }]);
      expect(await names()).not.toContain('fixture__test_image_content');
      expect(await names()).toContain('fixture__test_simple_text');
      expect(await names(app.admin)).toContain('fixture__test_image_content');
      const found = await send(
        'tools/call',
        tool('search_tools', { arguments: { query: 'image content', limit: 20 } }),
      );
      expect(found.text).toContain('fixture__');
      expect(found.text).not.toContain('fixture__test_image_content');
      const called = await send('tools/call', tool('fixture__test_image_content'));
      expect(called.body.error).toMatchObject({ data: { code: 'policy_denied' } });
    });

    it('keep what some arguments, or an approval, would open', async () => {
      const when = [{ pointer: '/x', op: 'exists', negate: false }];
      await save([{ ...closed, when }]);
      expect(await names()).toContain('fixture__test_image_content');
      await save([
        { ...closed, effect: 'approve' },
        { ...closed, id: 'later' },
      ]);
      expect(await names()).toContain('fixture__test_image_content');
      await save([{ ...closed, effect: 'allow', when }], 'deny');
      expect(await names()).toEqual(['fixture__test_image_content', 'older__test_image_content']);
      await save([
        { ...closed, when },
        { ...closed, id: 'later' },
      ]);
      expect(await names()).not.toContain('fixture__test_image_content');
    });

    it('are empty when nothing is allowed, and clients are told that they have changed', async () => {
      const catalogue = app.app.get(Catalogue, { strict: false });
      let told = 0;
      const count = () => void told++;
      const stop = catalogue.listen({
        toolsChanged: count,
        promptsChanged: () => undefined,
        resourcesChanged: () => undefined,
        resourceUpdated: () => undefined,
      });
      await catalogue.look();
      told = 0; // from here on
      await save([], 'deny');
      expect(await names()).toEqual([]);
      await catalogue.look();
      expect(told).toBe(1);
      stop();
    });
  });

  it('of prompts and templates are empty for who may not call, and for who is held to some tools', async () => {
    const viewer = await app.signIn('viewer');
    const issued = await app.call<{ grant: string }>('/mcp/grants', {
      method: 'POST',
      as: operator,
      body: { tools: ['fixture.test_simple_text'], ttlSeconds: 60 },
    });
    for (const [method, key] of [
      ['prompts/list', 'prompts'],
      ['resources/list', 'resources'],
      ['resources/templates/list', 'resourceTemplates'],
    ] as const) {
      expect((await send(method)).body.result?.[key]).not.toEqual([]);
      expect((await send(method, {}, { as: viewer })).body.result?.[key]).toEqual([]);
      expect((await send(method, {}, { token: issued.body.grant })).body.result?.[key]).toEqual([]);
    }
    for (const [method, params] of [
      ['prompts/get', { name: 'fixture__test_simple_prompt' }],
      ['resources/read', { uri: 'test://static-text' }],
    ] as const) {
      expect((await send(method, params)).status).toBe(200);
      expect((await send(method, params, { token: issued.body.grant })).status).toBe(403);
      expect((await send(method, params, { as: viewer })).status).toBe(403);
    }
  });

  it('of resources that a stream is to tell of takes what subscribing to them takes', async () => {
    const viewer = await app.signIn('viewer');
    const issued = await app.call<{ grant: string }>('/mcp/grants', {
      method: 'POST',
      as: operator,
      body: { tools: ['fixture.test_simple_text'], ttlSeconds: 60 },
    });
    const listen = async (token: string, notifications: object) => {
      const answer = await fetch(`${app.baseUrl}/mcp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': VERSION,
          'mcp-method': 'subscriptions/listen',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'subscriptions/listen',
          params: { notifications, _meta: envelope() },
        }),
      });
      await answer.body?.cancel();
      return answer.status;
    };
    const watched = { resourceSubscriptions: ['test://watched-resource'] };
    for (const token of [viewer.token, issued.body.grant]) {
      expect(await listen(token, watched)).toBe(403);
      expect(await listen(token, { toolsListChanged: true })).toBe(200);
    }
    expect(await listen(operator.token, watched)).toBe(200);
  });

  it('take no cursor but their own', async () => {
    for (const cursor of ['x', 'WyJhIl0', '1', ''])
      if (cursor !== 'WyJhIl0')
        expect((await send('tools/list', { cursor })).body.error?.code).toBe(-32602);
  });
});

describe('sessions of older clients', () => {
  const post = (body: unknown, as: SignedIn, headers: Record<string, string> = {}) =>
    app.call<RpcAnswer>('/mcp', {
      method: 'POST',
      as,
      body,
      headers: { accept: 'application/json, text/event-stream', ...headers },
    });
  const initialize = {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'older', version: '1' },
    },
  };
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

  it('closes the connection behind a stream where the client says so', async () => {
    const headers = {
      authorization: `Bearer ${operator.token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      connection: 'close',
    };
    const answer = await answerOf(headers, JSON.stringify(initialize));
    const told = { 'content-type': 'text/event-stream', connection: 'close' };
    expect(answer.headers).toMatchObject(told);
  });

  it('belong to the one who began them', async () => {
    const begun = await post(initialize, operator);
    const id = { 'mcp-session-id': begun.headers.get('mcp-session-id')! };
    expect(id['mcp-session-id']).toMatch(/^[\x21-\x7e]+$/);
    const other = await app.signIn('operator');
    const foreign = await post(ping, other, id);
    const unknown = await post(ping, operator, { 'mcp-session-id': 'unknown' });
    expect(foreign.status).toBe(404);
    expect({ ...foreign.body, id: 0 }).toEqual({ ...unknown.body, id: 0 });
    expect(unknown.status).toBe(404);
    expect((await app.call('/mcp', { method: 'DELETE', as: other, headers: id })).status).toBe(404);
    expect((await post(ping, operator, id)).status).toBe(200);
    expect((await app.call('/mcp', { method: 'DELETE', as: operator, headers: id })).status).toBe(
      200,
    );
    expect((await post(ping, operator, id)).status).toBe(404);
  });

  it.each([
    ['no version', { capabilities: {}, clientInfo: { name: 'x', version: '1' } }],
    ['odd capabilities', { ...initialize.params, capabilities: { elicitation: 5 } }],
    ['nobody', { ...initialize.params, clientInfo: null }],
  ])('are not begun with %s, and that is what is said', async (_, params) => {
    const { status, body } = await post({ ...initialize, params }, operator);
    expect([status, body.id]).toEqual([400, initialize.id]);
    expect(body.error?.message).toBe(
      'initialize takes protocolVersion, capabilities and clientInfo.',
    );
  });

  it.each(oddParams)('hear of %s that do not fit in words', async (method, params, field) => {
    const begun = await post(initialize, operator);
    const answer = await app.call<RpcAnswer>('/mcp', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${operator.token}`,
        accept: 'application/json, text/event-stream',
        'mcp-session-id': begun.headers.get('mcp-session-id')!,
      },
      body: { jsonrpc: '2.0', id: 7, method, params },
    });
    expectInvalid(JSON.parse(/^data: (.+)$/m.exec(answer.text)![1]!) as RpcAnswer, field);
  });

  it('are what GET and DELETE are for: without one they are not taken', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await app.call('/mcp', {
        method,
        as: operator,
        headers: { accept: 'text/event-stream', 'last-event-id': '1' },
      });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
    }
  });
});

describe('params that do not fit their method', () => {
  it.each(oddParams)(
    '(%s) are the client’s fault, told in words',
    async (method, params, field) => {
      const { body } = await send(method, params);
      expectInvalid(body, field);
    },
  );
});

it('takes nothing for which the server would get something else', async () => {
  const before = await callsOf();
  const lost: [string, string][] = [
    ['{"text":"a\\ud800b"}', 'params.arguments.text'],
    ['{"list":["\\uDFFF"]}', 'params.arguments.list.0'],
    ['{"k\\ud800":1}', 'params.arguments.k\ufffd'],
    ['{"n":1e400}', 'params.arguments.n'],
    ['{"n":-1E+999}', 'params.arguments.n'],
    [`{"n":1${'0'.repeat(309)}}`, 'params.arguments.n'],
    ['{"n":9007199254740993}', 'params.arguments.n'],
    ['{"list":[9.007199254740993E15]}', 'params.arguments.list.0'],
    ['{"path":"a","path":"b"}', 'params.arguments.path'],
  ];
  for (const [args, field] of lost)
    for (const method of ['tools/call', 'prompts/get'])
      expectInvalid(await sendText(method, 'fixture__test_simple_text', args), field);
  expect(await callsOf()).toBe(before);
  // A whole pair, and digits within a text, are none of that.
  const whole = await sendText(
    'tools/call',
    'fixture__test_simple_text',
    '{"a":"\\ud83d\\ude00 1e400"}',
  );
  expect([whole.error, await callsOf()]).toEqual([undefined, before + 1]);
});

it('takes a document that names the largest number of 64 bits as a bound', async () => {
  const schema = { type: 'integer', maximum: 'BOUND' };
  const document = {
    openapi: '3.1.0',
    info: { title: 'x', version: '1' },
    paths: {
      '/x': {
        get: { operationId: 'x', parameters: [{ name: 'n', in: 'query', schema }], responses: {} },
      },
    },
  };
  const body = { name: 'bounds', baseUrl: 'https://bounds.example', document, preview: true };
  const answer = await fetch(`${app.baseUrl}/mcp/registry/import/openapi`, {
    method: 'POST',
    headers: { authorization: `Bearer ${app.admin.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body).replace('"BOUND"', '9223372036854775807'),
  });
  expect([answer.status, (await answer.json()) as object]).toMatchObject([
    200,
    { tools: [{ name: 'x' }] },
  ]);
});

describe('a body that is none', () => {
  it.each([
    ['not JSON', '{"jsonrpc": "2.0", ', 400, -32700],
    ['nested without end', `${'['.repeat(5000)}${']'.repeat(5000)}`, 400, -32700],
    ['no message', '"hello"', 400, undefined],
    ['null', 'null', 400, undefined],
    [
      'of an id that would be another one',
      '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}',
      400,
      undefined,
    ],
  ])('%s is answered in the protocol’s own terms', async (_what, body, status, code) => {
    const response = await fetch(app.mcpUrl, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${operator.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body,
    });
    expect(response.status).toBe(status);
    const answer = (await response.json()) as RpcAnswer;
    expect(typeof answer.error?.code).toBe('number');
    if (code !== undefined) expect(answer.error?.code).toBe(code);
  });

  it('is bounded', async () => {
    const answer = await app.call<RpcAnswer>('/mcp', {
      method: 'POST',
      as: operator,
      body: { jsonrpc: '2.0', id: 1, method: 'ping', params: { x: 'x'.repeat(5_000_000) } },
    });
    expect(answer.status).toBe(413);
    expect(answer.body.error).toBeDefined();
  });
});

function b64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

async function readToEnd(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // Cut: that is an end as well.
  }
}

it('says that the database does not answer, where the tools cannot be read', async () => {
  const cut = Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });
  const offered = jest.spyOn(app.app.get(Registry), 'offering').mockRejectedValue(cut);
  app.app.get(Wakeups).wake('control'); // what was read before is not good any more
  for (const method of ['tools/list', 'server/discover', 'prompts/list'])
    expect(await send(method)).toMatchObject({
      status: 503,
      body: { error: { code: -32000, message: expect.stringContaining('does not answer') } },
    });
  offered.mockRestore();
  // The same of what else a list is made of.
  const closed = jest.spyOn(app.app.get(Gateway), 'closedTo').mockRejectedValueOnce(cut);
  expect((await send('tools/list')).body.error).toMatchObject({
    code: -32000,
    message: expect.stringContaining('does not answer'),
    data: { code: 'unavailable', traceId: expect.any(String) },
  });
  closed.mockRestore();
  expect((await send('tools/list')).status).toBe(200);
});
