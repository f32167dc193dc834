import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type Server, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { McpServerInfo } from '@aos/contracts';
import { IntegrationsModule } from '../src/modules/integrations/index.js';
import { type HttpApp, type SignedIn, openHttpApp } from './http-app.js';

const fixtures = join(import.meta.dirname, 'fixtures');

/** The gateway over a database of its own, with the servers that a test registers. */
export interface McpApp extends HttpApp {
  mcpUrl: string;
  admin: SignedIn;
  register(body: Record<string, unknown>): Promise<McpServerInfo>;
  /** The project's own fixture over a pipe, started by the gateway. */
  registerOverStdio(name: string, options?: FixtureOptions): Promise<McpServerInfo>;
}

export interface FixtureOptions {
  era?: 'older' | 'both';
  prefix?: boolean;
  args?: string[];
}

export async function openMcpApp(options: Parameters<typeof openHttpApp>[0] = {}): Promise<McpApp> {
  const imports = [IntegrationsModule, ...(options.imports ?? [])];
  const app = await openHttpApp({ ...options, imports });
  const admin = await app.signIn('admin');
  const register = async (body: Record<string, unknown>) => {
    const answer = await app.call<McpServerInfo>('/mcp/registry', {
      method: 'POST',
      as: admin,
      body,
    });
    if (answer.status !== 201) throw new Error(`not registered: ${answer.text}`);
    return answer.body;
  };
  return Object.assign(app, {
    mcpUrl: `${app.baseUrl}/mcp`,
    admin,
    register,
    async registerOverStdio(name: string, { era, prefix, args = [] }: FixtureOptions = {}) {
      // Only scripts in this folder are started; that one imports the fixture.
      const folder = join(app.environment.dataDir, 'mcp-servers');
      await mkdir(folder, { recursive: true });
      const script = join(folder, 'fixture.mjs');
      const target = join(fixtures, 'conformance-server.mjs');
      await writeFile(script, `import ${JSON.stringify(target)};\n`);
      return register({
        name,
        transport: 'stdio',
        command: 'node',
        args: [script, '--era', era ?? 'both', ...args],
        ...(prefix === undefined ? {} : { prefix }),
      });
    },
  });
}

/** The fixture as a process of its own over Streamable HTTP. */
export class HttpFixture {
  private child: ChildProcess | undefined;
  url = '';

  constructor(private readonly args: string[] = []) {}

  async start(port = 0): Promise<this> {
    const child = spawn(
      process.execPath,
      [join(fixtures, 'conformance-server.mjs'), '--http', String(port), ...this.args],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] } },
    );
    this.child = child;
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    this.url = line.split(' ')[1] ?? '';
    return this;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  async stop(): Promise<void> {
    if (!this.child || this.child.exitCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

/**
 * Signs requests in on their way, and leaves all else as it is: for programs that cannot send a token. It
 * listens before the application does, since the application has to know under which name it is called.
 */
export class SigningProxy {
  private constructor(private readonly server: Server) {}
  target: { port: number; token: string } | undefined;

  static async listen(): Promise<SigningProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new SigningProxy(server);
    server.on('request', (incoming, outgoing) => {
      const { port, token } = proxy.target!;
      const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
      const onward = httpRequest(
        { host: '127.0.0.1', port, path: incoming.url, method: incoming.method, headers },
        (answer) => {
          outgoing.writeHead(answer.statusCode!, answer.headers);
          outgoing.flushHeaders();
          answer.pipe(outgoing);
        },
      );
      onward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onward.destroy());
      incoming.pipe(onward);
    });
    return proxy;
  }

  get origin(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
