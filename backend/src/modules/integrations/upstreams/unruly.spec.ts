import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { z } from 'zod';
import { type GatewayParts, admin, ledgerOf, run, startGateway } from '../testing.js';

let parts: GatewayParts;
beforeAll(async () => {
  parts = await startGateway({});
  await mkdir(join(parts.dataDir, 'mcp-servers'));
});
afterAll(() => parts.stop());

const call = (
  server: string,
  tool: string,
  args: Record<string, unknown> = {},
  more: object = {},
) => parts.gateway.call(admin(), { server, tool, args, ...more });

/** A server over stdio, by hand, whose `tools/call` does what `onCall` says. */
async function registerScript(name: string, onCall: string, before = '') {
  const script = join(parts.dataDir, 'mcp-servers', `${name}.mjs`);
  await writeFile(
    script,
    `import { createInterface } from 'node:readline';
     ${before}
     const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
     createInterface({ input: process.stdin }).on('line', (line) => {
       const { id, method } = JSON.parse(line);
       if (method === 'initialize') say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: '${name}', version: '1' } } });
       else if (method === 'tools/list') say({ id, result: { tools: [{ name: 'go', inputSchema: { type: 'object' } }] } });
       else if (method === 'tools/call') { ${onCall} }
       else if (id !== undefined) say({ id, error: { code: -32601, message: 'no such method' } });
     });`,
  );
  return parts.register({ name, transport: 'stdio', command: 'node', args: [script] });
}

it('a server of the older kind, over SSE, is called', async () => {
  const transports = new Map<string, SSEServerTransport>();
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://x');
    if (request.method === 'POST') {
      void transports.get(url.searchParams.get('sessionId')!)!.handlePostMessage(request, response);
      return;
    }
    const transport = new SSEServerTransport('/messages', response);
    transports.set(transport.sessionId, transport);
    const mcp = new McpServer({ name: 'older', version: '1' });
    mcp.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => ({
      content: [{ type: 'text', text }],
    }));
    void mcp.connect(transport);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`;
  expect(await parts.register({ name: 'sse', transport: 'sse', url })).toMatchObject({
    tools: 1,
    health: { state: 'healthy' },
  });
  expect((await call('sse', 'echo', { text: 'hi' })).content).toEqual([
    { type: 'text', text: 'hi' },
  ]);
  await parts.upstreams.close('sse');
  server.closeAllConnections();
  server.close();
});

it('a server that floods its output is cut off, and others do not notice', async () => {
  await registerScript(
    'calm',
    `say({ id, result: { content: [{ type: 'text', text: 'calm' }] } })`,
  );
  const info = await registerScript(
    'flood',
    // Many times what one message may have, and yet bounded: a test must end even where nothing cuts it off.
    `let left = 64; const more = () => left-- > 0 && process.stdout.write('x'.repeat(1 << 20), more); more();`,
  );
  expect(info.health.state).toBe('healthy');
  const flooded = call('flood', 'go', {}, { run: run(), idempotencyKey: 'flood' });
  expect((await call('calm', 'go')).content).toEqual([{ type: 'text', text: 'calm' }]);
  await expect(flooded).rejects.toMatchObject({ code: 'server_unreachable' });
  const row = (await ledgerOf(parts)).find((each) => each.idempotency_key === 'flood');
  expect(row).toMatchObject({ status: 'unknown', error_kind: 'connection_lost' });
});

it('a server that answers what nobody asked, and answers twice, is heard once for each call', async () => {
  const text = (said: string) => `{ content: [{ type: 'text', text: ${said} }] }`;
  await registerScript(
    'double',
    `say({ id: id + 1000, result: ${text(`'nobody’s'`)} });
     say({ id, result: ${text('String(id)')} });
     say({ id, result: ${text(`'again'`)} });
     say({ id: 'nobody', result: ${text(`'nobody’s'`)} });`,
  );
  const answers = await Promise.all(Array.from({ length: 8 }, () => call('double', 'go')));
  const told = answers.map(({ content }) => (content[0] as { text: string }).text);
  expect(told.every((each) => /^\d+$/.test(each))).toBe(true);
  expect(new Set(told).size).toBe(8);
  expect(await call('double', 'go')).toMatchObject({ isError: false });
});

it('a server that ends over the question which revision it speaks is started again in its own way', async () => {
  const before = `process.stdin.on('data', (chunk) => { if (String(chunk).includes('server/discover')) process.exit(1); });`;
  const info = await registerScript('touchy', `say({ id, result: { content: [] } })`, before);
  expect(info.health).toMatchObject({ state: 'healthy', error: null });
  expect(await call('touchy', 'go')).toMatchObject({ isError: false });
});

it('a server that says nothing but dies, is registered as unhealthy with its last words', async () => {
  const info = await registerScript(
    'dying',
    '',
    `console.error('no licence found'); process.exit(3);`,
  );
  expect(info.health).toMatchObject({
    state: 'unhealthy',
    error: expect.stringContaining('no licence found'),
  });
  await expect(call('dying', 'go')).rejects.toMatchObject({
    code: expect.stringMatching(/unreachable|unknown_tool/),
  });
});
