import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';

export type BrokerKind = 'nats' | 'redis';

const programs: Record<BrokerKind, { name: string; args: (port: number) => string[] }> = {
  nats: { name: 'nats-server', args: (port) => ['-a', '127.0.0.1', '-p', String(port)] },
  redis: {
    name: 'redis-server',
    args: (port) => [
      '--bind',
      '127.0.0.1',
      '--port',
      String(port),
      '--save',
      '',
      '--appendonly',
      'no',
    ],
  },
};

/** Whether this machine can run one. */
export const hasBroker = (kind: BrokerKind): boolean =>
  ['/usr/sbin', '/usr/local/sbin', ...(process.env['PATH'] ?? '').split(delimiter)].some((folder) =>
    isExecutable(join(folder, programs[kind].name)),
  );

/** A real one on 127.0.0.1, that can be stopped, frozen and started again on its port. */
export async function startBroker(kind: BrokerKind) {
  const port = await freePort();
  let child = await start(kind, port);
  return {
    url: `${kind}://127.0.0.1:${port}`,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    port,
    async startAgain() {
      child = await start(kind, port);
    },
  };
}

async function start(kind: BrokerKind, port: number): Promise<ChildProcess> {
  const { name, args } = programs[kind];
  const PATH = ['/usr/sbin', '/usr/local/sbin', process.env['PATH']].join(delimiter);
  const child = spawn(name, args(port), { stdio: 'ignore', env: { PATH } });
  process.once('exit', () => child.kill('SIGKILL'));
  let hasEnded = false;
  child.once('exit', () => (hasEnded = true));
  while (!(await answers(port))) {
    if (hasEnded) throw new Error(`${name} ended before it listened on port ${port}`);
    await new Promise((turn) => setImmediate(turn)); // its end is heard of in one
  }
  return child;
}

export const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
