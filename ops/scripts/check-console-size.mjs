#!/usr/bin/env node
/** `npm run check:console-size [-- --json]`: fails when a room of the console, or what all need, has grown too heavy. */
import { readFileSync } from 'node:fs';
import { ensureBuilt } from './lib/build.mjs';
import { kilobytes, measure, table } from './lib/console-size.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, Stop } from './lib/progress.mjs';
import { inRoot, requireNode } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt({ only: ['contracts', 'console'] });
  const stats = JSON.parse(readFileSync(inRoot('console/dist/browser-stats.json'), 'utf8'));
  const sizes = measure(stats, (name) => readFileSync(inRoot('console/dist/browser', name)));
  console.log(process.argv.includes('--json') ? JSON.stringify(sizes) : table(sizes));
  const over = sizes.rows.filter(({ isOver }) => isOver);
  if (over.length === 0) return;
  const named = over.map(({ name, bytes, limit }) => `${name} by ${kilobytes(bytes - limit)}`);
  throw new Stop(`the console is over its limits: ${named.join(', ')}.`, {
    hint: 'What a page shows only sometimes belongs in a @defer block or a dynamic import.',
  });
});
