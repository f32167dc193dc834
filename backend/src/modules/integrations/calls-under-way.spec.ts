import { IncomingMessage, ServerResponse, request } from 'node:http';
import { Socket } from 'node:net';
import type { CallAnswer } from '@aos/contracts';
import { openTestDatabase } from '../../../test/harness.js';
import type { SignedIn } from '../../../test/http-app.js';
import { type McpApp, openMcpApp } from '../../../test/mcp-app.js';
import { IdempotencyInterceptor } from '../../platform/http/idempotency.interceptor.js';
import { CallsUnderWay } from './calls-under-way.js';
import { type ToolServerOfTest, startToolServer } from './chain/testing.js';

let app: McpApp;
let test: Awaited<ReturnType<typeof openTestDatabase>>;
let operator: SignedIn;
let server: ToolServerOfTest;
/** Ends the call that is under way at the server. */
let answer: () => void;
let stop: () => Promise<void>;

const headersOf = (more: Record<string, string>) => ({
  authorization: `Bearer ${operator.token}`,
  'content-type': 'application/json',
  ...more,
});
const body = JSON.stringify({ server: 'far', tool: 'slow', args: {} });
const post = (more: Record<string, string> = {}) =>
  fetch(`${app.baseUrl}/mcp/call`, { method: 'POST', headers: headersOf(more), body });
const rows = () =>
  test.database.query<{ status: string; error_kind: string | null }>(
    'SELECT status, error_kind FROM tool_calls ORDER BY started_at',
  );
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((turn) => setImmediate(turn));
}
const ended = () => until(async () => (await rows())[0]?.status !== 'started');

/** A client that goes while the server is at its call; resolves once its going was seen here. */
async function leave(more: Record<string, string> = {}): Promise<void> {
  const gone = new Promise<void>((seen) =>
    app.app
      .getHttpServer()
      .once('connection', (socket: Socket) => socket.once('close', () => seen())),
  );
  const options = { method: 'POST', headers: headersOf(more), agent: false };
  const client = request(`${app.baseUrl}/mcp/call`, options).end(body);
  client.once('error', () => undefined); // that it was cut, which it was by itself
  await until(() => server.calls() === 1);
  client.destroy();
  await gone;
}

describe('a call over HTTP', () => {
  beforeEach(async () => {
    test = await openTestDatabase();
    app = await openMcpApp({ database: test });
    let stopped: Promise<void> | undefined;
    stop = () => (stopped ??= app.app.close());
    operator = await app.signIn('operator');
    server = await startToolServer([{ name: 'slow' }]);
    server.onCall = () => new Promise((done) => (answer = () => done({ content: [] })));
    await app.register({ name: 'far', transport: 'http', url: server.url });
  }, 60_000);
  afterEach(async () => {
    await stop();
    await server.stop();
    await test.close();
  });

  describe('a client that goes before it has its answer', () => {
    it('takes its call along, and the server of the tool is told', async () => {
      await leave();
      await until(() => server.seen.some(({ method }) => method === 'notifications/cancelled'));
      await ended();
      expect(await rows()).toEqual([{ status: 'unknown', error_kind: 'cancelled' }]);
    });

    it('finds the answer there when it comes back with the key that it had sent', async () => {
      const key = { 'idempotency-key': 'mine' };
      await leave(key);
      app.app.get(IdempotencyInterceptor).patienceMs = 0;
      expect((await post(key)).status).toBe(409);
      answer();
      await ended();
      let again: Response;
      do again = await post(key);
      while (again.status === 409);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect((await again.json()) as CallAnswer).toMatchObject({ isError: false });
      expect(server.calls()).toBe(1);
      expect(await rows()).toEqual([{ status: 'succeeded', error_kind: null }]);
    });
  });

  it.each([{}, { 'idempotency-key': 'mine' }])(
    'a process that stops waits for no call, and says so (%j)',
    async (headers) => {
      const sent = post(headers as Record<string, string>);
      await until(() => server.calls() === 1);
      await stop();
      const refused = await sent;
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({
        code: 'unavailable',
        detail: expect.stringContaining('it may have had its effect'),
      });
      expect(await rows()).toEqual([{ status: 'unknown', error_kind: 'cancelled' }]);
    },
  );
});

describe('work of which nobody will see the result', () => {
  const response = () => new ServerResponse(new IncomingMessage(new Socket()));
  const begin = (underWay: CallsUnderWay, at: ServerResponse, outlivesClient: boolean) =>
    underWay.run(at, outlivesClient, async (signal) => signal.throwIfAborted());

  it('is not begun for a client that has gone already, unless it can come back', async () => {
    const gone = response().destroy();
    await expect(begin(new CallsUnderWay(), gone, false)).rejects.toThrow('The client has gone');
    await expect(begin(new CallsUnderWay(), gone, true)).resolves.toBeUndefined();
  });

  it('is not begun once the process stops', async () => {
    const underWay = new CallsUnderWay();
    underWay.beforeApplicationShutdown();
    for (const outlives of [true, false])
      await expect(begin(underWay, response(), outlives)).rejects.toThrow('The server is stopping');
  });
});
