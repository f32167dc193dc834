#!/usr/bin/env node
/**
 * Adds to package-lock.json the optional, platform-bound packages that npm left out.
 *
 * npm drops an optional package from the lock when the registry it asked did not have it (a mirror that
 * keeps only some platforms' binaries). `npm ci` then stops with "Missing: X from lock file", even on a
 * platform that would never install X. An entry with version, os, cpu and `optional` is all it wants.
 *
 *   node ops/scripts/mend-lockfile.mjs           mends
 *   node ops/scripts/mend-lockfile.mjs --check   only says whether it is whole (exit 1 if not)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMain } from './lib/workspace.mjs';

const OS = {
  win32: 'win32',
  darwin: 'darwin',
  linux: 'linux',
  freebsd: 'freebsd',
  android: 'android',
  openharmony: 'openharmony',
  windows: 'win32',
};
const CPU = {
  x64: 'x64',
  arm64: 'arm64',
  arm: 'arm',
  ia32: 'ia32',
  ppc64: 'ppc64',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
  wasm32: 'wasm32',
};

/** `@nx/nx-linux-arm-gnueabihf` -> { os: ['linux'], cpu: ['arm'] }; undefined when the name names no platform. */
export function platformOf(name) {
  const words = name.split('/').pop().split('-');
  const os = words.map((word) => OS[word]).find(Boolean);
  const cpu = words.map((word) => CPU[word]).find(Boolean);
  if (!cpu) return undefined;
  const libc = words.includes('musl')
    ? ['musl']
    : os === 'linux' && words.includes('gnu')
      ? ['glibc']
      : undefined;
  return { cpu: [cpu], ...(libc && { libc }), ...(os && { os: [os] }) };
}

/** Returns the lock with the missing entries, and their names. */
export function mend(lock) {
  const packages = { ...lock.packages };
  const added = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isResolvable(packages, path, name)) continue;
      const platform = platformOf(name);
      const version = /^\D*(\d+\.\d+\.\d+\S*)$/.exec(range)?.[1];
      if (!platform || !version) continue;
      packages[`node_modules/${name}`] = {
        version,
        ...platform,
        ...(entry.dev && { dev: true }),
        optional: true,
      };
      added.push(`${name}@${version}`);
    }
  }
  const sorted = Object.fromEntries(
    Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
  return { lock: { ...lock, packages: sorted }, added };
}

/** Node's own rule: look beside the importer, then beside each folder above it. */
function isResolvable(packages, importer, name) {
  for (let folder = importer; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if (packages[`${folder ? `${folder}/` : ''}node_modules/${name}`]) return true;
    if (!folder) return false;
  }
}

if (isMain(import.meta.url)) {
  const file = fileURLToPath(new URL('../../package-lock.json', import.meta.url));
  const { lock, added } = mend(JSON.parse(readFileSync(file, 'utf8')));
  if (added.length === 0) {
    console.log('package-lock.json is whole.');
  } else if (process.argv.includes('--check')) {
    console.log(
      `package-lock.json lacks ${added.join(', ')}.\nRun: node ops/scripts/mend-lockfile.mjs`,
    );
    process.exitCode = 1;
  } else {
    writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
    console.log(`Added ${added.length} entries: ${added.join(', ')}`);
  }
}
