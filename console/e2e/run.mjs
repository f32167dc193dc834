/**
 * The console's end-to-end tests: a real Chromium against a real server with a database of its own.
 *
 *     node console/e2e/run.mjs [file…]
 *
 * CHROMIUM_PATH names the browser (default /usr/bin/chromium). AOS_URL with AOS_OWNER_EMAIL and AOS_OWNER_PASSWORD
 * runs them against a server that is up already. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const READY_WITHIN_MS = 120_000;

process.env.CHROMIUM_PATH ??= '/usr/bin/chromium';
const wanted = process.argv.slice(2);
const files = readdirSync(here)
  .filter((name) => name.endsWith('.e2e.mjs'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .map((name) => join(here, name));

if (!existsSync(process.env.CHROMIUM_PATH)) {
  console.log(
    `There is no Chromium at ${process.env.CHROMIUM_PATH}: apt-get install chromium, or set CHROMIUM_PATH.`,
  );
  console.log(`0 passed, 0 failed, ${files.length} skipped`);
  process.exit(0);
}

const server = process.env.AOS_URL ? null : await startServer();
let passed = 0;
let failed = 0;
// Two at a time, on the one server: operators do not wait for each other either.
const tests = run({ files, concurrency: 2, timeout: 120_000 });
tests.on('test:pass', ({ details }) => (passed += details.type === 'suite' ? 0 : 1));
tests.on('test:fail', ({ details }) => (failed += details.type === 'suite' ? 0 : 1));
const report = tests.compose(spec);
report.pipe(process.stdout, { end: false });
await new Promise((resolve) => report.on('end', resolve));
await server?.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

async function startServer() {
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
