import {
  Client as CurrentClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as OlderClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OlderTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { JobsModule } from '../../jobs/index.js';
import { RunsModule } from '../../runs/index.js';
import type { SignedIn } from '../../../../test/http-app.js';
import { HttpFixture, type McpApp, openMcpApp } from '../../../../test/mcp-app.js';
import { Ledger } from '../chain/ledger.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { Catalogue } from './catalogue.js';

const current = new HttpFixture();
const older = new HttpFixture(['--era', 'older', '--page', '7']);
let app: McpApp;
let operator: SignedIn;
beforeAll(async () => {
  app = await openMcpApp({ imports: [JobsModule, RunsModule] });
  operator = await app.signIn('operator');
  await Promise.all([current.start(), older.start()]);
  await app.register({ name: 'new-http', url: current.url, transport: 'http' });
  await app.register({ name: 'old-http', url: older.url, transport: 'http' });
  await app.registerOverStdio('new-stdio');
  await app.registerOverStdio('old-stdio', { era: 'older' });
}, 120_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await app.close();
  await Promise.all([current.stop(), older.stop()]);
});

const servers = ['new-http', 'old-http', 'new-stdio', 'old-stdio'];
const capabilities = { elicitation: {}, sampling: {}, roots: {} };
const info = { name: 'test', version: '1' };
const answer = { action: 'accept' as const, content: { name: 'Ada', color: 'red', ok: true } };
const sampled = {
  role: 'assistant' as const,
  content: { type: 'text' as const, text: 'Paris' },
  model: 'test',
};
const roots = { roots: [{ uri: 'file:///here', name: 'here' }] };
const clients: { close(): Promise<void> }[] = [];
const headersOf = (as: SignedIn) => ({ headers: { authorization: `Bearer ${as.token}` } });

async function currentClient(as = operator, path = ''): Promise<CurrentClient> {
  const client = new CurrentClient(info, {
    capabilities,
    versionNegotiation: { mode: { pin: '2026-07-28' } },
  });
  client.setRequestHandler('elicitation/create', () => Promise.resolve(answer));
  client.setRequestHandler('sampling/createMessage', () => Promise.resolve(sampled));
  client.setRequestHandler('roots/list', () => Promise.resolve(roots));
  await client.connect(
    new StreamableHTTPClientTransport(new URL(app.mcpUrl + path), { requestInit: headersOf(as) }),
  );
  clients.push(client);
  return client;
}

async function olderClient(as = operator, path = ''): Promise<OlderClient> {
  const client = new OlderClient(info, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, () => Promise.resolve(answer));
  client.setRequestHandler(CreateMessageRequestSchema, () => Promise.resolve(sampled));
  client.setRequestHandler(ListRootsRequestSchema, () => Promise.resolve(roots));
  await client.connect(
    new OlderTransport(new URL(app.mcpUrl + path), { requestInit: headersOf(as) }),
  );
  clients.push(client);
  return client;
}

const textOf = (result: unknown) =>
  (result as { content: { text?: string }[] }).content.map(({ text }) => text).join('');

describe.each(['current', 'older'] as const)('a client of the %s revision', (revision) => {
  const connect = (): Promise<CurrentClient | OlderClient> =>
    revision === 'current' ? currentClient() : olderClient();
  type Call = (name: string, args?: Record<string, unknown>) => Promise<unknown>;
  let client: CurrentClient | OlderClient;
  let call: Call;
  beforeAll(async () => {
    client = await connect();
    call = (name, args = {}) => client.callTool({ name, arguments: args });
  });

  describe.each(servers)('with the server %s', (server) => {
    it('is asked by a tool, and by a model', async () => {
      expect(textOf(await call(`${server}__test_elicitation`, { message: 'Who?' }))).toBe(
        'User response: action=accept, content={"name":"Ada","color":"red","ok":true}',
      );
      expect(textOf(await call(`${server}__test_sampling`, { prompt: 'Capital?' }))).toBe(
        'LLM response: Paris',
      );
      expect(textOf(await call(`${server}__test_input_required_result_list_roots`))).toBe(
        'Roots: file:///here',
      );
    });

    it('is asked several things at once, and several times, with state', async () => {
      expect(textOf(await call(`${server}__test_input_required_result_multiple_inputs`))).toBe(
        'Paris Ada, 1 roots',
      );
      expect(textOf(await call(`${server}__test_input_required_result_multi_round`))).toBe(
        'Ada likes red',
      );
    });

    it('reads prompts, resources, templates and completions', async () => {
      const prompt = await client.getPrompt({
        name: `${server}__test_prompt_with_arguments`,
        arguments: { arg1: 'a', arg2: 'b' },
      });
      expect(prompt.messages[0]?.content).toMatchObject({
        text: "Prompt with arguments: arg1='a', arg2='b'",
      });
      const uri =
        server === 'new-http' ? 'test://template/1/data' : `aos-${server}+test://template/1/data`;
      const { contents } = await client.readResource({ uri });
      expect(contents).toMatchObject([{ uri, mimeType: 'application/json' }]);
      const { completion } = await client.complete({
        ref: { type: 'ref/prompt', name: `${server}__test_prompt_with_arguments` },
        argument: { name: 'arg1', value: 'par' },
      });
      expect(completion.values).toEqual(['paris', 'park', 'party']);
    });

    it('hears of the progress of its call, as the server tells it', async () => {
      const heard: unknown[] = [];
      const params = { name: `${server}__test_tool_with_progress`, arguments: {} };
      const options = { onprogress: (progress: unknown) => void heard.push(progress) };
      if (client instanceof CurrentClient) await client.callTool(params, options);
      else await client.callTool(params, undefined, options);
      expect(heard).toEqual(
        [0, 50, 100].map((progress) => ({
          progress,
          total: 100,
          message: `Completed step ${progress} of 100`,
        })),
      );
    });

    it('is told of a resource that is not there by the name under which it asked for it', async () => {
      const uri = `aos-${server}+test://nowhere`;
      await expect(client.readResource({ uri })).rejects.toMatchObject({
        message: expect.stringMatching(/[^+]*aos-[a-z-]+\+test:\/\/nowhere$/),
        data: { uri },
      });
    });

    it('sees what went wrong as the server says it', async () => {
      expect(await call(`${server}__test_error_handling`)).toMatchObject({
        isError: true,
        content: [{ text: 'This tool intentionally returns an error for testing' }],
      });
      await expect(client.readResource({ uri: 'test://nowhere' })).rejects.toMatchObject({
        code: -32602,
        data: { uri: 'test://nowhere' },
      });
      await expect(call(`${server}__no_such_tool`)).rejects.toMatchObject({ code: -32602 });
    });

    it('gets structured content', async () => {
      expect(await call(`${server}__test_structured`, { value: 21 })).toMatchObject({
        structuredContent: { doubled: 42 },
      });
      expect(await call(`${server}__test_structured`, { value: 'x' })).toMatchObject({
        isError: true,
      });
    });
  });
});

it('passes a cancellation on to the server', async () => {
  const client = await currentClient();
  for (const server of servers) {
    const cancelled = async () =>
      Number(
        textOf(await client.callTool({ name: `${server}__test_cancellations`, arguments: {} })),
      );
    const before = await cancelled();
    const abort = new AbortController();
    const call = client.callTool(
      { name: `${server}__test_slow`, arguments: { ms: 60_000 } },
      { signal: abort.signal },
    );
    await eventually(async () => {
      const [row] = await app.database.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM tool_calls WHERE status = 'started' AND server = $1 AND tool = 'test_slow'`,
        [server],
      );
      return row?.count === 1;
    });
    abort.abort();
    await expect(call).rejects.toThrow();
    await eventually(async () => (await cancelled()) === before + 1);
  }
});

it('sends log messages to the client of the call, at the level that it asked for', async () => {
  const client = await olderClient();
  const other = await olderClient();
  const heard: unknown[] = [];
  const heardByOther: unknown[] = [];
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    heard.push(params.data);
  });
  other.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    heardByOther.push(params.data);
  });
  await client.setLoggingLevel('info');
  await client.callTool({ name: 'old-http__test_tool_with_logging', arguments: {} });
  expect(heard).toEqual([
    'Tool execution started',
    'Tool processing data',
    'Tool execution completed',
  ]);
  await client.setLoggingLevel('error');
  await client.callTool({ name: 'new-http__test_tool_with_logging', arguments: {} });
  expect(heard).toHaveLength(3);
  expect(heardByOther).toEqual([]);
});

it('tells clients of both revisions when a server changes its tools', async () => {
  const client = await olderClient();
  const listener = await currentClient();
  const heard = { older: 0, current: 0 };
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    heard.older++;
  });
  listener.setNotificationHandler('notifications/tools/list_changed', () => {
    heard.current++;
  });
  const subscription = await listener.listen({ toolsListChanged: true });
  for (const server of servers) {
    const before = { ...heard };
    const has = async () =>
      (await client.listTools()).tools.some(({ name }) => name === `${server}__extra_tool`);
    expect(await has()).toBe(false);
    await client.callTool({ name: `${server}__test_trigger_tool_change`, arguments: {} });
    await eventually(() => heard.older > before.older && heard.current > before.current);
    await eventually(has);
  }
  await subscription.close();
});

it('tells who subscribed to a resource when it changes', async () => {
  const client = await olderClient();
  const heard: string[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push(params.uri);
  });
  const listener = await currentClient();
  listener.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    heard.push(params.uri);
  });
  await client.subscribeResource({ uri: 'test://watched-resource' });
  const subscription = await listener.listen({
    resourceSubscriptions: ['test://watched-resource'],
  });
  await client.callTool({ name: 'new-http__test_touch_resource', arguments: {} });
  await eventually(() => heard.length === 2);
  await client.unsubscribeResource({ uri: 'test://watched-resource' });
  await subscription.close();
});

it('asked twice at once to tell of a resource, watches it once, and no more when that is taken back or its session ends', async () => {
  const upstreams = app.app.get(Upstreams, { strict: false });
  const row = await app.app.get(Catalogue, { strict: false }).server('new-http');
  const upstream = upstreams.of(row!);
  const [begun, ended] = [jest.spyOn(upstream, 'subscribe'), jest.spyOn(upstream, 'unsubscribe')];
  const client = await olderClient();
  const watched = { uri: 'test://watched-resource' };
  await Promise.all([client.subscribeResource(watched), client.subscribeResource(watched)]);
  await client.unsubscribeResource(watched);
  await eventually(() => ended.mock.calls.length === begun.mock.calls.length);
  expect(begun).toHaveBeenCalledTimes(1);
  await client.subscribeResource(watched);
  await (client.transport as OlderTransport).terminateSession();
  await eventually(() => ended.mock.calls.length === 2);
  jest.restoreAllMocks();
});

it('acknowledges of resources those alone that are watched, each once', async () => {
  const listener = await currentClient();
  const watched = 'test://watched-resource';
  const uris = ['test://nobody', watched, watched];
  const subscription = await listener.listen({
    toolsListChanged: true,
    resourceSubscriptions: uris,
  });
  expect(subscription.honoredFilter).toEqual({
    toolsListChanged: true,
    resourceSubscriptions: [watched],
  });
  await subscription.close();
  const empty = await listener.listen({ resourceSubscriptions: ['test://nobody'] });
  expect(empty.honoredFilter).toEqual({});
  expect(await empty.closed).toBe('graceful');
});

it('never gives the question of one caller to another over a shared pipe', async () => {
  const mallory = new OlderClient(info, { capabilities: { elicitation: {} } });
  const asked: unknown[] = [];
  mallory.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params);
    return Promise.resolve(answer);
  });
  await mallory.connect(
    new OlderTransport(new URL(app.mcpUrl), {
      requestInit: headersOf(await app.signIn('operator')),
    }),
  );
  clients.push(mallory);
  const slow = mallory.callTool({ name: 'old-stdio__test_slow', arguments: { ms: 300 } });
  const client = await olderClient();
  await client.callTool({ name: 'old-stdio__test_elicitation', arguments: { message: 'secret?' } });
  await slow;
  expect(asked).toEqual([]);
});

it('goes on listing what a dead server offered, and says that it is away', async () => {
  const mortal = await new HttpFixture().start();
  await app.register({ name: 'mortal', url: mortal.url, transport: 'http' });
  const client = await currentClient();
  const tool = async () =>
    (await client.listTools(undefined, { cacheMode: 'refresh' })).tools.find(
      ({ name }) => name === 'mortal__test_simple_text',
    );
  const prompt = async () =>
    (await client.listPrompts(undefined, { cacheMode: 'refresh' })).prompts.find(
      ({ name }) => name === 'mortal__test_simple_prompt',
    );
  expect((await tool())?._meta).toBeUndefined();
  expect(await prompt()).toBeDefined();
  const { port } = mortal;
  await mortal.stop();
  const failed = await client.callTool({ name: 'mortal__test_simple_text', arguments: {} });
  expect(failed).toMatchObject({ isError: true });
  await eventually(async () => (await tool())?._meta?.['aos.dev/unreachable'] !== undefined);
  expect((await prompt())?._meta).toHaveProperty(['aos.dev/unreachable']);
  const alive = await client.callTool({ name: 'new-http__test_simple_text', arguments: {} });
  expect(alive).not.toHaveProperty('isError');

  // It comes back under its old address, and heals without anybody doing anything about it.
  await mortal.start(port);
  await eventually(async () => {
    const result = await client.callTool({ name: 'mortal__test_simple_text', arguments: {} });
    return result.isError !== true;
  });
  await eventually(async () => (await tool())?._meta === undefined);
  await mortal.stop();
  await app.call('/mcp/registry/mortal', { method: 'DELETE', as: app.admin });
  await eventually(async () => (await tool()) === undefined);
}, 60_000);

it('narrows a long list to a search and a call', async () => {
  for (const client of [
    await currentClient(operator, '?tools=search'),
    await olderClient(operator, '?tools=search'),
  ]) {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['search_tools', 'call_tool']);
    const found = await client.callTool({
      name: 'search_tools',
      arguments: { query: 'structured', limit: 3 },
    });
    const names = (found.structuredContent as { tools: { name: string }[] }).tools.map(
      ({ name }) => name,
    );
    expect(names).toContain('new-http__test_structured');
    const result = await client.callTool({
      name: 'call_tool',
      arguments: { name: 'new-http__test_structured', arguments: { value: 2 } },
    });
    expect(result.structuredContent).toEqual({ doubled: 4 });
  }
  const client = await currentClient();
  const count = async () =>
    (await client.listTools(undefined, { cacheMode: 'refresh' })).tools.length;
  expect(await count()).toBeGreaterThan(100);
  for (const [toolSearchAbove, tools] of [
    [100, 2],
    [200, await count()],
  ] as const) {
    const { body, headers } = await app.call<{ config: { gateway: object } }>('/config/system', {
      as: app.admin,
    });
    const saved = await app.call('/config/system', {
      method: 'PUT',
      as: app.admin,
      headers: { 'if-match': headers.get('etag')! },
      body: { ...body.config, gateway: { ...body.config.gateway, toolSearchAbove } },
    });
    expect(saved.status).toBe(200);
    expect(await count()).toBe(tools);
  }
});

describe('with a rule of redaction', () => {
  const save = async (redaction: object[]) => {
    const { body, headers } = await app.call<{ config: { security: object } }>('/config/system', {
      as: app.admin,
    });
    const saved = await app.call('/config/system', {
      method: 'PUT',
      as: app.admin,
      headers: { 'if-match': headers.get('etag')! },
      body: { ...body.config, security: { ...body.config.security, redaction } },
    });
    expect(saved.status).toBe(200);
  };
  beforeAll(() =>
    save([
      { name: 'card', pattern: '4111-?1111' },
      { name: 'told', pattern: 'execution [a-z]+|step [0-9]+' },
    ]),
  );
  afterAll(() => save([]));

  it.each(['current', 'older'] as const)(
    'tells a client of the %s revision nothing that it fits, in questions, prompts and word of progress',
    async (revision) => {
      const client = revision === 'current' ? await currentClient() : await olderClient();
      const asked: unknown[] = [];
      const onAsk = ({ params }: { params: { message: string } }) => {
        asked.push(params.message);
        return Promise.resolve(answer);
      };
      if (client instanceof CurrentClient)
        client.setRequestHandler('elicitation/create', onAsk as never);
      else client.setRequestHandler(ElicitRequestSchema, onAsk as never);
      for (const server of ['new-http', 'old-stdio']) {
        const message = 'Is 4111-1111 yours?';
        await client.callTool({ name: `${server}__test_elicitation`, arguments: { message } });
        const prompt = await client.getPrompt({
          name: `${server}__test_prompt_with_arguments`,
          arguments: { arg1: '4111-1111', arg2: 'b' },
        });
        expect(prompt.messages[0]?.content).toMatchObject({
          type: 'text',
          text: "Prompt with arguments: arg1='[redacted card]', arg2='b'",
        });
        const heard: unknown[] = [];
        const params = { name: `${server}__test_tool_with_progress`, arguments: {} };
        const options = {
          onprogress: (each: { message?: string }) => void heard.push(each.message),
        };
        if (client instanceof CurrentClient) await client.callTool(params, options);
        else await client.callTool(params, undefined, options);
        expect(heard).toEqual(Array(3).fill('Completed [redacted told] of 100'));
        await expect(
          client.readResource({ uri: `aos-${server}+test://nowhere/4111-1111` }),
        ).rejects.toMatchObject({ message: expect.not.stringContaining('4111') });
      }
      expect(asked).toEqual(Array(2).fill('Is [redacted card] yours?'));
    },
  );

  it('and nothing in the log of a call', async () => {
    const client = await olderClient();
    const heard: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      heard.push(params.data);
    });
    await client.setLoggingLevel('info');
    await client.callTool({ name: 'old-http__test_tool_with_logging', arguments: {} });
    expect(heard).toEqual(['Tool [redacted told]', 'Tool processing data', 'Tool [redacted told]']);
  });
});

it('holds the header of an argument against the argument, and sends it on', async () => {
  const client = await currentClient();
  const result = await client.callTool({
    name: 'new-http__test_param_header',
    arguments: { region: 'Zürich' },
  });
  expect(textOf(result)).toMatch(/^\["Zürich","=\?base64\?/);
});

it.each(['current', 'older'] as const)(
  'lets a client of the %s revision wait for an approval, and make the call then',
  async (revision) => {
    const name = 'test_error_handling';
    const approvers = { count: 2 };
    await savePolicies([
      { id: 'ask', effect: 'approve', servers: ['old-http'], tools: [name], approvers },
    ]);
    const told: string[] = [];
    const people = [undefined, app.admin, await app.signIn('admin')];
    const decide = async ({ params }: { params: { message: string } }) => {
      told.push(/\d of \d so far/.exec(params.message)?.[0] ?? '');
      const person = people[told.length - 1]; // at first none: what the client's user says is no approval
      if (person) await approveAll(person);
      return { action: 'accept' as const, content: {} };
    };
    const call = { name: `old-http__${name}`, arguments: {} };
    const client = revision === 'current' ? await currentClient() : await olderClient();
    if (client instanceof CurrentClient) client.setRequestHandler('elicitation/create', decide);
    else client.setRequestHandler(ElicitRequestSchema, decide);
    const result =
      client instanceof CurrentClient ? await client.callTool(call) : await client.callTool(call);
    expect(textOf(result)).toBe('This tool intentionally returns an error for testing');
    expect(told).toEqual(['0 of 2 so far', '0 of 2 so far', '1 of 2 so far']);
  },
);

it.each(['current', 'older'] as const)(
  'asks for one approval of a call that takes several rounds, for a client of the %s revision',
  async (revision) => {
    const name = 'test_input_required_result_multi_round';
    await savePolicies([{ id: 'ask', effect: 'approve', tools: [name] }]);
    const asked = async () => {
      const { body } = await app.call<{ items: { id: string }[] }>('/agent/approvals?limit=200', {
        as: app.admin,
      });
      return body.items.length;
    };
    const decide = async ({ params }: { params: { message: string } }) => {
      if (!params.message.includes('is called only once it was approved')) return answer;
      await approveAll();
      return { action: 'accept' as const, content: {} };
    };
    const client = revision === 'current' ? await currentClient() : await olderClient();
    if (client instanceof CurrentClient) client.setRequestHandler('elicitation/create', decide);
    else client.setRequestHandler(ElicitRequestSchema, decide);
    for (const server of servers) {
      const before = await asked();
      const call = { name: `${server}__${name}`, arguments: {} };
      const result =
        client instanceof CurrentClient ? await client.callTool(call) : await client.callTool(call);
      expect([server, textOf(result)]).toEqual([server, 'Ada likes red']);
      expect([server, (await asked()) - before]).toEqual([server, 1]);
    }
    await savePolicies([]);
  },
);

async function savePolicies(rules: object[]): Promise<void> {
  const { headers } = await app.call('/mcp/policies', { as: app.admin });
  const saved = await app.call('/mcp/policies', {
    method: 'PUT',
    as: app.admin,
    headers: { 'if-match': headers.get('etag')! },
    body: { rules },
  });
  expect([saved.status, saved.text]).toEqual([200, saved.text]);
}

async function approveAll(as = app.admin): Promise<void> {
  const { body } = await app.call<{ items: { id: string }[] }>('/agent/approvals?status=pending', {
    as,
  });
  for (const { id: approvalId } of body.items)
    await app.call('/agent/approve', {
      method: 'POST',
      as,
      body: { approvalId, decision: 'continue' },
    });
}

it('gives every request that reaches a tool its row, its actor and its trace', async () => {
  const client = await currentClient();
  const result = await client.callTool({ name: 'new-http__test_heard', arguments: {} });
  const { meta } = JSON.parse(textOf(result)) as { meta: Record<string, string> };
  await app.app.get(Ledger, { strict: false }).settled();
  const [row] = await app.database.query<{ actor: string; status: string; trace_id: string }>(
    'SELECT actor, status, trace_id FROM tool_calls WHERE id = $1',
    [result._meta?.['aos.dev/callId']],
  );
  expect(row).toMatchObject({ actor: `user:${operator.userId}`, status: 'succeeded' });
  expect(meta['traceparent']).toContain(row?.trace_id);
});

async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > until) throw new Error('it did not come to pass');
    await new Promise((done) => setImmediate(done));
  }
}
