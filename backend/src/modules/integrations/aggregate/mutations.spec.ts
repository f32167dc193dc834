import { Agent, request } from 'node:http';
import type { SignedIn } from '../../../../test/http-app.js';
import { isNative } from '../../../../test/harness.js';
import { HttpFixture, type McpApp, openMcpApp } from '../../../../test/mcp-app.js';
import { Ledger } from '../chain/ledger.js';

/**
 * Ten thousand requests that were valid and had something changed, the same ones at every run. Whatever they
 * have become: each is answered in time, none with a 5xx, and the server serves as before.
 */
const MUTATIONS = 10_000;
const AT_ONCE = 16;
const SEED = 20_260_728;

const fixture = new HttpFixture();
let app: McpApp;
let operator: SignedIn;
beforeAll(async () => {
  app = await openMcpApp();
  operator = await app.signIn('operator');
  await fixture.start();
  await app.register({ name: 'fixture', url: fixture.url, transport: 'http' });
}, 120_000);
afterAll(async () => {
  await app.close();
  await fixture.stop();
});

interface Shot {
  headers: Record<string, string>;
  body: string;
}

const P = 'io.modelcontextprotocol/';
const meta = {
  [`${P}protocolVersion`]: '2026-07-28',
  [`${P}clientInfo`]: { name: 'test', version: '1' },
  [`${P}clientCapabilities`]: { elicitation: {} },
};
const valid: { method: string; params: Record<string, unknown> }[] = [
  { method: 'server/discover', params: {} },
  { method: 'tools/list', params: {} },
  { method: 'tools/call', params: { name: 'fixture__test_simple_text', arguments: {} } },
  { method: 'tools/call', params: { name: 'fixture__test_structured', arguments: { value: 1 } } },
  {
    method: 'tools/call',
    params: {
      name: 'fixture__test_input_required_result_elicitation',
      arguments: {},
      inputResponses: { user_name: { action: 'accept', content: { name: 'Ada' } } },
    },
  },
  { method: 'prompts/list', params: {} },
  { method: 'prompts/get', params: { name: 'fixture__test_simple_prompt' } },
  { method: 'resources/read', params: { uri: 'test://static-text' } },
  {
    method: 'completion/complete',
    params: {
      ref: { type: 'ref/prompt', name: 'fixture__test_prompt_with_arguments' },
      argument: { name: 'arg1', value: 'p' },
    },
  },
];
const initialize: (typeof valid)[number] = {
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  },
};

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const strange: unknown[] = [
  null,
  true,
  -1,
  1e308,
  '',
  '\u0000',
  '\ud800',
  'x'.repeat(10_000),
  [],
  {},
  [[[[]]]],
  { __proto__: null, constructor: { prototype: {} } },
  '${secret.NAME}',
  '../../etc/passwd',
];

function mutated(random: () => number): Shot {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const isOlder = random() < 0.2;
  const { method, params } = isOlder ? initialize : pick(valid);
  const message = structuredClone({
    jsonrpc: '2.0',
    id: 1,
    method,
    params: isOlder ? params : { ...params, _meta: meta },
  }) as Record<string, unknown>;
  const name = params['name'] ?? params['uri'];
  const headers: Record<string, string> = {
    authorization: `Bearer ${operator.token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(isOlder
      ? {}
      : {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
        }),
  };
  const kind = random();
  if (kind < 0.55) {
    const [holder, key] = pick(placesOf(message));
    const what = random();
    if (what < 0.3) Reflect.deleteProperty(holder, key);
    else if (what < 0.8) holder[key] = pick(strange);
    else holder[`${key}x`] = pick(strange);
  } else if (kind < 0.75) {
    const key = pick(Object.keys(headers).filter((each) => each !== 'authorization'));
    if (random() < 0.5) Reflect.deleteProperty(headers, key);
    else headers[key] = pick(['', 'x', '=?base64?!?=', '2025-11-25', 'text/plain', '*/*', '\t']);
  }
  let body = JSON.stringify(message);
  if (kind >= 0.75) {
    const at = Math.floor(random() * body.length);
    const what = random();
    if (what < 0.4) body = body.slice(0, at);
    else if (what < 0.8)
      body =
        body.slice(0, at) +
        pick(['"', '{', '}', ']', ',', '\\', '\u0000', '9']) +
        body.slice(at + 1);
    else body = `[${body},${body}]`;
  }
  return { headers, body };
}

function placesOf(value: unknown): [Record<string, unknown>, string][] {
  if (value === null || typeof value !== 'object') return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key): [Record<string, unknown>, string][] => [
    [holder, key],
    ...placesOf(holder[key]),
  ]);
}

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

function fire({ headers, body }: Shot): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.baseUrl);
    const sent = request(
      {
        hostname,
        port,
        path: '/mcp',
        method: 'POST',
        agent,
        timeout: 20_000,
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode!));
        response.once('error', reject);
      },
    );
    sent.once('timeout', () => sent.destroy(new Error(`no answer to ${body.slice(0, 500)}`)));
    sent.once('error', reject);
    sent.end(body);
  });
}

const onLite = isNative ? it.skip : it; // which database is under it changes nothing here: npm test runs it on PGlite
onLite(
  `answers ${MUTATIONS} mutations of valid requests, and lives`,
  async () => {
    const random = randomFrom(SEED);
    const shots = Array.from({ length: MUTATIONS }, () => mutated(random));
    const statuses = new Map<number, number>();
    const failures: string[] = [];
    let next = 0;
    const shoot = async (): Promise<void> => {
      for (let at = next++; at < shots.length; at = next++) {
        const shot = shots[at]!;
        const status = await fire(shot);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        // Too many sessions is the one refusal of that kind that is meant.
        if (status >= 500 && status !== 503)
          failures.push(`${status} ${shot.body.slice(0, 300)} ${JSON.stringify(shot.headers)}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, shoot));
    agent.destroy();
    expect(failures).toEqual([]);
    expect(statuses.get(200)).toBeGreaterThan(MUTATIONS / 10);
    expect(statuses.get(400)).toBeGreaterThan(MUTATIONS / 10);
    await app.app.get(Ledger, { strict: false }).settled();
    const rows = await app.database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM tool_calls WHERE status IN ('started', 'unknown')`,
    );
    expect(rows[0]?.count).toBe(0);
    const { body } = await app.call<{ result: { tools: unknown[] } }>('/mcp', {
      method: 'POST',
      as: operator,
      headers: {
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/list',
      },
      body: { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } },
    });
    expect(body.result.tools.length).toBeGreaterThan(20);
  },
  180_000,
);
