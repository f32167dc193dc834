import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { measure, table } from '../lib/console-size.mjs';

/** A build in small. Every chunk is noise, which no compression makes smaller, of the size that is said here. */
const sizes = {
  'main.js': 10_000,
  'framework.js': 50_000,
  'shell.js': 5_000,
  'en.js': 3_000,
  'zh.js': 4_000,
  'chat.js': 20_000,
  'chat-page.js': 1_000,
  'detail.js': 2_000,
  'chat-en.js': 700,
  'chat-zh.js': 900,
  'editor.js': 90_000,
};
const dynamic = (path) => ({ path, kind: 'dynamic-import' });
const chunk = (entryPoint, inputs, imports = []) => ({
  entryPoint,
  inputs: Object.fromEntries(inputs.map((name) => [name, {}])),
  imports: imports.map((path) => ({ path, kind: 'import-statement' })),
});
const chat = 'src/app/features/chat';
const stats = {
  inputs: {
    'src/app/app.config.ts': {
      imports: [dynamic('src/app/i18n/en.ts'), dynamic('src/app/i18n/zh.ts')],
    },
    'src/app/app.routes.ts': {
      imports: [dynamic('src/app/shell/shell.ts'), dynamic(`${chat}/chat.routes.ts`)],
    },
    [`${chat}/chat.routes.ts`]: {
      imports: [
        dynamic(`${chat}/chat-page.ts`),
        dynamic(`${chat}/words.en.ts`),
        dynamic(`${chat}/words.zh.ts`),
      ],
    },
    [`${chat}/chat-page.ts`]: { imports: [dynamic(`${chat}/editor.ts`)] },
  },
  outputs: {
    'main.js': chunk(
      'src/main.ts',
      ['src/main.ts', 'src/app/app.config.ts', 'src/app/app.routes.ts'],
      ['framework.js'],
    ),
    'framework.js': chunk(undefined, ['framework.mjs']),
    'shell.js': chunk('src/app/shell/shell.ts', ['src/app/shell/shell.ts'], ['framework.js']),
    'en.js': chunk('src/app/i18n/en.ts', ['src/app/i18n/en.ts']),
    'zh.js': chunk('src/app/i18n/zh.ts', ['src/app/i18n/zh.ts']),
    'chat.js': chunk(`${chat}/chat.routes.ts`, [`${chat}/chat.routes.ts`], ['framework.js']),
    'chat-page.js': chunk(`${chat}/chat-page.ts`, [`${chat}/chat-page.ts`], ['detail.js']),
    'detail.js': chunk(undefined, [`${chat}/detail.ts`]),
    'chat-en.js': chunk(`${chat}/words.en.ts`, [`${chat}/words.en.ts`]),
    'chat-zh.js': chunk(`${chat}/words.zh.ts`, [`${chat}/words.zh.ts`]),
    'editor.js': chunk(`${chat}/editor.ts`, [`${chat}/editor.ts`], ['detail.js']),
  },
};
const read = (name) => randomBytes(sizes[name]);
const near = (actual, expected) =>
  assert.ok(Math.abs(actual - expected) < 300, `${actual} is not about ${expected}`);

test('initial is the entry, the frame, what both import, and the words of one language', () => {
  const { rows } = measure(stats, read);
  assert.equal(rows[0].name, 'initial');
  near(rows[0].bytes, 10_000 + 50_000 + 5_000 + 4_000);
});

test('a room is its routes, pages and words, without what is there already', () => {
  const [, room] = measure(stats, read).rows;
  assert.equal(room.name, 'chat');
  near(room.bytes, 20_000 + 1_000 + 2_000 + 900);
});

test('what a page fetches by itself is on demand, and listed with its own size', () => {
  const { onDemand } = measure(stats, read);
  assert.deepEqual(
    onDemand.map(({ name, users }) => [name, users]),
    [['features/chat/editor.ts', ['chat']]],
  );
  near(onDemand[0].bytes, 90_000);
});

test('a limit that is passed is found, for all and for a room', () => {
  const over = (limits) =>
    measure(stats, read, limits)
      .rows.filter(({ isOver }) => isOver)
      .map(({ name }) => name);
  assert.deepEqual(over({ initial: 160_000, room: 120_000 }), []);
  assert.deepEqual(over({ initial: 60_000, room: 120_000 }), ['initial']);
  assert.deepEqual(over({ initial: 160_000, room: 20_000 }), ['chat']);
  assert.match(
    table(measure(stats, read, { initial: 60_000, room: 1 })),
    /^initial .* over the limit$/m,
  );
});

test('an editor that a page imports outright makes the room heavy', () => {
  const outright = structuredClone(stats);
  outright.outputs['chat-page.js'].imports.push({ path: 'editor.js', kind: 'import-statement' });
  const [, room] = measure(outright, read, { initial: 160_000, room: 100_000 }).rows;
  assert.equal(room.isOver, true);
});
