#!/usr/bin/env node
/** `npm start`: install if needed, build if needed, then become the server. Node built-ins only. */
import { ensureBuilt } from './lib/build.mjs';
import { becomeNode } from './lib/become.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain } from './lib/progress.mjs';
import { requireNode, serverArguments } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  becomeNode([...serverArguments(), ...process.argv.slice(2)]);
});
