#!/usr/bin/env node
/** `npm run bench:jobs`, `bench:events`, `bench:gateway`: compiles backend/bench and runs one of it. */
import { existsSync } from 'node:fs';
import { becomeNode } from './lib/become.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, step, Stop } from './lib/progress.mjs';
import { run, tailOf } from './lib/run.mjs';
import { inRoot, pinnedNode, requireNode, toolEntry } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  const [name, ...rest] = process.argv.slice(2);
  if (!name || !existsSync(inRoot(`backend/bench/${name}.ts`))) {
    throw new Stop(`there is no benchmark "${name ?? ''}" in backend/bench.`);
  }
  await ensureInstalled();
  await ensureBuilt({ only: ['contracts'] });
  await step('build bench', 'tsc -p backend/tsconfig.bench.json', async () => {
    const args = [toolEntry('typescript/bin/tsc'), '-p', 'backend/tsconfig.bench.json'];
    const { code, output } = await run(pinnedNode, args);
    if (code !== 0) throw new Stop('the benchmarks do not compile.', { tail: tailOf(output, 40) });
  });
  process.chdir(inRoot('backend'));
  becomeNode([inRoot(`backend/dist-bench/bench/${name}.js`), ...rest]);
});
