import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isNative } from './harness.js';
import { temporaryFolder } from './temporary-folder.js';
import type { SignedIn } from './http-app.js';
import { HttpFixture, type McpApp, openMcpApp } from './mcp-app.js';
import { Ledger } from '../src/modules/integrations/chain/ledger.js';

/** The protocol's own inspector on the command line, as its makers publish it, in front of the gateway. */
const cli = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json')),
  'clients/launcher/build/index.js',
);
const fixture = new HttpFixture();
let app: McpApp;
let operator: SignedIn;
let home: string;
beforeAll(async () => {
  app = await openMcpApp();
  operator = await app.signIn('operator');
  home = await temporaryFolder();
  await fixture.start();
  await app.register({ name: 'fixture', url: fixture.url, transport: 'http' });
}, 120_000);
afterAll(async () => {
  await app.close();
  await fixture.stop();
});

async function inspect(args: string[], token = operator.token) {
  const child = spawn(
    process.execPath,
    [
      ...[cli, '--cli', app.mcpUrl, '--transport', 'http'],
      ...['--header', `Authorization: Bearer ${token}`, ...args],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: home } },
  );
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => (said[name] += chunk));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, ...said };
}
async function answer<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await inspect(args);
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as T;
}

const onLite = isNative ? describe.skip : describe; // which database is under it changes nothing here: npm test runs it on PGlite
onLite('the inspector', () => {
  it('lists tools and calls one', async () => {
    const { tools } = await answer<{ tools: { name: string }[] }>('--method', 'tools/list');
    expect(tools.map(({ name }) => name)).toContain('fixture__test_simple_text');
    const text = await answer<{ content: { type: string; text: string }[] }>(
      ...['--method', 'tools/call', '--tool-name', 'fixture__test_simple_text'],
    );
    expect(text.content[0]).toMatchObject({ type: 'text', text: expect.stringMatching(/./) });
    const structured = await answer<{ structuredContent: object }>(
      ...['--method', 'tools/call', '--tool-name', 'fixture__test_structured'],
      ...['--tool-arg', 'value=7'],
    );
    expect(structured.structuredContent).toEqual({ doubled: 14 });
    await app.app.get(Ledger, { strict: false }).settled();
    const rows = await app.database.query(
      `SELECT status FROM tool_calls WHERE actor = $1 AND tool = 'test_structured'`,
      [`user:${operator.userId}`],
    );
    expect(rows).toEqual([{ status: 'succeeded' }]);
  });

  it('lists resources and reads one', async () => {
    const { resources } = await answer<{ resources: { uri: string }[] }>(
      ...['--method', 'resources/list'],
    );
    expect(resources.map(({ uri }) => uri)).toContain('test://static-text');
    const { contents } = await answer<{ contents: { uri: string; text: string }[] }>(
      ...['--method', 'resources/read', '--uri', 'test://static-text'],
    );
    expect(contents).toMatchObject([{ uri: 'test://static-text', text: expect.any(String) }]);
    const { resourceTemplates } = await answer<{ resourceTemplates: unknown[] }>(
      ...['--method', 'resources/templates/list'],
    );
    expect(resourceTemplates.length).toBeGreaterThan(0);
  });

  it('lists prompts and gets one', async () => {
    const { prompts } = await answer<{ prompts: { name: string }[] }>('--method', 'prompts/list');
    expect(prompts.map(({ name }) => name)).toContain('fixture__test_prompt_with_arguments');
    const { messages } = await answer<{ messages: object[] }>(
      ...['--method', 'prompts/get', '--prompt-name', 'fixture__test_prompt_with_arguments'],
      ...['--prompt-args', 'arg1=first', 'arg2=second'],
    );
    expect(JSON.stringify(messages)).toContain('first');
  });

  it('is turned away without a token that is worth anything', async () => {
    const { code, stdout, stderr } = await inspect(['--method', 'tools/list'], 'aos_pat_nobody');
    expect(code).not.toBe(0);
    expect(stdout).not.toContain('fixture__');
    expect(stderr).toMatch(/401|unauthor|auth/i);
  });
});
