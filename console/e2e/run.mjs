/**
 * The console's end-to-end tests: a real Chromium against a real server with a database of its own.
 *
 *     node console/e2e/run.mjs [file…]
 *
 * CHROMIUM_PATH names the browser (default /usr/bin/chromium). AOS_URL with AOS_OWNER_EMAIL and AOS_OWNER_PASSWORD
 * runs them against a server that is up already. The last line is `N passed, N failed`.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { startServer } from './server.mjs';

const here = dirname(fileURLToPath(import.meta.url));

process.env.CHROMIUM_PATH ??= '/usr/bin/chromium';
const wanted = process.argv.slice(2);
/** What takes longest begins first: begun last, it would run on alone. */
const longest = ['rooms.e2e.mjs', 'integrations.e2e.mjs', 'settings.e2e.mjs'];
const byLength = (a, b) => longest.includes(b) - longest.includes(a);
const files = readdirSync(here)
  .filter((name) => name.endsWith('.e2e.mjs'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort(byLength)
  .map((name) => join(here, name));
/** They change rules that hold for everybody on the server, so nothing runs beside them. */
const ofAll = ['allowed-addresses', 'models', 'second-factor', 'second-person', 'sign-in-provider'];
const isOfAll = (file) => ofAll.some((name) => file.endsWith(`${name}.e2e.mjs`));

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
// Two at a time, on the one server: operators do not wait for each other either. A third made pages move under the pointer.
await tests(
  files.filter((file) => !isOfAll(file)),
  2,
);
await tests(files.filter(isOfAll), 1);
await server?.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

async function tests(files, concurrency) {
  if (files.length === 0) return;
  const running = run({ files, concurrency, timeout: 300_000 });
  running.on('test:pass', ({ details }) => (passed += details.type === 'suite' ? 0 : 1));
  running.on('test:fail', ({ details }) => (failed += details.type === 'suite' ? 0 : 1));
  const report = running.compose(spec);
  report.pipe(process.stdout, { end: false });
  await new Promise((resolve) => report.on('end', resolve));
}
