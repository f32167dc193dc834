#!/usr/bin/env node
/** `npm run lint [-- --fix]`: mistakes (ESLint), boundaries (dependency-cruiser), layout (Prettier), lockfile. */
import { existsSync } from 'node:fs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, step, Stop } from './lib/progress.mjs';
import { run, tailOf } from './lib/run.mjs';
import { inRoot, pinnedNode, requireNode, toolEntry } from './lib/workspace.mjs';

requireNode();
const fix = process.argv.includes('--fix');
const cruised = [
  'libs/contracts/src',
  'libs/api-client/src',
  'backend/src',
  'backend/migrations',
  'console/src',
];
const checks = [
  ['eslint', 'eslint/bin/eslint.js', ['.', '--max-warnings', '0', ...(fix ? ['--fix'] : [])]],
  [
    'boundaries',
    'dependency-cruiser/bin/dependency-cruiser.mjs',
    [
      '--config',
      '.dependency-cruiser.mjs',
      '--output-type',
      'err',
      ...cruised.filter((path) => existsSync(inRoot(path))),
    ],
  ],
  [
    'prettier',
    'prettier/bin/prettier.cjs',
    [fix ? '--write' : '--check', '--log-level', 'warn', '.'],
  ],
  ['lockfile', '../ops/scripts/mend-lockfile.mjs', ['--check']],
];

const isGood = ({ code }) => code === 0;

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt({ only: ['contracts'] }); // the backend sees the contract's types through its build
  const failures = [];
  for (const [name, tool, args] of checks) {
    const env = { ...process.env, NO_COLOR: '1' };
    const work = () => run(pinnedNode, [toolEntry(tool), ...args], { env });
    const { code, output } = await step(
      name,
      args.includes('--fix') ? 'and mend' : 'check',
      work,
      isGood,
    );
    if (code === 0) continue;
    failures.push(name);
    console.error(`\n${tailOf(output, 80)}\n`);
  }
  if (failures.length > 0)
    throw new Stop(`lint: ${failures.join(', ')} found something.`, {
      hint: 'npm run lint -- --fix mends layout and what is safe.',
    });
});
