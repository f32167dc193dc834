import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GatewayParts, startGateway } from '../testing.js';
import { KeptLists } from './kept-lists.js';

let parts: GatewayParts;
beforeAll(async () => {
  parts = await startGateway({});
  await mkdir(join(parts.dataDir, 'mcp-servers'));
});
afterAll(() => parts.stop());

/** A server over a pipe with one prompt, of this description. */
async function registerPrompter(name: string, description: string) {
  const script = join(parts.dataDir, 'mcp-servers', `${name}.mjs`);
  await writeFile(
    script,
    `import { createInterface } from 'node:readline';
     const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
     createInterface({ input: process.stdin }).on('line', (line) => {
       const { id, method } = JSON.parse(line);
       if (method === 'initialize') say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {}, prompts: {} }, serverInfo: { name: 'x', version: '1' } } });
       else if (method === 'tools/list') say({ id, result: { tools: [] } });
       else if (method === 'prompts/list') say({ id, result: { prompts: [{ name: 'one', description: ${JSON.stringify(description)} }] } });
       else if (id !== undefined) say({ id, error: { code: -32601, message: 'no such method' } });
     });`,
  );
  await parts.register({ name, transport: 'stdio', command: 'node', args: [script] });
  return parts.registry.find(name);
}

it.each([
  ['a NUL', 'a\u0000b'],
  ['half a character', 'a\ud800b'],
])('keeps a list with %s in it, which no database takes as it is', async (kind, description) => {
  const name = kind.replace(/[^a-z]/gi, '').toLowerCase();
  const row = await registerPrompter(name, description);
  const lists = new KeptLists(parts.database, parts.upstreams, parts.vault);
  await lists.refresh(row, 'prompts');
  const kept = { items: [{ name: 'one', description: 'a\ufffdb' }] };
  const { items, error } = await lists.of(row, 'prompts');
  expect([{ items }, error]).toEqual([kept, undefined]);
  // For the next start, too.
  expect(
    await parts.database.query(`SELECT items FROM mcp_lists WHERE server = $1`, [name]),
  ).toEqual([kept]);
});
