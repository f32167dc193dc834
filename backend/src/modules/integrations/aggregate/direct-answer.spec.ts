import { once } from 'node:events';
import {
  type IncomingMessage,
  type Server,
  type ServerResponse,
  createServer,
  get,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { DirectAnswer } from './direct-answer.js';

let server: Server;
let onRequest: (response: ServerResponse) => void;
beforeAll(async () => {
  server = createServer((_request, response) => onRequest(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());
afterEach(() => jest.useRealTimers());

/** The answer as the server begins it, and as the client reads it. */
async function begin() {
  let streams = 0;
  let response!: ServerResponse;
  const begun = new Promise<DirectAnswer>((done) => {
    onRequest = (given) => {
      response = given;
      done(new DirectAnswer(response, { 'x-own': 'kept' }, () => streams++));
    };
  });
  const { port } = server.address() as AddressInfo;
  const asked = get({ port, agent: false }); // it asks for the connection to be closed
  const read = once(asked, 'response').then(async ([given]) => {
    const { headers } = given as IncomingMessage;
    return {
      type: headers['content-type'],
      own: headers['x-own'],
      connection: headers.connection,
      text: await text(given as IncomingMessage),
    };
  });
  return { answer: await begun, read, streams: () => streams, response: () => response };
}

const result = { jsonrpc: '2.0' as const, id: 1, result: { content: [] } };
const note = { jsonrpc: '2.0' as const, method: 'notifications/message', params: { n: 1 } };
const eventOf = (message: object) => `event: message\ndata: ${JSON.stringify(message)}\n\n`;

it('is JSON when the result is all there is to say', async () => {
  const { answer, read, streams } = await begin();
  answer.end(result);
  const { type, own, text } = await read;
  expect([type, own, JSON.parse(text), streams()]).toEqual(['application/json', 'kept', result, 0]);
});

it('is a stream when something comes before the result', async () => {
  const { answer, read, streams } = await begin();
  answer.tell(note);
  answer.end(result);
  const { type, own, text, connection } = await read;
  expect([type, own, streams()]).toEqual(['text/event-stream', 'kept', 1]);
  expect(connection).toBe('close');
  expect(text).toBe(eventOf(note) + eventOf(result));
});

it('shows that it is still there when nothing comes for a while', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  const { answer, read, streams } = await begin();
  jest.advanceTimersByTime(4_999);
  expect(streams()).toBe(0);
  jest.advanceTimersByTime(1);
  expect(streams()).toBe(1);
  jest.advanceTimersByTime(15_000);
  answer.end(result);
  const { type, text } = await read;
  expect(type).toBe('text/event-stream');
  expect(text).toBe(`: keepalive\n\n: keepalive\n\n${eventOf(result)}`);
});

it('is cut when there will be none', async () => {
  const { answer, read } = await begin();
  answer.cut();
  await expect(read).rejects.toThrow();
});

describe('is not kept awake any more', () => {
  beforeEach(() =>
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'],
    }),
  );

  it.each<[string, (answer: DirectAnswer) => void]>([
    ['has been given', (answer) => answer.end(result)],
    ['is left to somebody else', (answer) => answer.giveUp()],
    ['will not come', (answer) => answer.cut()],
  ])('once it %s', async (_, settle) => {
    const { answer, read, response } = await begin();
    const timers = jest.getTimerCount();
    settle(answer);
    expect(jest.getTimerCount()).toBe(timers - 1);
    response().destroy();
    await read.catch(() => undefined); // it was cut
  });

  it('once its client has gone', async () => {
    const { read, response } = await begin();
    const timers = jest.getTimerCount();
    response().destroy();
    await once(response(), 'close');
    expect(jest.getTimerCount()).toBeLessThan(timers);
    await read.catch(() => undefined); // it was cut
  });
});
