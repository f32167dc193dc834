import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GatewayParts, admin, startGateway } from '../testing.js';
import { KeptLists } from './kept-lists.js';

let parts: GatewayParts;
beforeAll(async () => {
  parts = await startGateway({});
  await mkdir(join(parts.dataDir, 'mcp-servers'));
});
afterAll(() => parts.stop());

/** A server over a pipe with these prompts, written as code. */
async function registerPrompter(name: string, prompts: string) {
  const script = join(parts.dataDir, 'mcp-servers', `${name}.mjs`);
  await writeFile(
    script,
    `import { createInterface } from 'node:readline';
     const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
     createInterface({ input: process.stdin }).on('line', (line) => {
       const { id, method } = JSON.parse(line);
       if (method === 'initialize') say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {}, prompts: {} }, serverInfo: { name: 'x', version: '1' } } });
       else if (method === 'tools/list') say({ id, result: { tools: [] } });
       else if (method === 'prompts/list') say({ id, result: { prompts: ${prompts} } });
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
  const row = await registerPrompter(name, JSON.stringify([{ name: 'one', description }]));
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

describe('of a list there is kept', () => {
  const namesOf = async (name: string, prompts: string) => {
    const row = await registerPrompter(name, prompts);
    const lists = new KeptLists(parts.database, parts.upstreams, parts.vault);
    await lists.refresh(row, 'prompts');
    return (await lists.of(row, 'prompts')).items.map((item) => item['name']);
  };

  it('no more than five thousand entries', async () => {
    const names = await namesOf(
      'many',
      `Array.from({ length: 5010 }, (_, i) => ({ name: 'p' + i }))`,
    );
    expect([names.length, names.at(-1)]).toEqual([5000, 'p4999']);
  });

  it('no more than four megabytes', async () => {
    const large = `{ name: 'p' + i, description: 'x'.repeat(1000000) }`;
    expect(await namesOf('large', `Array.from({ length: 6 }, (_, i) => (${large}))`)).toEqual([
      'p0',
      'p1',
      'p2',
      'p3',
    ]);
  });

  it('no secret that was in use', async () => {
    await parts.secret('PROMPTED', 'canary-of-a-prompt');
    await parts.vault.reveal(admin(), 'PROMPTED', null, 'test');
    const names = await namesOf('telling', `[{ name: 'canary-of-a-prompt' }]`);
    expect(names).toHaveLength(1);
    expect(JSON.stringify(names)).not.toContain('canary');
    const kept = await parts.database.query('SELECT items FROM mcp_lists');
    expect(JSON.stringify(kept)).not.toContain('canary');
  });
});
