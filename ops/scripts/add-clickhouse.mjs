#!/usr/bin/env node
/**
 * Brings ClickHouse's engine (chdb, some 550 MB) for the tests of CLICKHOUSE_URL. It stands apart from what package-lock.json
 * names, so that neither `npm start` nor `npm test` downloads it; `npm ci` takes it away again.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, tailOf } from './lib/run.mjs';
import { runMain, Stop } from './lib/progress.mjs';
import { inRoot } from './lib/workspace.mjs';

const VERSION = '3.4.0';
const folder = inRoot('node_modules/.cache/clickhouse');
const manifest = join(folder, 'node_modules/chdb/package.json');

await runMain(async () => {
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === VERSION) {
    console.log(`chdb ${VERSION} is here.`);
    return;
  }
  mkdirSync(folder, { recursive: true });
  // Its own project, or npm would put the package into the one above.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--prefix', folder, '--no-save', '--no-package-lock'];
  const { code, output } = await run(
    'npm',
    [...args, '--no-audit', '--no-fund', '--loglevel=error', `chdb@${VERSION}`],
    { cwd: folder, shell: process.platform === 'win32' },
  );
  if (code !== 0) throw new Stop('chdb could not be installed.', { tail: tailOf(output) });
  console.log(`chdb ${VERSION} is in ${folder}.`);
});
