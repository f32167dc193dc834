import dns from 'node:dns';
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGzip, gzipSync } from 'node:zlib';
import type { LoggingMessageNotification } from '@modelcontextprotocol/client';
import { startToolServer } from '../chain/testing.js';
import { admin } from '../testing.js';
import type { ClientSide } from './client-side.js';
import { dialOf } from './dial.js';
import type { OtherRequest, UpstreamRequest } from './upstream.js';
import { WarmClient } from './warm-client.js';

interface Message {
  id?: number;
  method?: string;
  result?: { action?: string };
  params?: { name: string; arguments: { text: string } };
}
type OnCall = (call: Message, request: IncomingMessage, response: ServerResponse) => unknown;

/** A server of an older revision, by hand, whose `tools/call` does what the test says. */
let onCall: OnCall;
let onOther: OnCall;
let heard: { method: string; encoding: string; message: Message }[];
let server: Server;
let upstream: WarmClient;

beforeEach(async () => {
  heard = [];
  onOther = (_message, _request, response) => response.writeHead(405).end();
  server = createServer((request, response) => void receive(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  upstream = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await upstream.close();
  server.closeAllConnections();
  server.close();
});

/** What a stranger's name server answers. */
function nameLeadsTo(address: string): void {
  jest
    .spyOn(dns, 'lookup')
    .mockImplementation(((
      _name: string,
      _options: object,
      done: (error: null, found: dns.LookupAddress[]) => void,
    ) => done(null, [{ address, family: 4 }])) as never);
}

function clientOf(url: string): WarmClient {
  const route = {
    name: 'x',
    transport: 'http' as const,
    command: null,
    args: [],
    authSecret: 'KEY',
  };
  return new WarmClient({
    server: 'x',
    dial: dialOf({ ...route, url }, { dataDir: '' } as never, () => Promise.resolve('secret')),
  });
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const message = (text === '' ? {} : JSON.parse(text)) as Message;
  const { method = '', id } = message;
  const encoding = String(request.headers['accept-encoding']);
  heard.push({ method: request.method === 'POST' ? method : request.method!, encoding, message });
  if (method === 'tools/call') return onCall(message, request, response);
  if (method === 'initialize') {
    response.setHeader('mcp-session-id', 'session');
    const offers = { tools: {}, logging: {}, prompts: {}, resources: {}, completions: {} };
    const result = { protocolVersion: '2025-11-25', capabilities: offers };
    return json(response, { id, result: { ...result, serverInfo: { name: 'x', version: '1' } } });
  }
  if (method === 'notifications/initialized') return void response.writeHead(202).end();
  if (method === 'server/discover') return json(response, { id, error: unknown });
  onOther(message, request, response);
}

const unknown = { code: -32601, message: 'Method not found' };
const json = (response: ServerResponse, message: object, headers: Record<string, string> = {}) =>
  void response
    .writeHead(200, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ jsonrpc: '2.0', ...message }));
const event = (message: object, id?: string) =>
  `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;
const events = (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
const resultOf = ({ params }: Message) => ({
  content: [{ type: 'text', text: params!.arguments.text }],
});

const call = (more: Partial<UpstreamRequest> = {}) =>
  upstream.call({
    definition: { name: 'echo', inputSchema: { type: 'object' } },
    args: { text: 'hello' },
    meta: {},
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    mayRepeat: false,
    caller: { ctx: admin(), run: undefined, idempotencyKey: '', timeoutMs: 10_000 },
    ...more,
  });
const hello = { content: [{ type: 'text', text: 'hello' }] };
const callsHeard = () => heard.filter(({ method }) => method === 'tools/call');

it('connects to no metadata service, whatever name leads there', async () => {
  onCall = (message, _, response) =>
    json(response, { id: message.id, result: resultOf(message) }, { connection: 'close' });
  await upstream.close();
  upstream = clientOf(`http://elsewhere.example:${(server.address() as AddressInfo).port}/mcp`);
  nameLeadsTo('169.254.169.254');
  await expect(call()).rejects.toThrow('is an address of the metadata service');
  // It is no matter of the first connection: another answer comes with another one, in the way of calls too.
  nameLeadsTo('127.0.0.1');
  expect(await call()).toMatchObject(hello);
  nameLeadsTo('169.254.169.254');
  await expect(call()).rejects.toThrow('is an address of the metadata service');
  expect(callsHeard()).toHaveLength(1);
});

const forms: [string, OnCall][] = [
  ['JSON', (message, _, response) => json(response, { id: message.id, result: resultOf(message) })],
  [
    'one event',
    (message, _, response) =>
      void events(response).end(event({ id: message.id, result: resultOf(message) })),
  ],
  [
    'an event that comes in pieces, behind a comment',
    (message, _, response) => {
      const text = `: still here\n\n${event({ id: message.id, result: resultOf(message) })}`;
      events(response);
      for (const byte of Buffer.from(text)) response.write(Buffer.from([byte]));
      response.end();
    },
  ],
  [
    'packed JSON, although it was not asked for',
    (message, _, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(
          gzipSync(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: resultOf(message) })),
        ),
  ],
];
/** As the standard lets a server write them; the stream stays open behind the event, as it may. */
const lineEnds: [string, string, number][] = [
  ['CR', '\r', 10_000],
  ['LF', '\n', 10_000],
  ['CR and LF', '\r\n', 10_000],
  ['CR and LF, in pieces', '\r\n', 1],
  ['CR, in pieces', '\r', 1],
];
it.each(lineEnds)(
  'reads an event whose lines end with %s as soon as it is there',
  async (_, end, size) => {
    const pieces = (text: string) => text.match(new RegExp(`[^]{1,${size}}`, 'g'))!;
    const asked = { id: 7, method: 'elicitation/create', params: { message: '' } };
    let answered!: () => void;
    const answer = new Promise<void>((resolve) => (answered = resolve));
    onOther = (__, ___, response) => (answered(), void response.writeHead(202).end());
    onCall = async (message, __, response) => {
      const send = (what: object) => {
        for (const piece of pieces(event(what).replaceAll('\n', end))) response.write(piece);
      };
      events(response);
      send(asked);
      await answer;
      send({ id: message.id, result: resultOf(message) });
      response.end();
    };
    const client = {
      ...{ capabilities: { elicitation: {} }, takesQuestions: false },
      ask: () => Promise.resolve({ action: 'decline' }),
    } as unknown as ClientSide;
    expect(await call({ client })).toMatchObject(hello);
  },
);

it.each(forms)('takes %s for an answer, past fetch', async (_form, answer) => {
  onCall = answer;
  expect(await call()).toMatchObject(hello);
  expect(callsHeard()).toMatchObject([{ encoding: 'identity' }]);
});

it.each([
  ['JSON', 'application/json', (text: string) => text],
  ['an event', 'text/event-stream', (text: string) => `data: ${text}\n\n`],
])(
  'tells how numbers were written that become others by being read, of %s',
  async (_, type, form) => {
    const structured = '{"ids":[9007199254740993,12,9007199254740993],"at":-1152921504606846977}';
    onCall = ({ id }, __, response) =>
      void response
        .writeHead(200, { 'content-type': type })
        .end(
          form(
            `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"structuredContent":${structured}}}`,
          ),
        );
    expect(await call()).toEqual({
      content: [
        {
          type: 'text',
          text: expect.stringMatching(/: 9007199254740993, -1152921504606846977\.\)$/),
        },
      ],
      structuredContent: JSON.parse(structured) as unknown,
    });
  },
);

it('says nothing of numbers that stay what they are', async () => {
  const result = {
    content: [],
    structuredContent: { n: 9007199254740994, x: 0.1234567890123457 },
  };
  onCall = ({ id }, _, response) => json(response, { id, result });
  expect(await call()).toEqual(result);
});

it('keeps the connection, and signs in on it', async () => {
  const ports: (number | undefined)[] = [];
  const seen: unknown[] = [];
  onCall = (message, { socket, headers }, response) => {
    ports.push(socket.remotePort);
    seen.push([headers.authorization, headers['mcp-session-id'], headers['mcp-protocol-version']]);
    json(response, { id: message.id, result: resultOf(message) });
  };
  for (let n = 0; n < 10; n++) await call();
  expect(ports).toHaveLength(10);
  expect(new Set(ports).size).toBeLessThanOrEqual(2);
  expect(seen[0]).toEqual(['Bearer secret', 'session', '2025-11-25']);
});

it('hands on what the server says and asks before it answers', async () => {
  const said: LoggingMessageNotification['params'][] = [];
  let goOn: (message: Message) => void = () => undefined;
  onOther = (message, _, response) => {
    response.writeHead(202).end();
    if (message.result) goOn(message);
  };
  onCall = (message, _, response) => {
    events(response);
    const log = { level: 'error', data: 'half way' };
    response.write(event({ method: 'notifications/message', params: log }));
    const params = { message: 'Go on?', requestedSchema: { type: 'object', properties: {} } };
    response.write(event({ id: 77, method: 'elicitation/create', params }));
    goOn = ({ result }) =>
      response.end(
        event({ id: message.id, result: { content: [{ type: 'text', text: result!.action }] } }),
      );
  };
  onOther = ((before) => (message, request, response) => {
    if (message.method === 'logging/setLevel')
      return json(response, { id: message.id, result: {} });
    before(message, request, response);
  })(onOther);
  const client: ClientSide = {
    capabilities: { elicitation: {} },
    logLevel: 'info',
    takesQuestions: false,
    ask: () => Promise.resolve({ action: 'decline' }),
    onLog: (params) => said.push(params),
  };
  expect(await call({ client })).toMatchObject({ content: [{ type: 'text', text: 'decline' }] });
  expect(said).toMatchObject([{ level: 'error', data: 'half way' }]);
});

it('takes a stream up again that broke off, from the last event', async () => {
  onCall = (_message, _request, response) => {
    events(response).write(
      event({ method: 'notifications/message', params: { level: 'info' } }, 'a1'),
    );
    setImmediate(() => response.destroy());
  };
  onOther = (_message, request, response) => {
    if (request.headers['last-event-id'] !== 'a1') return void response.writeHead(405).end();
    const { id } = callsHeard()[0]!.message;
    events(response).end(event({ id, result: hello }, 'a2'));
  };
  expect(await call()).toMatchObject(hello);
  expect(callsHeard()).toHaveLength(1);
});

it('leaves it to the SDK what a refusal means, since the tool has not run', async () => {
  let count = 0;
  onCall = (message, request, response) => {
    if (request.url === '/mcp') return void response.writeHead(307, { location: '/there' }).end();
    count++;
    json(response, { id: message.id, result: resultOf(message) });
  };
  expect(await call()).toMatchObject(hello);
  expect(count).toBe(1);
});

/** Each piece once the one before is out, so that what reads them cannot have them all at once. */
function piecewise(response: ServerResponse, bytes: Buffer): void {
  const next = (from: number) => {
    if (response.destroyed) return;
    if (from >= bytes.length) return void response.end();
    response.write(bytes.subarray(from, from + 512), () => setImmediate(next, from + 512));
  };
  next(0);
}

describe('a call that wants nothing but its result', () => {
  const FROM = 1_000_000_000;
  const idsHeard = () => callsHeard().map(({ message }) => Number(message.id) >= FROM);

  it('goes past the SDK’s client, one that wants progress through it', async () => {
    onCall = (message, _, response) =>
      json(response, { id: message.id, result: resultOf(message) });
    expect(await call()).toEqual(hello);
    expect(await call({ onProgress: () => undefined })).toMatchObject(hello);
    expect(idsHeard()).toEqual([true, false]);
  });

  it.each<[string, object]>([
    ['an image', { content: [{ type: 'image', data: 'AA==', mimeType: 'image/png' }] }],
    ['a text with notes', { content: [{ type: 'text', text: 'x', annotations: { priority: 1 } }] }],
    ['what is said beside it', { content: [{ type: 'text', text: 'x' }], _meta: { by: 'me' } }],
    ['text and structure', { content: [{ type: 'text', text: 'x' }], structuredContent: { a: 1 } }],
    ['a failure', { content: [{ type: 'text', text: 'x' }], isError: true }],
    ['nothing', { content: [] }],
  ])('has %s for an answer, and is made once', async (_, result) => {
    onCall = ({ id }, _request, response) => json(response, { id, result });
    expect(await call()).toEqual(result);
    expect(idsHeard()).toEqual([true]);
  });

  it('has the number that it was given as text, too', async () => {
    onCall = (message, _, response) =>
      json(response, { id: String(message.id) as never, result: resultOf(message) });
    expect(await call()).toEqual(hello);
  });

  it('is told to its server as cancelled when its caller leaves', async () => {
    const leaving = new AbortController();
    const told = new Promise<Message>((resolve) => {
      onOther = (message, _, response) => {
        response.writeHead(202).end();
        if (message.method === 'notifications/cancelled') resolve(message);
      };
    });
    onCall = () => leaving.abort(new Error('enough'));
    await expect(call({ signal: leaving.signal })).rejects.toMatchObject({ kind: 'cancelled' });
    expect((await told).params).toMatchObject({ requestId: callsHeard()[0]!.message.id });
  });

  it('ends with the connection', async () => {
    onCall = () => void upstream.close();
    await expect(call()).rejects.toMatchObject({ kind: 'connection_lost' });
  });
});

const failures: [string, OnCall, object][] = [
  [
    'a server that fails',
    (_message, _request, response) => void response.writeHead(503).end('busy'),
    { kind: 'unreachable', mayHaveHappened: true, message: expect.stringContaining('503') },
  ],
  [
    'a connection that breaks before the answer',
    (_message, request) => void request.socket.destroy(),
    { kind: 'connection_lost', mayHaveHappened: true },
  ],
  [
    'a connection that breaks in the middle of a stream',
    (_message, _request, response) => {
      events(response).write(': begun\n\n');
      setImmediate(() => response.destroy());
    },
    { kind: 'connection_lost', mayHaveHappened: true },
  ],
  [
    'a stream that ends without the answer',
    (_message, _request, response) => void events(response).end(': nothing\n\n'),
    { kind: 'connection_lost', mayHaveHappened: true },
  ],
  [
    'an answer of another kind',
    (_message, _request, response) =>
      void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    { kind: 'protocol', mayHaveHappened: true },
  ],
  [
    'an answer that is not JSON',
    (_message, _request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc'),
    { kind: 'protocol', mayHaveHappened: true, message: 'its answer is not JSON' },
  ],
  [
    'an answer that is no message',
    ({ id }, _request, response) => json(response, { id, result: null }),
    { kind: 'protocol', message: 'its answer is no message of the protocol' },
  ],
  [
    'an answer to something else',
    (message, _request, response) => json(response, { id: -1, result: resultOf(message) }),
    { kind: 'protocol', message: 'its answer is one to something else' },
  ],
  [
    'a result of another form',
    ({ id }, _request, response) => json(response, { id, result: { content: 'x' } }),
    {
      kind: 'protocol',
      message: expect.stringMatching(/^its answer does not fit: content: [^[{]+$/),
    },
  ],
  [
    'a failure that is neither true nor false',
    ({ id }, _request, response) => json(response, { id, result: { content: [], isError: 'x' } }),
    { kind: 'protocol', message: expect.stringMatching(/^its answer does not fit: isError/) },
  ],
  [
    'structure that is none',
    ({ id }, _request, response) =>
      json(response, { id, result: { content: [], structuredContent: 7 } }),
    { kind: 'protocol', message: expect.stringMatching(/^its answer does not fit: structured/) },
  ],
  [
    'a text with notes of another form',
    ({ id }, _request, response) =>
      json(response, { id, result: { content: [{ type: 'text', text: 'x', annotations: 1 }] } }),
    { kind: 'protocol', message: expect.stringMatching(/^its answer does not fit: content/) },
  ],
  [
    'an error of the server',
    ({ id }, _request, response) => json(response, { id, error: { code: -32000, message: 'no' } }),
    { kind: 'protocol', message: 'no' },
  ],
  [
    'more than is taken',
    (message, _request, response) =>
      json(response, { id: message.id, result: { text: 'x'.repeat(9_000_000) } }),
    { message: expect.stringContaining('larger than') },
  ],
  [
    'more than is taken, packed',
    (_message, _request, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync('x'.repeat(50_000_000))),
    { message: expect.stringContaining('larger than') },
  ],
  [
    'more than is taken, packed, and no end of it',
    (_message, _request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      let left = 400; // MB, many times what is taken, and yet bounded: a test must end where nothing cuts it off
      const more = () => {
        if (response.destroyed || left-- <= 0) return void gzip.end();
        gzip.write(Buffer.alloc(1 << 20));
        gzip.flush(more);
      };
      more();
    },
    { message: expect.stringContaining('larger than') },
  ],
  [
    'what only says that it is packed, piece by piece',
    (_message, _request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      piecewise(response, Buffer.from('no gzip at all, '.repeat(1000)));
    },
    { message: 'incorrect header check' },
  ],
  [
    'an event without end',
    (_message, _request, response) => {
      events(response);
      let left = 64; // many times what is taken, and yet bounded: a test must end where nothing cuts it off
      const more = () =>
        response.destroyed || left-- <= 0 || response.write(`data: ${'x'.repeat(1 << 20)}\n`, more);
      more();
    },
    { message: expect.stringContaining('larger than') },
  ],
];
it.each(failures)('tells %s as a fault, and calls once', async (_what, answer, fault) => {
  onCall = answer;
  await expect(call()).rejects.toMatchObject(fault);
  expect(callsHeard()).toHaveLength(1);
});

describe('a server that answers something else', () => {
  const answerTo = (id: unknown, text: string) => ({
    id,
    result: { content: [{ type: 'text', text }] },
  });
  it.each<[string, (own: number) => unknown]>([
    ['a number that nobody has', (own) => own + 1000],
    ['no number', () => null],
    ['a number in other words', (own) => `0${own}`],
  ])('under %s has not answered, which shows at once', async (_, other) => {
    for (const form of [json, inEvents]) {
      onCall = ({ id }, _request, response) => form(response, answerTo(other(id!), 'wrong'));
      await expect(call()).rejects.toMatchObject({ kind: expect.stringMatching(/lost|protocol/) });
    }
  });

  it('says nothing to whoever else waits for an answer', async () => {
    const waiting: { id: number; response: ServerResponse }[] = [];
    const both = new Promise<void>((done) => {
      onCall = ({ id }, _request, response) => {
        waiting.push({ id: id!, response });
        if (waiting.length === 2) done();
      };
    });
    const calls = [call(), call()];
    await both;
    const [one, other] = waiting as [(typeof waiting)[0], (typeof waiting)[0]];
    json(one.response, answerTo(other.id, 'of another'));
    await expect(Promise.race(calls)).rejects.toMatchObject({
      kind: 'protocol',
      mayHaveHappened: true,
    });
    json(other.response, answerTo(other.id, 'its own'));
    const ends = await Promise.allSettled(calls);
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(ends).toContainEqual({
      status: 'fulfilled',
      value: expect.objectContaining({ content: [{ type: 'text', text: 'its own' }] }),
    });
  });

  it('and then answers after all, or answers again, is heard once', async () => {
    const heardOf: string[] = [];
    onCall = ({ id }, _request, response) => {
      events(response);
      response.write(event(answerTo(id! + 1000, 'wrong')));
      response.write(event(answerTo(id, 'right')));
      response.end(event(answerTo(id, 'again')));
    };
    for (let n = 0; n < 3; n++) heardOf.push(JSON.stringify(await call()));
    expect(heardOf.every((text) => text.includes('right'))).toBe(true);
  });

  it('with its number in quotes has answered', async () => {
    onCall = ({ id }, _request, response) => json(response, answerTo(String(id), 'hello'));
    expect(await call()).toMatchObject(hello);
  });
});

const inEvents = (response: ServerResponse, message: object) =>
  void events(response).end(event(message));

it('lets a call go that its caller has given up', async () => {
  const closed = new Promise<void>((over) => {
    onCall = (_message, request) => {
      request.socket.once('close', () => over());
      caller.abort(new Error('no longer wanted'));
    };
  });
  const caller = new AbortController();
  await expect(call({ signal: caller.signal })).rejects.toMatchObject({ kind: 'cancelled' });
  await upstream.close();
  await closed;
});

/** All that a client may want of a server besides the call of a tool. */
const others: [string, () => Promise<unknown>][] = [
  ['resources/read', () => ask('resources/read', { uri: 'test://a' })],
  ['prompts/get', () => ask('prompts/get', { name: 'a' })],
  ['completion/complete', () => ask('completion/complete', completion)],
  ['tools/list', () => upstream.list({ timeoutMs: 5000 })],
  ['prompts/list', () => upstream.items('prompts', { timeoutMs: 5000 })],
  ['resources/list', () => upstream.items('resources', { timeoutMs: 5000 })],
  ['resources/templates/list', () => upstream.items('resourceTemplates', { timeoutMs: 5000 })],
];
const completion = {
  ref: { type: 'ref/prompt', name: 'a' },
  argument: { name: 'x', value: 'y' },
};
const side = () => ({ capabilities: {}, takesQuestions: true }) as unknown as ClientSide;
const ask = (
  method: OtherRequest['method'],
  params: Record<string, unknown>,
  client: ClientSide = side(),
) =>
  upstream.request({
    ...{ actor: admin().actor, method, params, meta: {}, client },
    ...{ timeoutMs: 5000, signal: new AbortController().signal },
  });
const greetings = () => heard.filter(({ method }) => method === 'initialize').length;

describe.each(others)('%s', (method, request) => {
  it.each([429, 503])(
    'of a busy server (%i) says when to come back, and keeps the connection',
    async (status) => {
      onOther = (message, ask, response) => {
        if (message.method !== method) return void response.writeHead(405).end();
        response.writeHead(status, { 'retry-after': '7' }).end();
      };
      await expect(request()).rejects.toMatchObject({ kind: 'unreachable', retryAfterSeconds: 7 });
      onCall = forms[0]![1];
      await call();
      expect([heard.filter((each) => each.method === method).length, greetings()]).toEqual([1, 1]);
    },
  );

  it.each([999, 'x', null])('that is answered as %p fails at once', async (id) => {
    onOther = (message, ask, response) =>
      message.method === method
        ? json(response, { id, ...(id === null ? { error: unknown } : { result: {} }) })
        : void response.writeHead(405).end();
    await expect(request()).rejects.toMatchObject({
      kind: 'protocol',
      message: expect.stringMatching(/^its answer is /),
    });
    expect(greetings()).toBe(1);
  });
});

describe('an HTTP 400 with an error of the protocol', () => {
  const error = { code: -32602, message: 'there is no such thing', data: { name: 'a' } };
  const refuse = (id: (own: number | undefined) => unknown) => {
    onOther = (message, _request, response) => {
      if (message.method !== 'prompts/get') return void response.writeHead(405).end();
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: id(message.id), error }));
    };
  };
  const refusedWith = async () => {
    const client = side();
    await expect(ask('prompts/get', { name: 'a' }, client)).rejects.toMatchObject({
      ...{ kind: 'protocol', message: error.message },
    });
    return client.refusal;
  };

  it.each([
    ['its number', (own: unknown) => own],
    ['its number in quotes', String],
  ])('that says by %s what it is about is that error, over any connection', async (_, id) => {
    refuse(id);
    await refusedWith();
    expect(await refusedWith()).toMatchObject(error);
    expect(greetings()).toBe(1);
  });

  it.each([
    ['nobody', () => null],
    ['something else', () => 'server-error'],
  ])('about %s is that error once the connection is a new one', async (_, id) => {
    refuse(id);
    expect(await refusedWith()).toMatchObject(error);
    expect(greetings()).toBe(1);
    expect(await refusedWith()).toMatchObject(error);
    expect(greetings()).toBe(2);
  });

  it('is forgotten when the session was all that was wrong', async () => {
    onOther = (message, _request, response) => {
      if (message.method !== 'prompts/get') return void response.writeHead(405).end();
      if (greetings() === 2) return json(response, { id: message.id, result: { messages: [] } });
      response.writeHead(400).end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
    };
    await upstream.about({ timeoutMs: 5000 });
    const client = side();
    expect(await ask('prompts/get', { name: 'a' }, client)).toMatchObject({ messages: [] });
    expect(client.refusal).toBeUndefined();
  });

  it('in a call of a tool is that error as well', async () => {
    onCall = (message, _request, response) =>
      void response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }));
    await expect(call()).rejects.toMatchObject({ kind: 'protocol', message: error.message });
  });
});

it('names in the head, to a server of the current revision, what a request is about', async () => {
  const current = await startToolServer([{ name: 'a' }]);
  current.isModern = true;
  await upstream.close();
  upstream = clientOf(current.url);
  await upstream.list({ timeoutMs: 5000 });
  await ask('prompts/get', { name: 'a' }).catch(() => undefined); // it has none, and says so
  for (const uri of ['test://a?b=c%20d', 'test://ä'])
    await ask('resources/read', { uri }).catch(() => undefined); // as above
  const said = current.seen.map(({ headers }) => [headers['mcp-method'], headers['mcp-name']]);
  expect(said.slice(1)).toEqual([
    ['tools/list', undefined],
    ['prompts/get', 'a'],
    ['resources/read', 'test://a?b=c%20d'],
    ['resources/read', '=?base64?dGVzdDovL8Ok?='],
  ]);
  await current.stop();
});
