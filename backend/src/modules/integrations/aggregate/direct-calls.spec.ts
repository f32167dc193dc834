import { RELATED_TASK_META_KEY } from '@modelcontextprotocol/server';
import type { Answer, SignedIn } from '../../../../test/http-app.js';
import { openTestDatabase } from '../../../../test/harness.js';
import { HttpFixture, type McpApp, openMcpApp } from '../../../../test/mcp-app.js';
import { Ledger } from '../chain/ledger.js';

/**
 * A plain call on its own way and the same call with a wish for progress, which sends it on the general way, have to
 * come to the same answer. Which way a call took is seen in its head.
 */
const fixture = new HttpFixture();
const older = new HttpFixture(['--era', 'older']);
let app: McpApp;
let operator: SignedIn;
let session: string;
beforeAll(async () => {
  app = await openMcpApp();
  operator = await app.signIn('operator');
  await Promise.all([fixture.start(), older.start()]);
  await app.register({ name: 'new', url: fixture.url, transport: 'http' });
  await app.register({ name: 'old', url: older.url, transport: 'http' });
  session = await beginSession({});
}, 120_000);
afterAll(async () => {
  await app.close();
  await Promise.all([fixture.stop(), older.stop()]);
});

const VERSION = '2026-07-28';
const P = 'io.modelcontextprotocol/';

interface RpcAnswer {
  id?: unknown;
  result?: Record<string, unknown> & { content?: { text?: string }[] };
  error?: { code: number; message: string; data?: Record<string, unknown> };
  method?: string;
}
type Way = 'direct' | 'general';
type Revision = 'current' | 'older';
interface Request {
  name: unknown;
  args?: unknown;
  meta?: object;
  more?: object;
  /** In place of `_meta`. */
  notes?: unknown;
  /** In place of what goes round the call. */
  frame?: object;
  /** Undefined is one that is left out. */
  headers?: Record<string, string | undefined>;
  as?: SignedIn;
  in?: string;
}

function send(revision: Revision, way: Way, request: Request): Promise<Answer<RpcAnswer>> {
  const { name, args = {}, more = {} } = request;
  const meta = { ...(way === 'general' ? { progressToken: 7 } : {}), ...request.meta };
  const envelope = {
    [`${P}protocolVersion`]: VERSION,
    [`${P}clientInfo`]: { name: 'test', version: '1' },
    [`${P}clientCapabilities`]: {},
    ...meta,
  };
  const headers: Record<string, string> =
    revision === 'current'
      ? { 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call', 'mcp-name': String(name) }
      : { 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': request.in ?? session };
  return app.call<RpcAnswer>('/mcp', {
    method: 'POST',
    headers: present({
      authorization: `Bearer ${(request.as ?? operator).token}`,
      accept: 'application/json, text/event-stream',
      ...headers,
      ...request.headers,
    }),
    body: {
      jsonrpc: '2.0',
      id: 'a',
      method: 'tools/call',
      ...request.frame,
      params: {
        ...{ name, arguments: args, ...more },
        _meta: 'notes' in request ? request.notes : revision === 'current' ? envelope : meta,
      },
    },
  });
}

const present = (headers: Record<string, string | undefined>) =>
  Object.fromEntries(
    Object.entries(headers).filter((each): each is [string, string] => each[1] !== undefined),
  );

async function beginSession(capabilities: object): Promise<string> {
  const headers = {
    authorization: `Bearer ${operator.token}`,
    accept: 'application/json, text/event-stream',
  };
  const clientInfo = { name: 'test', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo };
  const body = { jsonrpc: '2.0', id: 0, method: 'initialize', params };
  const answer = await app.call('/mcp', { method: 'POST', headers, body });
  return answer.headers.get('mcp-session-id')!;
}

/** The messages of an answer, of whatever form it is. */
const messagesOf = ({ body, text }: Answer<RpcAnswer>): RpcAnswer[] =>
  body
    ? [body]
    : [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data!) as RpcAnswer);

/** Without what no two calls share. */
const comparable = (answer: Answer<RpcAnswer>) => {
  const text = JSON.stringify(messagesOf(answer).at(-1))
    .replace(/"aos.dev\/callId":"[^"]+"/g, '"aos.dev/callId":"…"')
    .replace(/[0-9a-f]{32}/g, '…');
  return { status: answer.status, message: JSON.parse(text) as unknown };
};
const isJson = ({ headers }: Answer<unknown>) =>
  headers.get('content-type') === 'application/json' && headers.has('content-length');

const requests: [string, Request, { isError?: true; code?: number; holds?: string }][] = [
  ['a tool that answers', { name: 'new__test_simple_text' }, { holds: 'simple text response' }],
  ['one behind an older server', { name: 'old__test_simple_text' }, { holds: 'simple text' }],
  ['an image', { name: 'new__test_image_content' }, { holds: 'image/png' }],
  ['structured content', { name: 'new__test_structured', args: { value: 'x' } }, {}],
  ['a tool that fails', { name: 'new__test_error_handling' }, { isError: true }],
  ['a tool that nobody has', { name: 'new__nothing' }, { code: -32602 }],
  [
    'arguments that do not fit',
    { name: 'old__test_slow', args: { ms: 'long' } },
    { isError: true },
  ],
  ['no arguments', { name: 'new__test_simple_text', more: { arguments: undefined } }, {}],
  ['the search tool', { name: 'find_tools', args: { query: 'text' } }, {}],
  ['what nobody may ask', { name: 'new__test_elicitation' }, {}],
];
describe.each(['current', 'older'] as const)('a call in the %s revision', (revision) => {
  it.each(requests)(
    'to %s has the answer that it has on the general way',
    async (_, request, is) => {
      const direct = await send(revision, 'direct', request);
      const general = await send(revision, 'general', request);
      expect(comparable(direct)).toEqual(comparable(general));
      expect([isJson(direct), isJson(general)]).toEqual([true, false]);
      const [message] = messagesOf(direct);
      expect(message?.id).toBe('a');
      if (is.code) expect(message?.error?.code).toBe(is.code);
      if (is.isError) expect(message?.result?.['isError']).toBe(true);
      if (is.holds) expect(JSON.stringify(message?.result)).toContain(is.holds);
    },
  );

  const unusual: [string, Request][] = [
    ['arguments that are none', { name: 'new__test_simple_text', args: [] }],
    ['a name that is none', { name: 3 }],
    [
      'no wish for JSON',
      { name: 'new__test_simple_text', headers: { accept: 'text/event-stream' } },
    ],
    [
      'another version',
      { name: 'new__test_simple_text', headers: { 'mcp-protocol-version': '1' } },
    ],
    ['a field more', { name: 'new__test_simple_text', more: { requestState: 'made up' } }],
    ['notes that are none', { name: 'new__test_simple_text', notes: [] }],
    ['a note in place of the notes', { name: 'new__test_simple_text', notes: 'x' }],
    ['nothing in place of the notes', { name: 'new__test_simple_text', notes: null }],
    [
      'a task that it belongs to',
      { name: 'new__test_simple_text', meta: { [RELATED_TASK_META_KEY]: { taskId: 'a' } } },
    ],
  ];
  it.each(unusual)('with %s is left to the SDK', async (_, request) => {
    const answers = [];
    for (const way of ['direct', 'general'] as const)
      answers.push(await send(revision, way, request));
    expect(comparable(answers[0]!)).toEqual(comparable(answers[1]!));
    expect(isJson(answers[0]!)).toBe(false);
  });

  it.each<[string, object, number]>([
    ['no id', { id: undefined }, 202],
    ['an id that is none', { id: {} }, 400],
    ['an id that is nothing', { id: null }, 400],
    ['another protocol', { jsonrpc: '1.0' }, 400],
    ['something that no request has', { more: 1 }, 400],
  ])('with %s is none', async (_, frame, status) => {
    const calls = () => app.database.query('SELECT id FROM tool_calls');
    await app.app.get(Ledger, { strict: false }).settled();
    const before = await calls();
    for (const way of ['direct', 'general'] as const) {
      const answer = await send(revision, way, { name: 'new__test_simple_text', frame });
      expect([answer.status, messagesOf(answer).some(({ result }) => result)]).toEqual([
        status,
        false,
      ]);
    }
    await app.app.get(Ledger, { strict: false }).settled();
    expect(await calls()).toEqual(before);
  });

  it('is in the ledger, with its events', async () => {
    const { body } = await send(revision, 'direct', { name: 'new__test_simple_text' });
    const callId = (body.result!['_meta'] as Record<string, unknown>)['aos.dev/callId'];
    await app.app.get(Ledger, { strict: false }).settled();
    expect(
      await app.database.query('SELECT status, actor, server FROM tool_calls WHERE id = $1', [
        callId,
      ]),
    ).toEqual([{ status: 'succeeded', actor: `user:${operator.userId}`, server: 'new' }]);
    expect(
      await app.database.query(`SELECT 1 AS one FROM events WHERE payload->>'callId' = $1`, [
        callId,
      ]),
    ).toEqual([{ one: 1 }]);
  });

  it('with a key that is none is refused as on every route', async () => {
    const headers = { 'idempotency-key': 'two words' };
    const request = { name: 'new__test_simple_text', headers };
    expect((await send(revision, 'direct', request)).status).toBe(400);
  });

  it('takes the right, and is refused the moment that it is gone', async () => {
    const viewer = await app.signIn('viewer');
    const request = { name: 'new__test_simple_text', as: viewer };
    expect((await send(revision, 'direct', request)).status).toBe(403);
    const leaver = await app.signIn('operator');
    if (revision === 'older') return;
    expect((await send(revision, 'direct', { ...request, as: leaver })).status).toBe(200);
    await app.call('/auth/logout', { method: 'POST', as: leaver });
    expect((await send(revision, 'direct', { ...request, as: leaver })).status).toBe(401);
  });
});

it.each<[string, Request]>([
  [
    'the version of another one in its head',
    { name: '', headers: { 'mcp-protocol-version': VERSION } },
  ],
  ['that of another one in its notes', { name: '', meta: { [`${P}protocolVersion`]: VERSION } }],
])(
  'a call in an older session with %s is left to the SDK, which refuses it',
  async (_, request) => {
    const answer = await send('older', 'direct', { ...request, name: 'new__test_simple_text' });
    expect([answer.status, messagesOf(answer)[0]?.error?.code]).toEqual([400, -32602]);
  },
);

describe('in the current revision', () => {
  it('a wish for log messages is met on the general way', async () => {
    const request = { name: 'new__test_tool_with_logging', meta: { [`${P}logLevel`]: 'debug' } };
    const messages = messagesOf(await send('current', 'direct', request));
    expect(messages.map(({ method }) => method)).toContain('notifications/message');
  });

  const tool = 'new__test_simple_text';
  const encoded = `=?base64?${Buffer.from(tool).toString('base64')}?=`;
  it.each<[string, unknown, Record<string, string | undefined>]>([
    ['no version', tool, { 'mcp-protocol-version': undefined }],
    ['no method', tool, { 'mcp-method': undefined }],
    ['another method', tool, { 'mcp-method': 'tools/list' }],
    ['no name', tool, { 'mcp-name': undefined }],
    ['another name', tool, { 'mcp-name': 'new__test_slow' }],
    // Decoded, the head names another tool than the body does, though the letters are the same.
    ['a name that is an encoded one', encoded, { 'mcp-name': encoded }],
  ])('a head with %s is refused, on either way', async (_, name, headers) => {
    const answers = [];
    for (const way of ['direct', 'general'] as const)
      answers.push(await send('current', way, { name, headers }));
    expect(comparable(answers[0]!)).toEqual(comparable(answers[1]!));
    expect([answers[0]!.status, answers[0]!.body.error?.code]).toEqual([400, -32020]);
  });

  it('a name that the head gives encoded is that of the body', async () => {
    const request = { name: tool, headers: { 'mcp-name': encoded } };
    expect((await send('current', 'direct', request)).status).toBe(200);
  });

  it.each<[string, object]>([
    ['of another version', { [`${P}protocolVersion`]: '2025-11-25' }],
    ['without a version', { [`${P}protocolVersion`]: undefined }],
    ['without capabilities', { [`${P}clientCapabilities`]: undefined }],
    ['of nobody in particular', { [`${P}clientInfo`]: { name: 7 } }],
  ])('an envelope %s is refused, on either way', async (_, meta) => {
    const answers = [];
    for (const way of ['direct', 'general'] as const)
      answers.push(await send('current', way, { name: tool, meta }));
    expect(comparable(answers[0]!)).toEqual(comparable(answers[1]!));
    expect(answers[0]!.status).toBe(400);
  });

  it('arguments that travel in headers too are held against them', async () => {
    const request = { name: 'new__test_param_header', args: { region: 'eu' } };
    expect(comparable(await send('current', 'direct', request))).toEqual(
      comparable(await send('current', 'general', request)),
    );
    for (const region of ['us', 'EU', ' eu, us', '=?base64?dXM=?=']) {
      const headers = { 'mcp-param-region': region };
      const { status, body } = await send('current', 'direct', { ...request, headers });
      expect([status, body.error?.code]).toEqual([400, -32020]);
    }
    const headers = { 'mcp-param-region': 'eu' };
    const right = await send('current', 'direct', { ...request, headers });
    expect(messagesOf(right).at(-1)?.result).toBeDefined();
  });

  it('a client that goes takes its call along', async () => {
    const gone = new AbortController();
    const running = (count: number) =>
      eventually(async () => {
        const rows = await app.database.query(
          `SELECT 1 FROM tool_calls WHERE tool = 'test_slow' AND status = 'started'`,
        );
        return rows.length === count;
      });
    const request = { name: 'new__test_slow', args: { ms: 60_000 } };
    const sent = fetchRaw(request, gone.signal);
    await running(1);
    gone.abort();
    await expect(sent).rejects.toThrow();
    await running(0);
  });
});

describe('in an older session', () => {
  it('what comes before the answer turns it into a stream', async () => {
    const answer = await send('older', 'direct', { name: 'new__test_tool_with_logging' });
    const messages = messagesOf(answer);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(messages[0]?.method).toBe('notifications/message');
    expect(messages.at(-1)).toMatchObject({ id: 'a', result: { content: expect.anything() } });
  });

  it.each([
    ['more than text', 'new__test_image_content'],
    ['a failure', 'new__test_error_handling'],
    ['text', 'new__test_simple_text'],
  ])('a call that comes to %s is made once', async (_, name) => {
    const tool = name.slice('new__'.length);
    const count = () =>
      app.database.query(`SELECT 1 FROM tool_calls WHERE server = 'new' AND tool = $1`, [tool]);
    const before = await count();
    await send('older', 'direct', { name });
    await app.app.get(Ledger).settled();
    expect(await count()).toHaveLength(before.length + 1);
  });

  it('another’s session is not found', async () => {
    const stranger = await app.signIn('operator');
    const answer = await send('older', 'direct', { name: 'new__test_simple_text', as: stranger });
    expect(answer.status).toBe(404);
  });

  it.each(['direct', 'general'] as const)('a call (%s) ends with its session', async (way) => {
    const own = await beginSession({});
    const headers = { authorization: `Bearer ${operator.token}`, 'mcp-session-id': own };
    const running = () =>
      app.database.query(
        `SELECT 1 FROM tool_calls WHERE tool = 'test_slow' AND status = 'started'`,
      );
    const slow = { name: 'old__test_slow', args: { ms: 60_000 }, in: own };
    const call = send('older', way, slow);
    call.catch(() => undefined); // it is cut
    await eventually(async () => (await running()).length === 1);
    expect((await app.call('/mcp', { method: 'DELETE', headers })).status).toBe(200);
    await eventually(async () => (await running()).length === 0);
    if (way === 'direct') await expect(call).rejects.toThrow();
    else expect(messagesOf(await call)).toEqual([]);
  });

  it.each(['direct', 'general'] as const)('a call (%s) is cancelled by a message', async (way) => {
    const own = await beginSession({});
    const headers = {
      authorization: `Bearer ${operator.token}`,
      accept: 'application/json, text/event-stream',
      'mcp-session-id': own,
    };
    const slow = { name: 'old__test_slow', args: { ms: 60_000 }, in: own };
    const call = send('older', way, slow);
    const row = async () => {
      const [latest] = await app.database.query<{ status: string; error_kind: string | null }>(
        `SELECT status, error_kind FROM tool_calls WHERE tool = 'test_slow' ORDER BY started_at DESC LIMIT 1`,
      );
      return latest;
    };
    await eventually(async () => (await row())?.status === 'started');
    // Its answer would go to the first one, and it would have none.
    for (const second of ['direct', 'general'] as const) {
      const { status, body: said } = await send('older', second, {
        ...{ name: 'old__test_simple_text', in: own },
      });
      expect([status, said]).toMatchObject([
        400,
        { id: 'a', error: { message: expect.stringMatching(/under way/) as string } },
      ]);
    }
    const params = { requestId: 'a', reason: 'no longer wanted' };
    const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params };
    expect((await app.call('/mcp', { method: 'POST', headers, body })).status).toBe(202);
    await eventually(async () => (await row())?.error_kind === 'cancelled');
    const answer = await call;
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(messagesOf(answer)).toEqual([]);
    // Its id is free again, and stays so after an answer.
    for (const next of ['direct', 'general', 'direct'] as const) {
      const [last] = messagesOf(
        await send('older', next, { name: 'old__test_simple_text', in: own }),
      ).slice(-1);
      expect(last).toMatchObject({ id: 'a', result: {} });
    }
  });
});

describe('a process that stops', () => {
  it.each([
    ['current', 'direct'],
    ['current', 'general'],
    ['older', 'direct'],
  ] as const)(
    'takes the calls along that are under way in the %s revision on the %s way, and waits for none of them',
    async (revision, way) => {
      const test = await openTestDatabase();
      const own = await openMcpApp({ database: test });
      const as = await own.signIn('operator');
      await own.register({ name: 'new', url: fixture.url, transport: 'http' });
      const shared = [app, operator, session] as const;
      [app, operator] = [own, as];
      session = await beginSession({});
      try {
        const sent = send(revision, way, { name: 'new__test_slow', args: { ms: 60_000 } });
        sent.catch(() => undefined); // looked at below
        const rows = (status: string) =>
          eventually(async () => {
            const found = await test.database.query('SELECT status, error_kind FROM tool_calls');
            return found.length === 1 && JSON.stringify(found[0]).includes(status);
          });
        await rows('started');
        await own.app.close();
        await rows('cancelled');
        // Cut, or ended without an answer: never one that says that it went well.
        const end = await sent.then(
          (answer) => messagesOf(answer).some(({ result }) => result),
          () => false,
        );
        expect(end).toBe(false);
      } finally {
        [app, operator, session] = shared;
        await test.close();
      }
    },
  );
});

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((turn) => setImmediate(turn));
}

function fetchRaw({ name, args }: { name: string; args: object }, signal: AbortSignal) {
  return fetch(app.mcpUrl, {
    method: 'POST',
    signal,
    headers: {
      authorization: `Bearer ${operator.token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': VERSION,
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 'a',
      method: 'tools/call',
      params: {
        name,
        arguments: args,
        _meta: {
          [`${P}protocolVersion`]: VERSION,
          [`${P}clientInfo`]: { name: 'test', version: '1' },
          [`${P}clientCapabilities`]: {},
        },
      },
    }),
  });
}
