#!/usr/bin/env node
/** `npm run screenshots [-- folder] [--only=…] [--looks=…]`: builds if needed, then takes the pictures. */
import { becomeNode } from './lib/become.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain } from './lib/progress.mjs';
import { inRoot, requireNode } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  becomeNode([inRoot('console/e2e/screenshots.mjs'), ...process.argv.slice(2)]);
});
