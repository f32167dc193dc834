import { type IncomingHttpHeaders, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Time that goes by when a test says so, on top of what goes by anyway. Undone by `jest.restoreAllMocks`. */
export function controlledClock() {
  const [now, since] = [Date.now.bind(Date), performance.now.bind(performance)];
  let ahead = 0;
  jest.spyOn(Date, 'now').mockImplementation(() => now() + ahead);
  jest.spyOn(performance, 'now').mockImplementation(() => since() + ahead);
  return { pass: (ms: number) => void (ahead += ms) };
}

/** Time that stands still but for what a test lets go by, to the last digit. Undone by `jest.restoreAllMocks`. */
export function frozenClock() {
  let [wall, since] = [Date.now(), Math.ceil(performance.now())];
  jest.spyOn(Date, 'now').mockImplementation(() => wall);
  jest.spyOn(performance, 'now').mockImplementation(() => since);
  return {
    pass(ms: number): void {
      wall += ms;
      since += ms;
    },
  };
}

export interface ToolOfTest {
  name: string;
  description?: string;
  inputSchema?: Record<string, unknown>;
  annotations?: Record<string, unknown>;
  [more: string]: unknown;
}

interface Seen {
  method: string;
  params: Record<string, unknown>;
  headers: IncomingHttpHeaders;
}

/**
 * A tool server over HTTP that says and does what a test wants, byte for byte; without the SDK, which would
 * keep it from telling anything unsound.
 */
export async function startToolServer(tools: ToolOfTest[], port = 0) {
  const seen: Seen[] = [];
  const state = {
    tools,
    seen,
    /** Listed behind the tools, as they are. */
    unfit: [] as unknown[],
    prompts: [] as { name: string }[],
    /** Whether it speaks the revision 2026-07-28; if not, one of before. */
    isModern: false,
    /**
     * Of a call; a number is a status of HTTP, a string an address to be sent to, an Error one of the protocol, and
     * undefined the end of the connection.
     */
    onCall: (_params: Record<string, unknown>): unknown => ({
      content: [{ type: 'text', text: 'done' }],
    }),
    /** Whose requests get a 401. */
    refuses: undefined as ((headers: IncomingHttpHeaders) => boolean) | undefined,
    calls: () => seen.filter(({ method }) => method === 'tools/call').length,
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void (async () => {
        const message = JSON.parse(Buffer.concat(chunks).toString() || '{}') as {
          id?: number;
          method?: string;
          params?: Record<string, unknown>;
        };
        const { id, method = '', params = {} } = message;
        seen.push({ method, params, headers: request.headers });
        if (state.refuses?.(request.headers)) return void response.writeHead(401).end();
        if (id === undefined)
          return void response.writeHead(request.method === 'POST' ? 202 : 405).end();
        const answer = await answerTo(method, params);
        if (answer === undefined) return void request.socket.destroy();
        if (typeof answer === 'number') return void response.writeHead(answer).end();
        if (typeof answer === 'string')
          return void response.writeHead(307, { location: answer }).end();
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(answer as object) }));
      })();
    });
  });
  const capabilities = () => ({ tools: {}, ...(state.prompts.length > 0 ? { prompts: {} } : {}) });
  async function answerTo(method: string, params: Record<string, unknown>): Promise<unknown> {
    switch (method) {
      case 'server/discover':
        if (!state.isModern) return { error: { code: -32601, message: 'no such method' } };
        return {
          result: {
            ...{ supportedVersions: ['2026-07-28'], capabilities: capabilities() },
            serverInfo: { name: 'test', version: '1' },
            ...complete,
          },
        };
      case 'initialize':
        return {
          result: {
            protocolVersion: '2025-06-18',
            capabilities: capabilities(),
            serverInfo: { name: 'test', version: '1' },
          },
        };
      case 'tools/list':
        return {
          result: {
            tools: [
              ...state.tools.map((tool) => ({ inputSchema: { type: 'object' }, ...tool })),
              ...state.unfit,
            ],
            ...(state.isModern ? complete : {}),
          },
        };
      case 'tools/call': {
        const result = await state.onCall(params);
        if (result instanceof Error) return { error: { code: -32000, message: result.message } };
        return typeof result === 'object' ? { result } : result;
      }
      case 'prompts/list':
        return { result: { prompts: state.prompts, ...(state.isModern ? complete : {}) } };
      case 'ping':
        return { result: {} };
      default:
        return { error: { code: -32601, message: 'no such method' } };
    }
  }
  // Whoever calls it shares its process: when that was busy, a call would go out on a connection that is closed just then.
  server.keepAliveTimeout = 0;
  server.listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  return Object.assign(state, {
    url,
    async stop(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/** What the revision 2026-07-28 asks of an answer. */
const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };

export type ToolServerOfTest = Awaited<ReturnType<typeof startToolServer>>;
