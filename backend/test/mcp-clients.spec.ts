import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import {
  Client as CurrentClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as OlderClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OlderTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { randomUUID } from 'node:crypto';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SignedIn } from './http-app.js';
import { type McpApp, openMcpApp } from './mcp-app.js';

/** Servers as their makers publish them, behind the gateway, and clients as theirs do in front of it. */
let app: McpApp;
let operator: SignedIn;
let folder: string;
beforeAll(async () => {
  app = await openMcpApp();
  operator = await app.signIn('operator');
  folder = join(await realpath(app.environment.dataDir), 'shared');
  await mkdir(folder);
  await writeFile(join(folder, 'hello.txt'), 'hello from a file');
  for (const [name, args] of [
    ['everything', ['stdio']],
    ['filesystem', [folder]],
    ['memory', []],
    ['sequential-thinking', []],
  ] as const) {
    const info = await app.register({
      name,
      transport: 'stdio',
      command: 'node',
      args: [`node_modules/@modelcontextprotocol/server-${name}/dist/index.js`, ...args],
    });
    expect(info.health).toMatchObject({ state: 'healthy', error: null });
  }
}, 120_000);
afterAll(() => app.close());

const requestInit = () => ({ headers: { authorization: `Bearer ${operator.token}` } });
const info = { name: 'test', version: '1' };

/** One call at each of the four, by their names at the gateway. */
async function useAll(
  call: (name: string, args: Record<string, unknown>) => Promise<string>,
): Promise<void> {
  expect(await call('everything__echo', { message: 'hello' })).toContain('hello');
  expect(await call('filesystem__read_text_file', { path: join(folder, 'hello.txt') })).toContain(
    'hello from a file',
  );
  const name = randomUUID();
  const entities = [{ name, entityType: 'person', observations: ['wrote a program'] }];
  expect(await call('memory__create_entities', { entities })).toContain(name);
  expect(
    await call('sequential-thinking__sequentialthinking', {
      thought: 'begin',
      nextThoughtNeeded: false,
      thoughtNumber: 1,
      totalThoughts: 1,
    }),
  ).toContain('thoughtNumber');
}

const textOf = (result: unknown) => JSON.stringify((result as { content: unknown }).content);

it('serves the older SDK', async () => {
  const client = new OlderClient(info);
  await client.connect(new OlderTransport(new URL(app.mcpUrl), { requestInit: requestInit() }));
  const { tools } = await client.listTools();
  expect(tools.length).toBeGreaterThan(25);
  expect(tools.every(({ name }) => /^[A-Za-z0-9_-]{1,64}$/.test(name))).toBe(true);
  await useAll(async (name, args) => textOf(await client.callTool({ name, arguments: args })));
  const { prompts } = await client.listPrompts();
  expect(prompts.map(({ name }) => name)).toContain('everything__simple-prompt');
  const { resources } = await client.listResources();
  const { contents } = await client.readResource({ uri: resources[0]!.uri });
  expect(contents.length).toBeGreaterThan(0);
  await client.close();
});

it.each(['auto', 'legacy'] as const)('serves the current SDK that begins as %s', async (mode) => {
  const client = new CurrentClient(info, { versionNegotiation: { mode } });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(app.mcpUrl), { requestInit: requestInit() }),
  );
  expect(client.getProtocolEra()).toBe(mode === 'auto' ? 'modern' : 'legacy');
  await useAll(async (name, args) => textOf(await client.callTool({ name, arguments: args })));
  await client.close();
});

it('serves the adapters of LangChain', async () => {
  const client = new MultiServerMCPClient({
    mcpServers: {
      aos: { transport: 'http', url: app.mcpUrl, headers: requestInit().headers },
    },
  });
  const tools = await client.getTools();
  await useAll(async (name, args) => {
    const tool = tools.find((each) => each.name === name);
    return JSON.stringify(await tool!.invoke(args));
  });
  await client.close();
});
