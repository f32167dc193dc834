import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Stop, step } from './progress.mjs';
import { run, tailOf } from './run.mjs';
import { withSetupLock } from './setup-lock.mjs';
import { inRoot, pinnedNode } from './workspace.mjs';

const lockfile = inRoot('package-lock.json');
const stamp = inRoot('node_modules/.aos-install');

export const lockfileHash = () => createHash('sha256').update(readFileSync(lockfile)).digest('hex');

/** Installs from the lockfile unless node_modules already is what the lockfile says. */
export async function ensureInstalled() {
  if (isStamped()) return;
  await withSetupLock(async () => {
    if (isStamped() || adoptExisting()) return;
    await step('install', 'npm ci, from package-lock.json (about a minute, once)', npmCi);
    writeFileSync(stamp, lockfileHash());
  });
}

function isStamped() {
  return existsSync(pinnedNode) && read(stamp) === lockfileHash();
}

/** A folder that `npm install` brought to the same state is as good; `npm ci` would delete it first. */
function adoptExisting() {
  const installed = read(inRoot('node_modules/.package-lock.json'));
  if (!installed || !existsSync(pinnedNode)) return false;
  if (!isSameTree(JSON.parse(readFileSync(lockfile, 'utf8')), JSON.parse(installed))) return false;
  writeFileSync(stamp, lockfileHash());
  return true;
}

/** Every package of the lock is there in its version, but for optional ones, and nothing else is. */
export function isSameTree(lock, installed) {
  const wanted = Object.entries(lock.packages).filter(([path]) => path.includes('node_modules/'));
  const complete = wanted.every(([path, { version, optional, devOptional, peer, link }]) => {
    const found = installed.packages[path];
    return found ? link || found.version === version : optional || devOptional || peer;
  });
  return complete && Object.keys(installed.packages).every((path) => path in lock.packages);
}

async function npmCi() {
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // Under `npm start` this is npm's own file, and the Node it runs on: the pinned one is about to be replaced.
  const npm = process.env.npm_execpath;
  const usable = npm && /npm-cli\.[cm]?js$/.test(npm) && existsSync(npm);
  const { code, output } = usable
    ? await run(process.env.npm_node_execpath ?? process.execPath, [npm, ...args])
    : await run('npm', args, { shell: process.platform === 'win32' });
  if (code === 0 && existsSync(pinnedNode)) return;
  throw new Stop(
    code === 0 ? 'npm ci ended well, but brought no Node runtime.' : 'npm ci failed.',
    {
      tail: tailOf(output),
      hint: hintFor(output),
    },
  );
}

export function hintFor(output) {
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ERR_SOCKET_TIMEOUT/.test(output)) {
    return 'The package registry could not be reached. Check the network, or npm’s `registry` and `proxy` settings, and run the command again.';
  }
  if (/ENOSPC/.test(output)) return 'The disk is full: the installation takes about 1.3 GB.';
  if (/EACCES|EPERM|EROFS/.test(output)) {
    return 'npm may not write here. Check who owns this folder and node_modules, and run the command again.';
  }
  if (/Missing: .* from lock file|not in sync/.test(output)) {
    return 'package-lock.json does not match the package.json files. Run `node ops/scripts/mend-lockfile.mjs`, or `npm install` after a deliberate change.';
  }
  return 'Run `npm ci` here to see all of it; `rm -rf node_modules` first if it was interrupted before.';
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
