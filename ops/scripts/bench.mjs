#!/usr/bin/env node
/** `npm run bench:jobs`, `npm run bench:events`: runs backend/bench/<name> on the built backend. */
import { existsSync } from 'node:fs';
import { becomeNode } from './lib/become.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, Stop } from './lib/progress.mjs';
import { inRoot, requireNode } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  const [name, ...rest] = process.argv.slice(2);
  const candidates = ['mjs', 'ts'].map((ending) => inRoot(`backend/bench/${name}.${ending}`));
  const file = candidates.find((candidate) => existsSync(candidate));
  if (!name || !file) throw new Stop(`there is no benchmark "${name ?? ''}" in backend/bench.`);
  await ensureInstalled();
  await ensureBuilt({ only: ['contracts', 'backend'] });
  process.chdir(inRoot('backend'));
  becomeNode([file, ...rest]);
});
