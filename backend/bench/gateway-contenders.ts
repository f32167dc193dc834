import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import type { NativePostgres } from '../test/native-postgres.js';
import type { Door } from './gateway-protocol.js';

/** Something that calls can be sent to. */
export interface Contender {
  door: Door;
  pid: number;
  stop(): Promise<void>;
}

const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const besides = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const running = new Set<ChildProcess>();
const lastWords = new WeakMap<ChildProcess, string>();

/** Whatever still runs goes with this process. */
export function killAll(): void {
  for (const child of running) end(child, 'SIGKILL');
}

/** With all that it started: a group of its own. */
function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export async function startEverything(): Promise<Contender> {
  const port = await freePort();
  const child = node([everything, 'streamableHttp'], { PORT: String(port) });
  return contender(child, port, { tool: 'echo' });
}

export async function startStub(): Promise<Contender> {
  const port = await freePort();
  return contender(node([besides('gateway-stub.js')], { PORT: String(port) }), port, {
    tool: 'echo',
  });
}

/** As a reverse proxy with kept connections, which hands events on as they come. */
export async function startNginx(upstream: Door): Promise<Contender> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const { host } = new URL(upstream.url);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  const config = join(folder, 'nginx.conf');
  await writeFile(
    config,
    `${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off; worker_processes auto; pid ${join(folder, 'pid')}; error_log stderr error;
    events { worker_connections 2048; }
    http {
      access_log off; keepalive_requests 1000000; ${temporary.join(' ')}
      upstream tools { server ${host}; keepalive 128; keepalive_requests 1000000; }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://tools; proxy_http_version 1.1; proxy_set_header Connection "";
          proxy_set_header Host ${host}; proxy_buffering off; proxy_read_timeout 1h;
        }
      }
    }`,
  );
  const child = start('nginx', ['-c', config, '-p', folder], process.env);
  return contender(child, port, { tool: upstream.tool });
}

/** They start the server themselves and speak to it over its pipes: they take no other kind. */
export async function startMcpProxy(script: string): Promise<Contender> {
  const port = await freePort();
  const how = ['--host', '127.0.0.1', '--port', String(port), '--server', 'stream'];
  const child = node([script, ...how, '--', process.execPath, everything, 'stdio']);
  return contender(child, port, { tool: 'echo' });
}

export async function startSupergateway(script: string): Promise<Contender> {
  const port = await freePort();
  const server = `${process.execPath} ${everything} stdio`;
  const how = ['--outputTransport', 'streamableHttp', '--stateful', '--logLevel', 'none'];
  const child = node([script, '--stdio', server, ...how, '--port', String(port)]);
  return contender(child, port, { tool: 'echo' });
}

/** Its own endpoint is of the older kind, with one stream of events for each client. */
export async function startMcpHub(script: string, upstream: Door): Promise<Contender> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const config = join(folder, 'servers.json');
  await writeFile(config, JSON.stringify({ mcpServers: { everything: { url: upstream.url } } }));
  const home = { HOME: folder, XDG_STATE_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = node([script, '--port', String(port), '--config', config], home);
  const made = await contender(child, port, { tool: 'everything__echo', isSse: true });
  await until(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/health`);
    return ((await answer.json()) as { state: string }).state === 'ready';
  }, 'mcp-hub');
  return made;
}

/** What stands behind AOS: an address, or the server over a pipe. */
export type Behind = { url: string } | 'everything over a pipe';

/** One process with all roles, as `npm start` runs it, on a database of its own: the whole chain, ledger and audit. */
export async function startAos(
  postgres: NativePostgres,
  name: string,
  behind: Behind,
): Promise<Contender> {
  const admin = new pg.Client(postgres.url);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const folder = await temporaryFolder();
  const port = await freePort();
  const owner = { email: 'owner@bench.test', password: randomBytes(16).toString('hex') };
  const profile = process.env['BENCH_PROFILE'] ? ['--cpu-prof', '--cpu-prof-dir', tmpdir()] : [];
  const flags = JSON.parse(
    await readFile(besides('../../../ops/scripts/lib/node-flags.json'), 'utf8'),
  ) as string[];
  const child = node([...flags, ...profile, besides('gateway-aos.js')], {
    PORT: String(port),
    HOST: '127.0.0.1',
    AOS_DATA_DIR: folder,
    DATABASE_URL: postgres.urlOf(name),
    AOS_OWNER_EMAIL: owner.email,
    AOS_OWNER_PASSWORD: owner.password,
    AOS_DEMO: 'off',
    AOS_LOG_LEVEL: 'warn',
  });
  const made = await contender(child, port, { tool: `${name}__echo` });
  const base = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${base}/health/ready`)).ok, 'AOS');
  const { accessToken } = await post<{ accessToken: string }>(`${base}/auth/login`, owner);
  const headers = { authorization: `Bearer ${accessToken}` };
  await post(`${base}/mcp/registry`, { name, ...(await registrationOf(behind, folder)) }, headers);
  return { ...made, door: { ...made.door, headers } };
}

/** Only scripts in the folder meant for them are started; that one imports the server. */
async function registrationOf(behind: Behind, folder: string): Promise<object> {
  if (behind !== 'everything over a pipe') return { transport: 'http', url: behind.url };
  const scripts = join(folder, 'mcp-servers');
  await mkdir(scripts, { recursive: true });
  const script = join(scripts, 'everything.mjs');
  await writeFile(script, `import ${JSON.stringify(pathToFileURL(everything).href)};\n`);
  return { transport: 'stdio', command: 'node', args: [script, 'stdio'] };
}

/** The first of that name on PATH can be started. */
export const isOnPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

async function post<T>(url: string, body: object, headers: object = {}): Promise<T> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

function node(args: string[], env: Record<string, string> = {}): ChildProcess {
  const preload = pathToFileURL(besides('gateway-loopback.js')).href;
  const { PATH = '', HOME = '' } = process.env;
  return start(process.execPath, ['--import', preload, ...args], { PATH, HOME, ...env });
}

function start(command: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(command, args, {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  // Some say much when they are stopped; it is told when one cannot be started.
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    lastWords.set(child, ((lastWords.get(child) ?? '') + text).slice(-2000));
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

async function contender(
  child: ChildProcess,
  port: number,
  door: Omit<Door, 'url'>,
): Promise<Contender> {
  const failed = new Promise<never>((_, fail) => {
    child.once('error', fail);
    child.once('exit', (code) =>
      fail(new Error(`${child.spawnargs.join(' ')} ended with ${code}: ${lastWords.get(child)}`)),
    );
  });
  failed.catch(() => undefined); // told to who waits for the start; later it is the callers who notice
  const listens = until(async () => {
    await fetch(`http://127.0.0.1:${port}/`);
    return true;
  }, child.spawnargs.join(' '));
  await Promise.race([listens, failed]);
  return {
    door: { ...door, url: `http://127.0.0.1:${port}/mcp` },
    pid: child.pid!,
    stop: () =>
      new Promise((done) => {
        if (child.exitCode !== null || child.signalCode !== null) return done();
        const late = setTimeout(() => end(child, 'SIGKILL'), 15_000);
        child.once('exit', () => {
          clearTimeout(late);
          done();
        });
        end(child, 'SIGTERM');
      }),
  };
}

const PATIENCE_MS = 60_000;

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error(`${what} was not ready within ${PATIENCE_MS / 1000} s`, { cause: last });
}

const folders: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aos-bench-gateway-'));
  folders.push(folder);
  return folder;
}

export async function removeFolders(): Promise<void> {
  for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
