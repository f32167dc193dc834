import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { admin } from '../testing.js';
import { dialOf } from './dial.js';
import type { UpstreamRequest } from './upstream.js';
import { WarmClient } from './warm-client.js';

interface Message {
  id?: number;
  method?: string;
  params?: { _meta?: { progressToken?: number } };
}

/** A server of the oldest revision, by hand. */
let server: Server;
let streams: ServerResponse[];
let greeted: number;
let hasEndpoint: boolean;
let onCall: (call: Message, stream: ServerResponse) => void;
let upstream: WarmClient;
let dial: ReturnType<typeof dialOf>;

beforeEach(async () => {
  [streams, greeted, hasEndpoint] = [[], 0, true];
  server = createServer((request, response) => void receive(request, response)).listen(0);
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`;
  const route = { name: 'x', transport: 'sse' as const, command: null, args: [], authSecret: null };
  dial = dialOf({ ...route, url }, { dataDir: '' } as never, () => Promise.resolve(''));
  upstream = new WarmClient({ server: 'x', dial });
});
afterEach(async () => {
  await upstream.close();
  server.closeAllConnections();
  server.close();
});

async function receive(
  request: AsyncIterable<unknown> & { method?: string; url?: string },
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    const at = streams.push(response) - 1;
    if (hasEndpoint) response.write(`event: endpoint\ndata: /message?stream=${at}\n\n`);
    server.emit('stream');
    return;
  }
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const message = JSON.parse(text) as Message;
  response.writeHead(202).end();
  const stream = streams[Number(request.url!.split('=')[1])]!;
  const { id, method } = message;
  if (method === 'initialize') {
    greeted++;
    const result = { protocolVersion: '2024-11-05', capabilities: { tools: {} } };
    say(stream, { id, result: { ...result, serverInfo: { name: 'x', version: '1' } } });
  }
  if (method === 'tools/call') onCall(message, stream);
}

const event = (message: object) =>
  `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;
const say = (stream: ServerResponse, ...messages: object[]) =>
  void stream.write(messages.map(event).join(''));
const done = ({ id }: Message) => ({ id, result: { content: [{ type: 'text', text: 'done' }] } });

const call = (more: Partial<UpstreamRequest> = {}) =>
  upstream.call({
    definition: { name: 'it', inputSchema: { type: 'object' } },
    args: {},
    meta: {},
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    mayRepeat: false,
    caller: { ctx: admin(), run: undefined, idempotencyKey: 'k', timeoutMs: 20_000 },
    ...more,
  } as UpstreamRequest);

it('is lost with its stream: a call fails at once, and the next one is made over one that was greeted', async () => {
  onCall = (_, stream) => stream.destroy();
  await expect(call()).rejects.toMatchObject({ kind: 'connection_lost', mayHaveHappened: true });
  onCall = (message, stream) => say(stream, done(message));
  await expect(call()).resolves.toMatchObject({ content: [{ text: 'done' }] });
  expect([streams.length, greeted]).toEqual([2, 2]);
});

it('that never says where to send to is given up', async () => {
  hasEndpoint = false;
  const patience = new AbortController();
  const dialled = dial(patience.signal, () => undefined);
  await once(server, 'stream');
  patience.abort();
  await expect(dialled).rejects.toThrow('could not be connected in time');
});

it('tells of progress also where it comes in one piece with the answer', async () => {
  onCall = (message, stream) =>
    say(
      stream,
      ...[1, 2, 3].map((progress) => ({
        method: 'notifications/progress',
        params: { progressToken: message.params?._meta?.progressToken, progress, total: 3 },
      })),
      done(message),
    );
  const heard: number[] = [];
  await call({ onProgress: (fraction) => void heard.push(Math.round(fraction * 3)) });
  expect(heard).toEqual([1, 2, 3]);
});

it('reads what is said in lines that end with CR alone, at once', async () => {
  onCall = (message, stream) => void stream.write(event(done(message)).replaceAll('\n', '\r'));
  await expect(call()).resolves.toMatchObject({ content: [{ text: 'done' }] });
});
