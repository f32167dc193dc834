/** Where things are. Node built-ins only: every entry script stands on this before anything is installed. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url)).replace(/[\\/]$/, '');

/** The runtime that the repository brings along (npm package `node`). */
export const pinnedNode = join(
  root,
  'node_modules/node/bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);

/**
 * How the server is started. Left to itself V8 lets the heap grow by what the machine has, not by what is in use: after
 * 30,000 tool calls its process held 590 MB, with these flags 270. It collects more often for that: a call costs a tenth
 * more CPU. Still less memory (16 and 30: 210 MB) costs a quarter more.
 */
export const serverArguments = () => [
  ...JSON.parse(readFileSync(inRoot('ops/scripts/lib/node-flags.json'), 'utf8')),
  inRoot('backend/dist/src/main.js'),
];

export const inRoot = (...parts) => join(root, ...parts);

/** A tool's JavaScript entry, to be run on the pinned Node rather than by its shebang. */
export function toolEntry(path) {
  const file = inRoot('node_modules', path);
  return existsSync(file) ? file : undefined;
}

/** True in the file that node was asked to run, false where it is imported. */
export function isMain(url) {
  return Boolean(process.argv[1]) && realpathSync(process.argv[1]) === fileURLToPath(url);
}

const OLDEST = [20, 19];

/** Stops with one clear line on a Node that cannot run the installer. Must itself parse on very old ones. */
export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  console.error(
    `AOS needs Node ${OLDEST.join('.')} or newer to start; this is ${version}. ` +
      'Install a current release from https://nodejs.org/ and run the command again.',
  );
  process.exit(1);
}
