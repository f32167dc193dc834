#!/usr/bin/env node
/** `npm run typecheck`: every project with its tests. */
import { existsSync } from 'node:fs';
import { ensureBuilt, isBuiltNow } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, step, Stop } from './lib/progress.mjs';
import { run, tailOf } from './lib/run.mjs';
import { inRoot, pinnedNode, requireNode, root, toolEntry } from './lib/workspace.mjs';

requireNode();
/** The big ones first: begun last, one of them would run on alone. */
const projects = [
  'backend/tsconfig.spec.json',
  'console/tsconfig.app.json',
  'console/tsconfig.spec.json',
  'console/tsconfig.e2e.json',
  'libs/api-client/tsconfig.json',
  'libs/contracts/tsconfig.json',
  'libs/contracts/tsconfig.spec.json',
  'console/tsconfig.worker.json',
].filter((file) => existsSync(inRoot(file)));
const AT_A_TIME = 2;

const isGood = ({ code }) => code === 0;

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt({ only: ['contracts'] });
  const failures = [];
  const waiting = [...projects];
  const lane = async () => {
    for (let project = waiting.shift(); project; project = waiting.shift())
      if (!(await check(project))) failures.push(project);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  if (failures.length > 0) throw new Stop(`type errors in ${failures.join(', ')}.`);
});

async function check(project) {
  // ngc sees the templates as well; tsc is enough elsewhere.
  const isTemplates = project === 'console/tsconfig.app.json';
  // With this very configuration, and it would not be there with an error.
  if (isTemplates && isBuiltNow('console')) {
    await step(`types ${project}`, 'checked by its build, which is of these sources', () => true);
    return true;
  }
  const compiler = isTemplates
    ? '@angular/compiler-cli/bundles/src/bin/ngc.js'
    : 'typescript/bin/tsc';
  // The console reads the contract's sources, which lie beside it and not below.
  const sources = project.startsWith('console/') ? ['--rootDir', root] : [];
  const args = [toolEntry(compiler), '--noEmit', '-p', project, ...sources];
  const what = isTemplates ? 'ngc' : 'tsc';
  const { code, output } = await step(
    `types ${project}`,
    `${what} --noEmit`,
    () => run(pinnedNode, args),
    isGood,
  );
  if (code !== 0) console.error(`\n${tailOf(output, 60)}\n`);
  return code === 0;
}
