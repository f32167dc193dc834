import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { inRoot, pinnedNode } from '../lib/workspace.mjs';
import { temporaryTree } from './temporary-tree.mjs';

const offences = {
  '@typescript-eslint/no-floating-promises': `async function work() {}\nexport function go() { work(); }`,
  '@typescript-eslint/no-misused-promises': `export const f = (ask: () => Promise<boolean>) => { if (ask()) return 1; return 2; };`,
  '@typescript-eslint/switch-exhaustiveness-check': `export function f(x: 'a' | 'b') { switch (x) { case 'a': return 1; } return 0; }`,
  '@typescript-eslint/no-explicit-any': `export const f = (x: any) => String(x);`,
  '@typescript-eslint/await-thenable': `export const f = async (x: number) => { await x; };`,
  '@typescript-eslint/only-throw-error': `export const f = () => { throw 'text'; };`,
  eqeqeq: `export const f = (a: unknown) => a == 1;`,
};
const sound = `
  class Clock { now() { return Date.now(); } }
  export class Service { constructor(private readonly clock: Clock) {} now() { return this.clock.now(); } }
  export function f(x: 'a' | 'b') { switch (x) { case 'a': return 1; case 'b': return 2; } }
`;

let tree;
let found;
before(() => {
  tree = temporaryTree();
  tree.link('node_modules');
  tree.copy(
    'eslint.config.mjs',
    'tsconfig.base.json',
    'backend/tsconfig.json',
    'backend/tsconfig.spec.json',
  );
  const nameOf = (rule) => `backend/src/${rule.replace(/\W/g, '-')}.ts`;
  tree.write({ 'backend/src/sound.ts': sound });
  for (const [rule, text] of Object.entries(offences)) tree.write({ [nameOf(rule)]: text });
  const args = [inRoot('node_modules/eslint/bin/eslint.js'), '--format', 'json', 'backend'];
  const { stdout, stderr } = spawnSync(pinnedNode, args, { cwd: tree.path, encoding: 'utf8' });
  assert.ok(stdout, stderr);
  found = (name) => {
    const file = JSON.parse(stdout).find(({ filePath }) => filePath === tree.at(name));
    return file.messages.map(({ ruleId, message }) => ruleId ?? message);
  };
  found.of = (rule) => found(nameOf(rule));
});
after(() => tree.remove());

test('sound code, with a Nest-like constructor, passes', () => {
  assert.deepEqual(found('backend/src/sound.ts'), []);
});

for (const rule of Object.keys(offences)) {
  test(`${rule}: the mistake is caught`, () => assert.deepEqual(found.of(rule), [rule]));
}
