import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { inRoot, pinnedNode } from '../lib/workspace.mjs';
import { temporaryTree } from './temporary-tree.mjs';

const depcruise = inRoot('node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
const roots = ['libs', 'backend', 'console'];
const innocent = {
  'libs/contracts/src/index.ts': `export * from './jobs.js';`,
  'libs/contracts/src/jobs.ts': `import { z } from 'zod'; export const Job = z.string();`,
  'backend/src/platform/outbox/outbox.ts': `import { Job } from '@aos/contracts'; export const append = Job;`,
  'backend/src/modules/jobs/index.ts': `export { run } from './run.js';`,
  'backend/src/modules/jobs/run.ts': `import { append } from '../../platform/outbox/outbox.js'; export const run = append;`,
  'backend/src/modules/chat/chat.ts': `import { run } from '../jobs/index.js'; export const chat = run;`,
  'console/src/app/shared/api.ts': `export const api = 1;`,
  'console/src/app/features/chat/chat.ts': `import { api } from '../../shared/api'; export const chat = api;`,
  'console/src/app/features/jobs/jobs.ts': `export const jobs = 1;`,
  // Safe at run time: one side of the circle is a type.
  'backend/src/platform/database/a.ts': `import { b } from './b.js'; export const a = b; export type A = number;`,
  // So is a package that is loaded later, or known by its types only.
  'backend/src/platform/http/later.ts': `import type * as S from '@nestjs/swagger'; export const later = async (): Promise<typeof S> => await import('@nestjs/swagger');`,
  'backend/src/platform/database/b.ts': `import type { A } from './a.js'; export const b: A = 1;`,
};

/** Rule by rule, one file that breaks it. */
const offences = {
  'no-cycles': {
    'backend/src/modules/jobs/run.ts': `import './other.js'; export const run = 1;`,
    'backend/src/modules/jobs/other.ts': `import './run.js';`,
  },
  unresolvable: { 'backend/src/modules/jobs/run.ts': `export * from './nowhere.js';` },
  'contracts-only-zod': {
    'libs/contracts/src/jobs.ts': `import { readFileSync } from 'node:fs'; export const Job = readFileSync;`,
  },
  'platform-knows-no-module': {
    'backend/src/platform/outbox/outbox.ts': `export { chat as append } from '../../modules/chat/chat.js';`,
    'backend/src/modules/chat/chat.ts': `export const chat = 1;`,
  },
  'module-by-its-index': {
    'backend/src/modules/chat/chat.ts': `export { run as chat } from '../jobs/run.js';`,
  },
  'features-apart': {
    'console/src/app/features/chat/chat.ts': `export { jobs as chat } from '../jobs/jobs';`,
  },
  'shared-knows-no-feature': {
    'console/src/app/shared/api.ts': `export { jobs as api } from '../features/jobs/jobs';`,
  },
  'rooms-apart': {
    'console/src/app/features/chat/chat.ts': `export { run as chat } from '../../../../../backend/src/modules/jobs/index.js';`,
  },
  'loaded-when-asked-for': {
    'backend/src/platform/http/later.ts': `import { ApiTags } from '@nestjs/swagger'; export const later = ApiTags;`,
  },
  'no-test-code-in-production': {
    'backend/src/modules/jobs/run.ts': `export { run } from './run.spec.js';`,
    'backend/src/modules/jobs/run.spec.ts': `export const run = 1;`,
  },
};

let tree;
before(() => {
  tree = temporaryTree();
  tree.link('node_modules');
  tree.copy('.dependency-cruiser.mjs', 'ops/scripts/tsconfig.cruise.json', 'tsconfig.base.json');
});
after(() => tree.remove());

function cruise(files) {
  for (const folder of roots) tree.removeBelow(folder);
  tree.write({ ...innocent, ...files });
  const args = [
    depcruise,
    '--config',
    '.dependency-cruiser.mjs',
    '--output-type',
    'json',
    ...roots,
  ];
  const { stdout, stderr } = spawnSync(pinnedNode, args, {
    cwd: tree.path,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  assert.ok(stdout, stderr);
  return [...new Set(JSON.parse(stdout).summary.violations.map(({ rule }) => rule.name))];
}

test('a tree that keeps to the rules passes', () => assert.deepEqual(cruise({}), []));

for (const [rule, files] of Object.entries(offences)) {
  test(`${rule}: breaking it is caught`, () => assert.deepEqual(cruise(files), [rule]));
}
