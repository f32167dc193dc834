#!/usr/bin/env node
/** `npm run bench:console [-- measure …] [--json]`: builds if needed, then runs console/bench. */
import { becomeNode } from './lib/become.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain } from './lib/progress.mjs';
import { inRoot, requireNode } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  becomeNode([inRoot('console/bench/console.mjs'), ...process.argv.slice(2)]);
});
