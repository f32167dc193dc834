import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inRoot, pinnedNode, root } from './workspace.mjs';

const LONGEST_SUITE_MS = 20 * 60_000;
/** Many processes of many suites load the same thousands of files: what Node has made of them is kept for the next. */
const COMPILED = inRoot('node_modules/.cache/node-compiled');

/** What a suite comes to. `pending` and `ran` hold the full names of tests that were skipped and that passed. */
export const nothing = () => ({ passed: 0, failed: 0, pending: [], ran: [] });

/** Of what runs behind another: what it leaves, and a twentieth of the cores where it leaves nothing. */
const BEHIND = 10;

/**
 * Without it V8 collects garbage over the whole heap whenever 64 MB came into being outside of it. An embedded Postgres takes
 * more than that, so the specs that open one spent a fifth to a third of their time there. A worker may hold 2 GB instead of 1.2.
 */
const FEWER_COLLECTIONS = '--external-memory-accounted-in-global-limit';

/**
 * Without the first V8 keeps all that a spec has loaded in case it is compiled again, which Jest never does in a way that V8
 * would know again: each spec left up to 45 MB. Without the second, which lets Jest collect at the end of a spec where it is
 * asked for the size of the heap, what had been let go of was counted as well. So a new worker was begun after every fourth
 * spec, and has to grow warm once more.
 */
const NOTHING_KEPT = ['--no-compilation-cache', '--expose-gc'];

/** Runs Jest in `cwd` on the pinned Node and reads its own count. */
export async function jest(cwd, { config = 'jest.config.mjs', files = [], env = {}, how } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'aos-jest-'));
  const report = join(folder, 'report.json');
  const args = [
    FEWER_COLLECTIONS,
    ...NOTHING_KEPT,
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    inRoot('node_modules/jest/bin/jest.js'),
    ...['--ci', '--logHeapUsage'],
  ];
  try {
    const code = await inherit(
      [...args, '--config', config, '--json', `--outputFile=${report}`, ...files],
      cwd,
      env,
      how,
    );
    return countJest(readJson(report), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function countJest(report, code) {
  if (!report) return { ...nothing(), failed: 1 };
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const named = (status) =>
    tests.filter((test) => test.status === status).map(({ fullName }) => fullName);
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  return {
    passed: report.numPassedTests,
    // Jest may fail with every test passed: a leak check, a broken teardown.
    failed: code === 0 ? failed : Math.max(1, failed),
    pending: [...named('pending'), ...named('todo')],
    ran: named('passed'),
  };
}

/** Runs `node --test` over the files and reads the totals from its TAP. */
export async function nodeTest(files, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'aos-node-test-'));
  const report = join(folder, 'report.tap');
  const reporters = ['spec', 'tap'].flatMap((name) => [`--test-reporter=${name}`]);
  const destinations = ['stdout', report].map((target) => `--test-reporter-destination=${target}`);
  try {
    const code = await inherit(
      ['--test', '--test-concurrency=2', ...reporters, ...destinations, ...files],
      root,
      env,
    );
    return countTap(existsSync(report) ? readFileSync(report, 'utf8') : '', code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function countTap(tap, code) {
  const total = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(tap)?.[1] ?? 0);
  const failed = total('fail') + total('cancelled');
  const pending = [...tap.matchAll(/^\s*ok \d+ - (.*) # SKIP ?(.*)$/gm)].map(([, name, why]) =>
    why ? `${name}: ${why}` : name,
  );
  return {
    passed: total('pass'),
    failed: code === 0 ? failed : Math.max(1, failed),
    pending,
    ran: [],
  };
}

/** Runs a program whose last line is `N passed, N failed`. */
export async function countedByItself(file, env = {}) {
  let tail = '';
  const onOutput = (chunk) => {
    process.stdout.write(chunk);
    tail = (tail + chunk).slice(-4096);
  };
  const code = await inherit([file], root, env, { onOutput });
  return countLastLine(tail, code);
}

export function countLastLine(output, code) {
  const [, passed = 0, failed = 0] =
    /^(\d+) passed, (\d+) failed\s*$/m.exec(output.split('\n').slice(-3).join('\n')) ?? [];
  return {
    ...nothing(),
    passed: Number(passed),
    failed: code === 0 ? Number(failed) : Math.max(1, Number(failed)),
  };
}

/** @param how `onOutput` is given what it says, instead of the terminal; `isBehind` says that it gives way to others */
function inherit(args, cwd, env, { onOutput, isBehind = false } = {}) {
  return new Promise((done) => {
    const child = spawn(pinnedNode, args, {
      cwd,
      stdio: ['ignore', onOutput ? 'pipe' : 'inherit', isBehind ? 'pipe' : 'inherit'],
      env: { ...process.env, NODE_ENV: 'test', NODE_COMPILE_CACHE: COMPILED, ...env },
    });
    if (isBehind && child.pid !== undefined) setPriority(child.pid, BEHIND);
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', onOutput);
    const stop = () => child.kill('SIGKILL');
    process.once('exit', stop);
    const patience = setTimeout(stop, LONGEST_SUITE_MS);
    const finish = (code) => {
      clearTimeout(patience);
      process.off('exit', stop);
      done(code ?? 1);
    };
    child.once('error', () => finish(1));
    child.once('close', finish);
  });
}

export function filesBelow(folder, pattern) {
  const base = inRoot(folder);
  if (!existsSync(base)) return [];
  return readdirSync(base, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !name.includes('node_modules'))
    .map((name) => join(base, name))
    .sort();
}

/** The first of these programs that this machine has. */
export function findProgram(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find((file) => existsSync(file));
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** What was skipped, without what AOS_TEST_EXCUSE names in its reason: whoever runs the tests could not bring that. */
export function unexcused(skips, excuse = process.env.AOS_TEST_EXCUSE ?? '') {
  const word = excuse.toLowerCase();
  return word === '' ? skips : skips.filter(({ why }) => !why.toLowerCase().includes(word));
}
