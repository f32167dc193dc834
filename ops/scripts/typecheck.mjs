#!/usr/bin/env node
/** `npm run typecheck`: every project with its tests. */
import { existsSync } from 'node:fs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, step, Stop } from './lib/progress.mjs';
import { run, tailOf } from './lib/run.mjs';
import { inRoot, pinnedNode, requireNode, root, toolEntry } from './lib/workspace.mjs';

requireNode();
const projects = [
  'libs/contracts/tsconfig.json',
  'libs/contracts/tsconfig.spec.json',
  'libs/api-client/tsconfig.json',
  'backend/tsconfig.spec.json',
  'console/tsconfig.app.json',
  'console/tsconfig.spec.json',
  'console/tsconfig.worker.json',
  'console/tsconfig.e2e.json',
].filter((file) => existsSync(inRoot(file)));

const isGood = ({ code }) => code === 0;

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt({ only: ['contracts'] });
  const failures = [];
  for (const project of projects) {
    // ngc sees the templates as well; tsc is enough elsewhere.
    const compiler =
      project === 'console/tsconfig.app.json'
        ? '@angular/compiler-cli/bundles/src/bin/ngc.js'
        : 'typescript/bin/tsc';
    // The console reads the contract's sources, which lie beside it and not below.
    const sources = project.startsWith('console/') ? ['--rootDir', root] : [];
    const args = [toolEntry(compiler), '--noEmit', '-p', project, ...sources];
    const { code, output } = await step('types', project, () => run(pinnedNode, args), isGood);
    if (code === 0) continue;
    failures.push(project);
    console.error(`\n${tailOf(output, 60)}\n`);
  }
  if (failures.length > 0) throw new Stop(`type errors in ${failures.join(', ')}.`);
});
