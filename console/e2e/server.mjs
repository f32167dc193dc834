import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const READY_WITHIN_MS = 120_000;

/** The real server on a database of its own; AOS_URL and the owner's sign-in are in the environment afterwards. */
export async function startServer() {
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), 'aos-e2e-data-'));
  process.env.AOS_URL = `http://127.0.0.1:${port}`;
  process.env.AOS_OWNER_EMAIL = 'owner@example.com';
  process.env.AOS_OWNER_PASSWORD = 'a long enough password';
  const lines = [];
  const child = spawn(join(root, 'node_modules/node/bin/node'), ['backend/dist/src/main.js'], {
    cwd: root,
    env: {
      ...process.env,
      PORT: String(port),
      HOST: '127.0.0.1',
      AOS_DATA_DIR: data,
      AOS_DEMO: 'off',
      NODE_OPTIONS: '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      lines.push(String(text));
      if (lines.length > 200) lines.shift();
    });
  }
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 10_000))]);
    child.kill('SIGKILL');
    rmSync(data, { recursive: true, force: true });
  };
  const until = Date.now() + READY_WITHIN_MS;
  while (!(await isReady())) {
    if (child.exitCode !== null || Date.now() > until) {
      console.log(lines.join(''));
      console.log('The server did not start; above is what it said. Build it with: npm run build');
      console.log('0 passed, 1 failed');
      await stop();
      process.exit(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { stop };
}

async function isReady() {
  try {
    return (await fetch(`${process.env.AOS_URL}/health/ready`)).ok;
  } catch {
    return false;
  }
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
