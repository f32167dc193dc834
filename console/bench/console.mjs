/**
 * `npm run bench:console [-- first-view|list|trace|card|flood …] [--json]`: what an operator feels, in a real
 * Chromium against the real server on an embedded database that holds 100,000 runs.
 *
 * Prints each figure beside its aim; the exit code is 1 when one is missed.
 */
import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { commitToCard, firstView, flood, listOfRuns, waterfall } from './measures.mjs';
import { watchPage } from './page-watch.mjs';

const measures = {
  'first-view': firstView,
  list: listOfRuns,
  trace: waterfall,
  card: commitToCard,
  flood,
};
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, seconds: { type: 'string' } },
});
const wanted = positionals.length > 0 ? positionals : Object.keys(measures);
const unknown = wanted.filter((name) => !(name in measures));
if (unknown.length > 0) {
  console.error(
    `There is no ${unknown.join(', ')}; there are ${Object.keys(measures).join(', ')}.`,
  );
  process.exit(1);
}
const owner = { email: 'owner@example.com', password: 'a long enough password' };
const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
if (!existsSync(executablePath)) {
  console.error(
    `There is no Chromium at ${executablePath}: apt-get install chromium, or set CHROMIUM_PATH.`,
  );
  process.exit(1);
}

const dataDir = mkdtempSync(join(tmpdir(), 'aos-bench-console-'));
const server = fork(new URL('server.mjs', import.meta.url).pathname, {
  env: {
    ...process.env,
    PORT: '0',
    AOS_DATA_DIR: dataDir,
    AOS_DEMO: 'off',
    AOS_OWNER_EMAIL: owner.email,
    AOS_OWNER_PASSWORD: owner.password,
  },
});
const ended = new Promise((_, reject) =>
  server.once('exit', (code) => reject(new Error(`the server ended with ${code}`))),
);
ended.catch(() => undefined); // told by whoever waits for an answer
const answer = () =>
  Promise.race([
    ended,
    new Promise((resolve, reject) => {
      server.once('message', (message) =>
        message.error ? reject(new Error(message.error)) : resolve(message),
      );
    }),
  ]);
const order = (what) => {
  const answered = answer();
  server.send(what);
  return answered;
};

let browser;
try {
  const { port } = await answer();
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  const baseURL = `http://127.0.0.1:${port}`;
  const signedIn = await browser.newContext({ baseURL });
  await signedIn.request.post('/auth/login', { data: owner, headers: { origin: baseURL } });
  const storageState = await signedIn.storageState();
  const open = async () => {
    const context = await browser.newContext({
      baseURL,
      storageState,
      viewport: { width: 1440, height: 900 },
    });
    const page = await context.newPage();
    await page.addInitScript(watchPage);
    return { page, close: () => context.close() };
  };
  const devtools = (page) => page.context().newCDPSession(page);
  const results = [];
  for (const name of wanted) {
    const seconds = flags.seconds && Number(flags.seconds);
    for (const result of await measures[name]({
      open,
      order,
      devtools,
      ...(seconds && { seconds }),
    })) {
      results.push(result);
      if (!flags.json) console.log(line(result));
    }
  }
  if (flags.json) console.log(JSON.stringify(results, null, 2));
  process.exitCode = results.every(({ isMet }) => isMet) ? 0 : 1;
} finally {
  await browser?.close();
  if (server.connected) await order({ op: 'stop' }).catch(() => undefined);
  server.kill();
  rmSync(dataDir, { recursive: true, force: true });
}

function line({ what, value, unit, aim, isMet, ...more }) {
  const details = Object.entries(more).map(
    ([name, figure]) => `${name} ${[figure].flat().join('/')}`,
  );
  const mark = isMet ? 'met   ' : 'missed';
  return `${mark} ${what.padEnd(56)} ${`${value} ${unit}`.padStart(10)}  (aim ${aim} ${unit}; ${details.join(', ')})`;
}
