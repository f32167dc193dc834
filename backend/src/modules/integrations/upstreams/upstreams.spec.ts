import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { OpenCall } from '../call.js';
import { type GatewayParts, admin, ledgerOf, run, startGateway } from '../testing.js';

let parts: GatewayParts;
beforeAll(async () => {
  parts = await startGateway({});
});
afterAll(() => parts.stop());

const call = (
  server: string,
  tool: string,
  args: Record<string, unknown> = {},
  more: object = {},
) => parts.gateway.call(admin(), { server, tool, args, ...more });

/** A server over HTTP that the test can stop, restart and look into. */
class HttpServer {
  readonly seen: { headers: NodeJS.Dict<string | string[]>; meta: Record<string, unknown> }[] = [];
  calls = 0;
  onCall: (text: string) => Promise<string> | string = (text) => text;
  private server: Server | undefined;
  port = 0;

  constructor(private readonly era: 'current' | '2025') {}

  async start(): Promise<void> {
    const handler =
      this.era === 'current'
        ? toNodeHandler(createMcpHandler(() => this.tools()))
        : this.olderHandler();
    this.server = createServer((request, response) => {
      this.headers = request.headers;
      void handler(request, response);
    }).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((done) => this.server?.close(done));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  private headers: NodeJS.Dict<string | string[]> = {};

  private olderHandler() {
    let transport: NodeStreamableHTTPServerTransport | undefined;
    return async (
      request: Parameters<NodeStreamableHTTPServerTransport['handleRequest']>[0],
      response: Parameters<NodeStreamableHTTPServerTransport['handleRequest']>[1],
    ) => {
      if (!request.headers['mcp-session-id']) {
        transport = new NodeStreamableHTTPServerTransport({
          sessionIdGenerator: () => crypto.randomUUID(),
        });
        await this.tools().connect(transport);
      }
      if (!transport) response.writeHead(404).end();
      else await transport.handleRequest(request, response);
    };
  }

  private tools(): McpServer {
    const server = new McpServer({ name: 'http', version: '1' });
    server.registerTool(
      'echo',
      { description: 'Says it again', inputSchema: z.object({ text: z.string() }) },
      async ({ text }, ctx) => {
        this.calls++;
        this.seen.push({
          headers: this.headers,
          meta: ctx.mcpReq._meta as Record<string, unknown>,
        });
        return { content: [{ type: 'text' as const, text: await this.onCall(text) }] };
      },
    );
    server.registerTool(
      'liar',
      {
        description: 'Promises a number',
        inputSchema: z.object({}),
        outputSchema: z.object({ n: z.number() }),
      },
      () => ({ content: [], structuredContent: { n: 1 } }),
    );
    return server;
  }
}

describe.each(['current', '2025'] as const)('a server over Streamable HTTP, %s revision', (era) => {
  const http = new HttpServer(era);
  const name = `http-${era === 'current' ? 'now' : 'older'}`;
  beforeAll(async () => {
    await http.start();
    const info = await parts.register({
      name,
      transport: 'http',
      url: http.url,
      idempotentTools: ['echo'],
    });
    expect(info).toMatchObject({ tools: 2, health: { state: 'healthy' } });
  });
  afterAll(() => http.stop());

  it('is called, and told the trace and the key', async () => {
    const traceId = 'ab'.repeat(16);
    const answer = await call(
      name,
      'echo',
      { text: 'hello' },
      { run: run({ traceId }), idempotencyKey: `${name}:1` },
    );
    expect(answer.content).toEqual([{ type: 'text', text: 'hello' }]);
    expect(http.seen.at(-1)!.meta).toMatchObject({
      traceparent: expect.stringMatching(new RegExp(`^00-${traceId}-[0-9a-f]{16}-0[01]$`)),
      'aos.dev/idempotencyKey': `${name}:1`,
    });
  });

  it('is told the same key on a later attempt of the step', async () => {
    const step = run();
    http.onCall = () => {
      throw new Error('not now');
    };
    await call(name, 'echo', { text: 'a' }, { run: step, idempotencyKey: `${name}:2` });
    http.onCall = (text) => text;
    await call(
      name,
      'echo',
      { text: 'a' },
      { run: { ...step, attempt: 2 }, idempotencyKey: `${name}:2` },
    );
    expect(http.seen.slice(-2).map((each) => each.meta['aos.dev/idempotencyKey'])).toEqual([
      `${name}:2`,
      `${name}:2`,
    ]);
  });

  it('is healed by a restart without anybody seeing it', async () => {
    await call(name, 'echo', { text: 'before' });
    await http.stop();
    await http.start();
    expect((await call(name, 'echo', { text: 'after' })).content).toEqual([
      { type: 'text', text: 'after' },
    ]);
  });

  it('fails at once while it is down, and comes back', async () => {
    await http.stop();
    await expect(call(name, 'echo', { text: 'x' })).rejects.toMatchObject({
      code: 'server_unreachable',
    });
    await expect(call(name, 'echo', { text: 'x' })).rejects.toMatchObject({
      code: 'server_unreachable',
    });
    await http.start();
    await heals(() => call(name, 'echo', { text: 'back' }));
  });

  it('that is slow hits its deadline, and the other tools of AOS do not notice', async () => {
    let go: (text: string) => void = () => undefined;
    http.onCall = () => new Promise((done) => (go = done));
    const slow = call(
      name,
      'echo',
      { text: 'x' },
      { timeoutMs: 300, run: run(), idempotencyKey: `${name}:slow` },
    );
    await expect(slow).rejects.toMatchObject({ code: 'tool_timeout' });
    go('late');
    http.onCall = (text) => text;
    expect(await call(name, 'echo', { text: 'next' })).toMatchObject({ isError: false });
  });
});

describe('a server that has to be signed in to', () => {
  it('is sent the secret, and echoes of it are taken out of answers and errors', async () => {
    const http = new HttpServer('current');
    await http.start();
    await parts.secret('UPSTREAM_TOKEN', 'canary-upstream-5151');
    await parts.register({
      name: 'signed',
      transport: 'http',
      url: http.url,
      auth: { secret: 'UPSTREAM_TOKEN' },
    });
    http.onCall = () => JSON.stringify(http.seen.at(-1)!.headers);
    const answer = await call(
      'signed',
      'echo',
      { text: 'x' },
      { run: run(), idempotencyKey: 'signed' },
    );
    expect(http.seen.at(-1)!.headers['authorization']).toBe('Bearer canary-upstream-5151');
    http.onCall = () => {
      throw new Error('token canary-upstream-5151 has run out');
    };
    const failure = await call(
      'signed',
      'echo',
      { text: 'y' },
      { run: run(), idempotencyKey: 'signed-2' },
    );
    await http.stop();
    await parts.ledger.settled();
    const stored = await Promise.all(
      ['tool_calls', 'events', 'audit_logs', 'mcp_registry'].map((t) =>
        parts.database.query(`SELECT * FROM ${t}`),
      ),
    );
    expect(JSON.stringify([answer, failure, stored])).not.toContain('canary-upstream-5151');
    expect(JSON.stringify(answer)).toContain('[secret UPSTREAM_TOKEN]');
  });

  it('is refused when the secret does not exist', async () => {
    await expect(
      parts.register({
        name: 'nosecret',
        transport: 'http',
        url: 'http://127.0.0.1:1/',
        auth: { secret: 'NOPE' },
      }),
    ).rejects.toMatchObject({ code: 'unknown_secret' });
  });
});

describe('an answer', () => {
  it('that does not fit the tool’s own schema is a failure', async () => {
    const http = new HttpServer('current');
    await http.start();
    await parts.register({ name: 'lying', transport: 'http', url: http.url });
    // Since its registration the tool has changed its mind: the kept definition is what counts.
    await parts.database.query(
      `UPDATE mcp_tools SET told_hash = NULL, definition = jsonb_set(definition, '{outputSchema,properties,n,type}', '"string"')
        WHERE server = 'lying' AND name = 'liar'`,
    );
    await expect(
      call('lying', 'liar', {}, { run: run(), idempotencyKey: 'lying' }),
    ).rejects.toMatchObject({ code: 'tool_failed' });
    const row = (await ledgerOf(parts)).find((each) => each.idempotency_key === 'lying');
    expect(row).toMatchObject({ status: 'failed', error_kind: 'result_invalid' });
    await http.stop();
  });
});

describe('the unmodified filesystem server over stdio', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await realpath(parts.dataDir).then((path) => join(path, 'shared'));
    await mkdir(folder);
    await writeFile(join(folder, 'hello.txt'), 'hello from a file');
    const info = await parts.register({
      name: 'filesystem',
      transport: 'stdio',
      command: 'node',
      args: ['node_modules/@modelcontextprotocol/server-filesystem/dist/index.js', folder],
      idempotentTools: ['read_text_file'],
    });
    expect(info.health).toMatchObject({ state: 'healthy', error: null });
    expect(info.tools).toBeGreaterThan(5);
  });

  const read = () => call('filesystem', 'read_text_file', { path: join(folder, 'hello.txt') });

  it('reads a file', async () => {
    expect((await read()).content).toMatchObject([{ type: 'text', text: 'hello from a file' }]);
  });

  it('refuses paths outside its folder, as a result', async () => {
    expect(await call('filesystem', 'read_text_file', { path: '/etc/passwd' })).toMatchObject({
      isError: true,
    });
  });

  it('does not see the environment of this process', async () => {
    const pid = (await childrenOf(process.pid, 'server-filesystem'))[0]!;
    const env = await readFile(`/proc/${pid}/environ`, 'utf8');
    expect(env).toContain('PATH=');
    expect(env).not.toMatch(/NODE_OPTIONS|npm_|JEST|AOS_/);
  });

  it('is started again after kill -9', async () => {
    const [before] = await childrenOf(process.pid, 'server-filesystem');
    process.kill(before!, 'SIGKILL');
    await heals(read);
    const [after] = await childrenOf(process.pid, 'server-filesystem');
    expect(after).not.toBe(before);
  });

  it('that dies in the middle of a call leaves an open call behind', async () => {
    const [pid] = await childrenOf(process.pid, 'server-filesystem');
    process.kill(pid!, 'SIGSTOP');
    const step = run();
    const write = { run: step, idempotencyKey: 'fs:write' };
    const args = { path: join(folder, 'new.txt'), content: 'x' };
    const pending = call('filesystem', 'write_file', args, write);
    await begun('fs:write');
    process.kill(pid!, 'SIGKILL');
    await expect(pending).rejects.toMatchObject({ code: 'server_unreachable' });
    await heals(read);
    await expect(
      call('filesystem', 'write_file', args, { ...write, run: { ...step, attempt: 2 } }),
    ).rejects.toBeInstanceOf(OpenCall);
  });

  it('is ended with its connection', async () => {
    await heals(read);
    const [pid] = await childrenOf(process.pid, 'server-filesystem');
    await parts.upstreams.close('filesystem');
    expect(isAlive(pid!)).toBe(false);
  });
});

/** Calls until it works; each failure says when to come back, at most a second here. */
async function heals<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt > 2000) throw error;
      await new Promise((done) => setImmediate(done));
      await parts.database.query('SELECT 1');
    }
  }
}

async function begun(key: string): Promise<void> {
  while (!(await ledgerOf(parts)).some((row) => row.idempotency_key === key))
    await new Promise((done) => setImmediate(done));
}

async function childrenOf(pid: number, name: string): Promise<number[]> {
  const ps: ChildProcess = spawn('ps', ['-o', 'pid=,args=', '--ppid', String(pid)]);
  let text = '';
  ps.stdout!.on('data', (chunk) => (text += String(chunk)));
  await once(ps, 'close');
  return text
    .split('\n')
    .filter((line) => line.includes(name) && !line.includes('<defunct>'))
    .map((line) => Number.parseInt(line, 10));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // ESRCH is the answer looked for
  }
}
