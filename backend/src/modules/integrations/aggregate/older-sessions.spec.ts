import type { AuthInfo } from '@modelcontextprotocol/server';
import { type McpApp, openMcpApp } from '../../../../test/mcp-app.js';
import { controlledClock } from '../chain/testing.js';
import { OlderSessions } from './older-sessions.js';

let app: McpApp;
let sessions: OlderSessions;
beforeAll(async () => {
  app = await openMcpApp();
  sessions = app.app.get(OlderSessions, { strict: false });
}, 120_000);
afterAll(() => app.close());
afterEach(() => jest.restoreAllMocks());

const nobody: AuthInfo = { token: '', clientId: 'x', scopes: [] };
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

/** Past HTTP, since a thousand requests would say no more. */
function serve(owner: string, body: object, id?: string, over = Promise.resolve()) {
  const request = new Request('http://127.0.0.1/mcp', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(id === undefined ? {} : { 'mcp-session-id': id }),
    },
    body: JSON.stringify(body),
  });
  return sessions.serve(request, owner, nobody, body, over);
}
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const begin = async (owner: string) =>
  (await serve(owner, initialize)).headers.get('mcp-session-id')!;

it('one that is not used for half an hour ends by itself, one with an open stream does not', async () => {
  const clock = controlledClock();
  const [idle, used, open] = [await begin('ada'), await begin('ada'), await begin('ada')];
  let close!: () => void;
  await serve('ada', ping, open, new Promise<void>((resolve) => (close = resolve)));
  clock.pass(20 * 60_000);
  expect((await serve('ada', ping, used)).status).toBe(200);
  clock.pass(11 * 60_000);
  sessions.sweep();
  expect((await serve('ada', ping, idle)).status).toBe(404);
  expect((await serve('ada', ping, used)).status).toBe(200);
  expect((await serve('ada', ping, open)).status).toBe(200);
  close();
});

it('so many belong to one: another one ends the oldest that is not in use, and of nobody else', async () => {
  const clock = controlledClock();
  const ofBob = await begin('bob');
  const [inUse, oldest] = [await begin('greedy'), await begin('greedy')];
  clock.pass(1000);
  const over: (() => void)[] = [];
  const open = (id: string) =>
    serve('greedy', ping, id, new Promise<void>((resolve) => over.push(resolve)));
  await open(inUse);
  const others: string[] = [];
  for (let i = 2; i < 1000; i++) others.push(await begin('greedy'));
  clock.pass(1000);
  others.push(await begin('greedy'));
  const statuses = [inUse, others[0]!, oldest].map((id) => serve('greedy', ping, id));
  expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([200, 200, 404]);
  for (const id of others) await open(id);
  const refused = await serve('greedy', initialize);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '60']);
  expect((await serve('bob', ping, ofBob)).status).toBe(200);
  over.forEach((end) => end());
}, 60_000);
