import { IntegrationsModule } from '../src/modules/integrations/index.js';
import {
  controlledClock,
  startToolServer,
  type ToolServerOfTest,
} from '../src/modules/integrations/chain/testing.js';
import { mostAhead } from '../src/modules/integrations/chain/token-buckets.js';
import { Database } from '../src/platform/database/database.js';
import { isNative } from './harness.js';
import { type HttpApp, type SignedIn, openHttpApp } from './http-app.js';

let http: HttpApp;
let server: ToolServerOfTest;
let admin: SignedIn;
let operator: SignedIn;
let n = 0;

beforeAll(async () => {
  http = await openHttpApp({ imports: [IntegrationsModule] });
  [admin, operator] = [await http.signIn('admin'), await http.signIn('operator')];
  server = await startToolServer([{ name: 'a' }]);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await http.close();
});

async function register(limits: object): Promise<string> {
  const name = `s${++n}`;
  const answer = await http.call('/mcp/registry', {
    method: 'POST',
    as: admin,
    body: { name, transport: 'http', url: server.url, limits },
  });
  expect(answer.status).toBe(201);
  return name;
}
const call = (name: string, at = http, more: object = {}) =>
  at.refused('/mcp/call', {
    method: 'POST',
    as: operator,
    body: { server: name, tool: 'a', args: {}, ...more },
  });
const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const rpc = (name: string) =>
  http.call<{ error: { code: number; data: Record<string, unknown> } }>('/mcp', {
    method: 'POST',
    as: operator,
    headers: {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': `${name}__a`,
    },
    body: {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: `${name}__a`, arguments: {}, _meta: envelope },
    },
  });

describe('a call over a limit is told when to come back', () => {
  it.each([
    ['a minute', { perMinute: 1 }, 'too_many_requests', '"minute";q=1;w=60', '"minute";r=0;t=', 60],
    ['a day', { perDay: 1 }, 'quota_exceeded', '"day";q=1;w=86400', '"day";r=0;t=', 86_400],
  ])('of %s', async (_, limits, code, policy, limit, longest) => {
    const name = await register(limits);
    expect((await call(name)).status).toBe(200);
    const refused = await call(name);
    expect(refused).toMatchObject({ status: 429, body: { code } });
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(longest);
    expect(refused.headers.get('ratelimit-policy')).toBe(policy);
    expect(refused.headers.get('ratelimit')).toBe(`${limit}${seconds}`);
    const { body } = await rpc(name);
    expect(body.error).toMatchObject({
      code: -32000,
      data: { code, retryAfterSeconds: expect.any(Number), rateLimit: { limit: 1, remaining: 0 } },
    });
  });

  it('of calls at once', async () => {
    const name = await register({ concurrent: 1 });
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    server.onCall = async () => {
      await gate;
      return { content: [] };
    };
    const crowd = Array.from({ length: 22 }, () => call(name));
    const refused = await Promise.race(crowd);
    expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_requests' } });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('ratelimit-policy')).toBe('"concurrent";q=1');
    open();
    await Promise.all(crowd);
    server.onCall = () => ({ content: [] });
  });

  it('of a grant, for which no waiting helps', async () => {
    const name = await register({});
    const issued = await http.call<{ grant: string }>('/mcp/grants', {
      method: 'POST',
      as: operator,
      body: { tools: [`${name}.*`], maxCalls: 1 },
    });
    const caps = issued.body.grant;
    expect((await call(name, http, { caps })).status).toBe(200);
    const refused = await call(name, http, { caps });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(refused.headers.get('ratelimit')).toBe('"grant";r=0');
  });

  it('of a server that is left alone', async () => {
    const name = await register({});
    const clock = controlledClock();
    server.onCall = () => 500;
    let refused = await call(name);
    for (let i = 0; i < 10 && refused.body.code !== 'circuit_open'; i++) {
      clock.pass(31_000); // longer than a connection waits after a failure
      await call(name);
      refused = await call(name);
    }
    jest.restoreAllMocks();
    server.onCall = () => ({ content: [] });
    expect(refused).toMatchObject({ status: 503, body: { code: 'circuit_open' } });
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(15);
  });
});

const onServer = isNative ? describe : describe.skip; // PGlite has one process: npm test runs this on native
onServer('two instances on one database', () => {
  it('let no more through together than the limit and what they hold ahead', async () => {
    const url = http.database.url!;
    const database = await Database.open({ url });
    const other = await openHttpApp({
      imports: [IntegrationsModule],
      database: { database, url, close: () => database.close() },
    });
    try {
      const limit = 150;
      const name = await register({ perMinute: limit });
      const began = performance.now();
      const before = server.calls();
      const answers = await Promise.all(
        Array.from({ length: 400 }, (_, i) => call(name, i % 2 ? other : http)),
      );
      const minutes = (performance.now() - began) / 60_000;
      const ok = answers.filter(({ status }) => status === 200).length;
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(400 - ok);
      expect(server.calls() - before).toBe(ok);
      expect(ok).toBeGreaterThanOrEqual(limit - 2 * mostAhead(limit));
      expect(ok).toBeLessThanOrEqual(limit + Math.ceil(limit * minutes) + 2 * mostAhead(limit));
      for (const parity of [0, 1])
        expect(answers.filter((_, i) => i % 2 === parity).map(({ status }) => status)).toContain(
          429,
        );
    } finally {
      await other.close();
    }
  });

  it('share the quota of a day exactly', async () => {
    const url = http.database.url!;
    const database = await Database.open({ url });
    const other = await openHttpApp({
      imports: [IntegrationsModule],
      database: { database, url, close: () => database.close() },
    });
    try {
      const name = await register({ perDay: 40 });
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => call(name, i % 2 ? other : http)),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(40);
    } finally {
      await other.close();
    }
  });
});
