#!/usr/bin/env node
/** `npm run build [-- contracts|backend|console …] [--force]`: builds what has changed. */
import { ensureBuilt, projects } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, Stop } from './lib/progress.mjs';
import { requireNode } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  const names = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
  const known = projects.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Stop(`There is no project ${unknown.join(', ')}; there are ${known.join(', ')}.`);
  await ensureInstalled();
  await ensureBuilt({
    force: process.argv.includes('--force'),
    ...(names.length > 0 && { only: known.filter((name) => needs(name, names)) }),
  });
});

function needs(name, names) {
  return (
    names.includes(name) || projects.some((p) => names.includes(p.name) && p.after.includes(name))
  );
}
