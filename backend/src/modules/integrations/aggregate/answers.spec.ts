import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  Client as CurrentClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as OlderClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OlderTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { systemPrincipal } from '../../../platform/http/context.js';
import { Vault } from '../../config/index.js';
import { type McpApp, openMcpApp } from '../../../../test/mcp-app.js';

/** What a server of the current revision answers, byte for byte, and what clients of both revisions get of it. */
const list = { type: 'array', items: { type: 'number' } };
const either = { anyOf: [{ type: 'object' }, { type: 'number' }] };
const object = { type: 'object', required: ['n'] };
const answers: Record<string, { outputSchema?: object; result?: object; error?: object }> = {
  list: { outputSchema: list, result: { content: [], structuredContent: [1, 2] } },
  unpromised: { result: { content: [], structuredContent: [1, 2] } },
  either: { outputSchema: either, result: { content: [], structuredContent: { value: 5 } } },
  beside: {
    result: {
      content: [],
      _meta: { 'vendor/x': 1, 'aos.dev/callId': 'forged', 'io.modelcontextprotocol/x': 1 },
    },
  },
  missing: { outputSchema: object, result: { content: [] } },
  endless: { error: { code: -32603, message: 'm'.repeat(3e6), data: 'd'.repeat(3e6) } },
};
const tools = [...Object.keys(answers), 'progress'].map((name) => ({
  name,
  inputSchema: { type: 'object' },
  ...(answers[name]?.outputSchema ? { outputSchema: answers[name].outputSchema } : {}),
}));

const roots = { method: 'roots/list', params: {} };

interface Asked {
  id?: number;
  method: string;
  params?: { name: string; uri?: string; _meta?: { progressToken?: number } };
}

function answerTo({ method, params }: Asked): object {
  const own = { ttlMs: 0, cacheScope: 'private', resultType: 'complete' };
  const serverInfo = { name: 'raw', version: '1' };
  switch (method) {
    case 'server/discover':
      return {
        result: {
          ...own,
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: {}, resources: {}, completions: {} },
          serverInfo,
        },
      };
    case 'tools/list':
      return { result: { ...own, tools } };
    case 'resources/list':
      return {
        result: {
          ...own,
          resources: [
            { uri: 'raw://deep', name: 'd' },
            { uri: 'raw://odd', name: 'o' },
          ],
        },
      };
    case 'resources/templates/list':
      return { result: { ...own, resourceTemplates: [] } };
    case 'resources/read': {
      if (params!.uri === 'raw://odd') return { error: { message: 'an error without a code' } };
      const contents = [{ uri: 'raw://deep', text: '', _meta: { deep: 'DEEP' } }];
      return { result: { ...own, contents } };
    }
    case 'completion/complete':
      return { result: { resultType: 'input_required', inputRequests: { where: roots } } };
    case 'tools/call': {
      const { result, error } = answers[params!.name]!;
      return error ? { error } : { result: { resultType: 'complete', ...result } };
    }
    default:
      return { error: { code: -32601, message: 'Method not found' } };
  }
}

/** More levels than JSON.stringify can write. */
const deep = '{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000);

/** Progress and the answer behind it, in one piece. */
const inOnePiece = ({ id, params }: Asked): object[] => [
  ...[1, 2, 3].map((progress) => ({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: params?._meta?.progressToken, progress, total: 3 },
  })),
  { jsonrpc: '2.0', id, result: { resultType: 'complete', content: [] } },
];

let server: Server;
let app: McpApp;
let current: CurrentClient;
let older: OlderClient;
beforeAll(async () => {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += String(chunk)));
    request.on('end', () => {
      const asked = JSON.parse(text || '{}') as Asked;
      if (asked.id === undefined) return response.writeHead(202).end();
      if (asked.params?.name === 'progress') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        return response.end(
          inOnePiece(asked)
            .map((each) => `data: ${JSON.stringify(each)}\n\n`)
            .join(''),
        );
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      const answer = JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...answerTo(asked) });
      return response.end(answer.replace('"DEEP"', deep));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  app = await openMcpApp();
  const { port } = server.address() as AddressInfo;
  await app.register({ name: 'raw', transport: 'http', url: `http://127.0.0.1:${port}/mcp` });
  const operator = await app.signIn('operator');
  const signedIn = { requestInit: { headers: { authorization: `Bearer ${operator.token}` } } };
  current = new CurrentClient(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  await current.connect(new StreamableHTTPClientTransport(new URL(app.mcpUrl), signedIn));
  older = new OlderClient({ name: 'test', version: '1' });
  await older.connect(new OlderTransport(new URL(app.mcpUrl), signedIn) as never);
  await older.listTools(); // its schemas are what the answers are held against
}, 120_000);
afterAll(async () => {
  await current.close();
  await older.close();
  await app.close();
  server.closeAllConnections();
  server.close();
});

const called = (name: string) => ({ name: `raw__${name}`, arguments: {} });

it.each([
  ['list', [1, 2], { result: [1, 2] }],
  ['unpromised', [1, 2], { result: [1, 2] }],
  ['either', { value: 5 }, { result: { value: 5 } }],
])('structured content of any kind (%s) is what the list says', async (name, now, before) => {
  expect((await current.callTool(called(name))).structuredContent).toEqual(now);
  expect((await older.callTool(called(name)))['structuredContent']).toEqual(before);
});

it('structured content that is promised and not there is a failure of the tool, and not of the request', async () => {
  for (const client of [current, older]) {
    const answer = await client.callTool(called('missing'));
    expect(answer.isError).toBe(true);
    expect(JSON.stringify(answer.content)).toContain('promises structured content and gave none');
  }
});

it('what a server says beside its answer is handed on, but for what is said between two neighbours only', async () => {
  for (const client of [current, older]) {
    const { _meta: beside } = await client.callTool(called('beside'));
    expect(beside).toMatchObject({ 'vendor/x': 1 });
    expect(beside).not.toHaveProperty(['io.modelcontextprotocol/x']);
    expect(beside?.['aos.dev/callId']).toMatch(/^[0-9a-f-]{36}$/);
  }
});

it('an error without end is cut', async () => {
  for (const client of [current, older]) {
    const error = (await client
      .callTool(called('endless'))
      .catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code: -32603 });
    expect(error.message.length).toBeLessThan(11_000);
    expect(error).toHaveProperty('data', undefined);
  }
});

it.each([
  ['raw://deep', /nested deeper than 64 levels/],
  ['raw://odd', /its answer is no message of the protocol/],
])(
  'what a server says of %s that cannot be handed on is told as its fault, at once',
  async (uri, why) => {
    for (const client of [current, older])
      await expect(client.readResource({ uri }, { timeout: 10_000 })).rejects.toMatchObject({
        code: -32000,
        message: expect.stringMatching(why),
      });
  },
);

it('a completion that is answered with a question is the server’s fault: the protocol has none there', async () => {
  const ref = { type: 'ref/resource' as const, uri: 'raw://deep' };
  for (const client of [current, older])
    await expect(
      client.complete({ ref, argument: { name: 'x', value: '' } }),
    ).rejects.toMatchObject({
      code: -32000,
      message: expect.stringContaining('answers completion/complete with a question'),
    });
});

const script = `
import { createInterface } from 'node:readline';
const say = (...all) => process.stdout.write(all.map((each) => JSON.stringify({ jsonrpc: '2.0', ...each }) + '\\n').join(''));
createInterface(process.stdin).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const token = params?._meta?.progressToken;
  if (method === 'initialize')
    say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } } });
  else if (method === 'tools/list') say({ id, result: { tools: [{ name: 'progress', inputSchema: { type: 'object' } }] } });
  else if (method === 'tools/call')
    say(
      ...[1, 2, 3].map((progress) => ({ method: 'notifications/progress', params: { progressToken: token, progress, total: 3 } })),
      { id, result: { content: [] } },
    );
  else if (id !== undefined) say({ id, error: { code: -32601, message: 'Method not found' } });
});
`;

it('progress that comes in one piece with the answer is heard, over HTTP and over a pipe', async () => {
  const folder = join(app.environment.dataDir, 'mcp-servers');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'at-once.mjs'), script);
  const args = [join(folder, 'at-once.mjs')];
  await app.register({ name: 'pipe', transport: 'stdio', command: 'node', args });
  for (const name of ['raw__progress', 'pipe__progress']) {
    const heard: number[] = [];
    await current.callTool(
      { name, arguments: {} },
      { onprogress: ({ progress }) => void heard.push(progress) },
    );
    expect([name, heard]).toEqual([name, [1, 2, 3]]);
  }
});

it('what is told bit by bit holds no secret that lies in two of them, in progress and in the log', async () => {
  const value = 'canary-value-of-a-secret';
  await app.call('/config/runtime/secrets/BITS', {
    method: 'PUT',
    as: app.admin,
    body: { value, purpose: 'test', projectId: null },
  });
  // What was in use is known from then on.
  const ctx = { actor: systemPrincipal, traceId: '', ip: null };
  await app.app.get(Vault, { strict: false }).reveal(ctx, 'BITS', null, 'test');
  const folder = join(app.environment.dataDir, 'mcp-servers');
  await mkdir(folder, { recursive: true });
  const bits = `const bits = ${JSON.stringify([value.slice(0, 11), value.slice(11)])};`;
  await writeFile(
    join(folder, 'bits.mjs'),
    bits +
      script
        .replace('{ tools: {} }', '{ tools: {}, logging: {} }')
        .replace(
          'else if (id !== undefined) say({ id, error',
          "else if (method === 'logging/setLevel') say({ id, result: {} });\n  $&",
        )
        .replace(
          /\.\.\.\[1, 2, 3\].*/,
          `...bits.flatMap((message, progress) => [
        { method: 'notifications/message', params: { level: 'info', data: { message } } },
        { method: 'notifications/progress', params: { progressToken: token, progress: progress + 1, message } },
      ]),`,
        ),
  );
  const args = [join(folder, 'bits.mjs')];
  await app.register({ name: 'bits', transport: 'stdio', command: 'node', args });
  const logged: unknown[] = [];
  const heard: unknown[] = [];
  older.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    logged.push(params.data);
  });
  await older.setLoggingLevel('info');
  await older.callTool({ name: 'bits__progress', arguments: {} }, undefined, {
    onprogress: ({ message }) => void heard.push(message),
  });
  expect(heard).toEqual(['[secret BITS]', '[secret BITS]']);
  expect(logged).toEqual([{ message: '[secret BITS]' }, { message: '[secret BITS]' }]);
});
