import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stop } from './progress.mjs';
import { tailOf } from './run.mjs';
import { pinnedNode, root, serverEntry } from './workspace.mjs';

const READY_WITHIN_MS = 60_000;

/** The built server on a free port, in a data folder of its own that goes when it stops. */
export async function startTestServer(env = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'aos-server-'));
  const email = 'owner@aos.test';
  const password = 'a long enough password';
  const child = spawn(pinnedNode, [serverEntry], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PORT: '0',
      HOST: '127.0.0.1',
      AOS_DATA_DIR: dataDir,
      AOS_DEMO: 'off',
      AOS_OWNER_EMAIL: email,
      AOS_OWNER_PASSWORD: password,
      NODE_ENV: 'production',
      ...env,
    },
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  const url = await new Promise((resolve, reject) => {
    const fail = (why) =>
      reject(new Stop(`the server did not start: ${why}.`, { tail: tailOf(output) }));
    const patience = setTimeout(() => fail('not ready within a minute'), READY_WITHIN_MS);
    const read = (chunk) => {
      output = (output + chunk).slice(-65_536);
      const ready = /AOS is ready at (https?:\/\/[^/\s]+)/.exec(output);
      if (!ready) return;
      clearTimeout(patience);
      resolve(ready[1]);
    };
    child.stdout.setEncoding('utf8').on('data', read);
    child.stderr.setEncoding('utf8').on('data', read);
    child.once('exit', (code, signal) => fail(`it ended with ${code ?? signal}`));
  }).catch((error) => {
    kill();
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  });
  return {
    url,
    email,
    password,
    dataDir,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      const exited = new Promise((resolve) =>
        child.once('exit', (code, by) => resolve(code ?? by)),
      );
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      const code = child.exitCode ?? child.signalCode ?? (await exited);
      process.off('exit', kill);
      rmSync(dataDir, { recursive: true, force: true });
      return code;
    },
  };
}
