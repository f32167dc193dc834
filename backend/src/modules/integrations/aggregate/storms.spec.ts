import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type McpApp, openMcpApp } from '../../../../test/mcp-app.js';

let app: McpApp;
beforeAll(async () => {
  app = await openMcpApp();
  const folder = join(app.environment.dataDir, 'mcp-servers');
  await mkdir(folder, { recursive: true });
  const script = join(folder, 'stormy.mjs');
  await writeFile(
    script,
    `import { createInterface } from 'node:readline';
     let [asked, isRestless] = [0, false];
     const line = (message) => JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n';
     const say = (message) => process.stdout.write(line(message));
     createInterface({ input: process.stdin }).on('line', (text) => {
       const { id, method, params } = JSON.parse(text);
       if (method === 'initialize') say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: { listChanged: true } }, serverInfo: { name: 'x', version: '1' } } });
       else if (method === 'tools/list') { asked++; if (isRestless) say({ method: 'notifications/tools/list_changed' }); say({ id, result: { tools: [{ name: 'storm', inputSchema: { type: 'object' } }, { name: 'asked', inputSchema: { type: 'object' } }, { name: 'chatter', inputSchema: { type: 'object' } }, { name: 'restless', inputSchema: { type: 'object' } }] } }); }
       else if (method === 'tools/call') {
         if (params.name === 'storm') process.stdout.write(line({ method: 'notifications/tools/list_changed' }).repeat(2000));
         if (params.name === 'restless') { isRestless = !isRestless; say({ method: 'notifications/tools/list_changed' }); }
         if (params.name === 'chatter')
           for (let n = 0; n < 900; n++) say({ method: 'notifications/message', params: { level: 'error', data: 'x'.repeat(10_000) } });
         say({ id, result: { content: [{ type: 'text', text: String(asked) }] } });
       } else if (id !== undefined) say({ id, error: { code: -32601, message: 'no such method' } });
     });`,
  );
  await app.register({ name: 'stormy', transport: 'stdio', command: 'node', args: [script] });
});
afterAll(() => app.close());

async function call(tool: string): Promise<number> {
  const body = { server: 'stormy', tool, args: {} };
  const answer = await app.call<{ content: { text: string }[] }>('/mcp/call', {
    ...{ method: 'POST', as: app.admin, body },
  });
  return Number(answer.body.content[0]!.text);
}

it('a server that tells of two thousand changes at once is asked for them twice: at the first, and after the last', async () => {
  const before = await call('storm');
  let asked = before;
  while (asked < before + 2) asked = await call('asked');
  expect(asked).toBe(before + 2);
});

it('a server that has changed whenever it is asked is asked once a second', async () => {
  const before = await call('restless');
  const began = performance.now();
  let asked = before;
  while (asked === before) asked = await call('asked');
  for (let n = 0; n < 60; n++) asked = await call('asked');
  const seconds = (performance.now() - began) / 1000;
  expect(asked - before).toBeLessThanOrEqual(3 + seconds);
  await call('restless');
});

it('a call that tells nine megabytes beside its answer is heard up to four, and answered', async () => {
  const operator = await app.signIn('operator');
  const name = 'stormy__chatter';
  const P = 'io.modelcontextprotocol/';
  const meta = {
    [`${P}protocolVersion`]: '2026-07-28',
    [`${P}clientInfo`]: { name: 'test', version: '1' },
    [`${P}clientCapabilities`]: {},
    [`${P}logLevel`]: 'debug',
  };
  const { text } = await app.call('/mcp', {
    method: 'POST',
    as: operator,
    headers: {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: {}, _meta: meta },
    },
  });
  expect(text.length).toBeGreaterThan(3_500_000);
  expect(text.length).toBeLessThan(4_500_000);
  expect(text.match(/the rest but its answer is left out/g)).toHaveLength(1);
  expect(text).toMatch(/"result":/);
});
