import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { answers, freePort } from './brokers.js';
import { temporaryFolder } from './temporary-folder.js';

/** Where `npm run add:clickhouse` puts the engine. */
const engine = resolve(
  import.meta.dirname,
  '../../node_modules/.cache/clickhouse/node_modules/chdb',
);
const USER = 'aos';
export const PASSWORD = 'not-to-be-told';

export const hasClickHouse = existsSync(join(engine, 'package.json'));

/** The real engine on 127.0.0.1, that can be killed, frozen and started again on its port with what it had. */
export async function startClickHouse() {
  const port = await freePort();
  const folder = join(await temporaryFolder(), 'clickhouse');
  let child = await start(port, folder);
  return {
    url: `http://${USER}:${PASSWORD}@127.0.0.1:${port}/aos`,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    async startAgain() {
      child = await start(port, folder);
    },
  };
}

async function start(port: number, folder: string): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'clickhouse-server.mjs');
  const child = spawn(process.execPath, [program, engine, folder, String(port), USER, PASSWORD], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  let hasEnded = false;
  child.once('exit', () => (hasEnded = true));
  while (!(await answers(port))) {
    if (hasEnded) throw new Error(`the engine ended before it listened on port ${port}`);
    await new Promise((turn) => setImmediate(turn)); // its end is heard of in one
  }
  return child;
}
