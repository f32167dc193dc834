#!/usr/bin/env node
/** `npm run db:reset -- --yes`: removes the data folder, with the embedded database and all artifacts. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runMain, Stop } from './lib/progress.mjs';
import { inRoot, requireNode } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  const folder = resolve(process.env.AOS_DATA_DIR || inRoot('.aos'));
  if (process.env.DATABASE_URL)
    throw new Stop('DATABASE_URL is set. This removes embedded databases only.');
  if (!existsSync(folder)) return console.log(`${folder} is not there; nothing to do.`);
  if (!isDataFolder(folder))
    throw new Stop(`${folder} does not look like a data folder of AOS; nothing removed.`);
  if (isInUse(folder)) throw new Stop(`${folder} is in use by a running AOS. Stop it first.`);
  if (!process.argv.includes('--yes')) {
    throw new Stop(
      `this removes ${folder}: database, artifacts, master key and all that it encrypts.`,
      {
        hint: 'If that is meant: npm run db:reset -- --yes',
      },
    );
  }
  rmSync(folder, { recursive: true });
  console.log(`Removed ${folder}.`);
});

function isDataFolder(folder) {
  return ['pg', 'artifacts', 'owner-sign-in.json'].some((name) => existsSync(join(folder, name)));
}

function isInUse(folder) {
  try {
    process.kill(JSON.parse(readFileSync(join(folder, 'process.json'), 'utf8')).pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
