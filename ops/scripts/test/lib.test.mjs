import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Api } from '../lib/api.mjs';
import { differences } from '../lib/api-client.mjs';
import { followTrace, parseEventStream } from '../lib/event-stream.mjs';
import { help } from '../help.mjs';
import { importers, importsOf } from '../lib/imports.mjs';
import { hintFor, isSameTree } from '../lib/install.mjs';
import { mend, platformOf } from '../mend-lockfile.mjs';
import { countJest, countLastLine, countTap, jest, unexcused } from '../lib/suites.mjs';
import { inRoot } from '../lib/workspace.mjs';
import { temporaryTree } from './temporary-tree.mjs';

test('the lockfile gets the platforms that the registry did not have', () => {
  const lock = {
    packages: {
      '': {},
      'node_modules/tool': {
        version: '1.0.0',
        dev: true,
        optionalDependencies: {
          '@tool/linux-x64-musl': '1.0.0',
          '@tool/darwin-arm64': '1.0.0',
          fsevents: '^2.3.0',
        },
      },
      'node_modules/@tool/darwin-arm64': { version: '1.0.0', optional: true },
    },
  };
  const { lock: whole, added } = mend(lock);
  assert.deepEqual(added, ['@tool/linux-x64-musl@1.0.0']);
  assert.deepEqual(whole.packages['node_modules/@tool/linux-x64-musl'], {
    version: '1.0.0',
    cpu: ['x64'],
    libc: ['musl'],
    os: ['linux'],
    dev: true,
    optional: true,
  });
  assert.deepEqual(mend(whole).added, []);
});

test('a platform is read from a package’s name', () => {
  assert.deepEqual(platformOf('@nx/nx-win32-arm64-msvc'), { cpu: ['arm64'], os: ['win32'] });
  assert.deepEqual(platformOf('@x/binding-wasm32-wasi'), { cpu: ['wasm32'] });
  assert.equal(platformOf('left-pad'), undefined);
});

test('an installed tree is taken over only when it is the lock’s', () => {
  const lock = {
    packages: {
      '': {},
      libs: {},
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '2.0.0', optional: true },
    },
  };
  const same = (packages) => isSameTree(lock, { packages });
  assert.ok(same({ 'node_modules/a': { version: '1.0.0' } }), 'an optional package may be missing');
  assert.ok(!same({ 'node_modules/a': { version: '1.0.1' } }), 'another version');
  assert.ok(!same({}), 'a missing package');
  assert.ok(
    !same({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/c': { version: '1.0.0' } }),
    'one too many',
  );
});

test('npm’s failures come with what to do', () => {
  assert.match(hintFor('npm error code ENOSPC'), /disk is full/);
  assert.match(hintFor('npm error Missing: x@1 from lock file'), /mend-lockfile/);
  assert.match(hintFor('npm error EAI_AGAIN'), /registry/);
});

test('every script has its line of help, and the other way round', () => {
  const { scripts } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  assert.deepEqual(Object.keys(help).sort(), Object.keys(scripts).sort());
});

test('entry scripts need nothing that must be installed first', () => {
  const folder = inRoot('ops/scripts');
  const files = readdirSync(folder, { recursive: true }).filter(
    (name) => name.endsWith('.mjs') && !name.startsWith('test/'),
  );
  for (const file of files) {
    const text = readFileSync(`${folder}/${file}`, 'utf8');
    for (const [, from] of text.matchAll(/^import .*?from '([^']+)'/gms))
      assert.match(from, /^(node:|\.)/, `${file}: ${from}`);
  }
});

test('event streams are parsed across chunk borders, in any line ending', async () => {
  const bytes = [
    ...new TextEncoder().encode(
      ': beat\n\nid: 7\r\ndata: {"a":\r\ndata: "é"}\r\n\r\nevent: resync\ndata: {}\n\n',
    ),
  ];
  const chunks = bytes.map((byte) => Uint8Array.of(byte));
  const messages = [];
  for await (const message of parseEventStream(chunks)) if (message.data) messages.push(message);
  assert.deepEqual(
    messages.map(({ id, event, data }) => ({ id, event, data })),
    [
      { id: '7', event: undefined, data: { a: 'é' } },
      { id: undefined, event: 'resync', data: {} },
    ],
  );
});

test('a follower reconnects with the last seq and shows every event once', async () => {
  const asked = [];
  const server = createServer((request, response) => {
    const since = Number(new URL(request.url, 'http://x').searchParams.get('since'));
    asked.push(since);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    // The first connection repeats an event and breaks in the middle of the next.
    const send = (seq) =>
      response.write(
        `id: ${seq}\ndata: ${JSON.stringify({ seq, id: `e${seq}`, type: 'task.progress.milestone' })}\n\n`,
      );
    if (asked.length === 1) {
      send(1);
      send(1);
      response.write('id: 2\ndata: {"se', () => response.destroy());
    } else for (const seq of [2, 3]) if (seq > since) send(seq);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const seen = [];
  try {
    for await (const { event } of followTrace(
      new Api(`http://127.0.0.1:${server.address().port}`),
      't',
    )) {
      if (event) seen.push(event.seq);
      if (event?.seq === 3) break;
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(asked, [0, 1]);
});

test('counts of Jest and node:test are read, also when a run broke', () => {
  const report = {
    numPassedTests: 2,
    numFailedTests: 0,
    numRuntimeErrorTestSuites: 1,
    testResults: [
      {
        assertionResults: [
          { status: 'passed', fullName: 'a' },
          { status: 'pending', fullName: 'needs bwrap' },
        ],
      },
    ],
  };
  assert.deepEqual(countJest(report, 1), {
    passed: 2,
    failed: 1,
    pending: ['needs bwrap'],
    ran: ['a'],
  });
  assert.equal(countJest(undefined, 1).failed, 1);
  assert.equal(
    countJest({ ...report, numRuntimeErrorTestSuites: 0 }, 1).failed,
    1,
    'failed without a failing test',
  );
  const tap =
    'ok 1 - a\nok 2 - b # SKIP no browser\n# pass 1\n# fail 0\n# cancelled 0\n# skipped 1\n';
  assert.deepEqual(countTap(tap, 0), { passed: 1, failed: 0, pending: ['b: no browser'], ran: [] });
});

test('a skipped test is excused by what AOS_TEST_EXCUSE names, and by nothing where it is empty', () => {
  const skips = [{ why: 'what is copied to ClickHouse is the same' }, { why: 'needs bwrap' }];
  assert.deepEqual(unexcused(skips, 'clickhouse'), [skips[1]]);
  assert.deepEqual(unexcused(skips, ''), skips);
});

test('what runs behind another gives way to it, and what it says is kept for later', async (t) => {
  const tree = temporaryTree();
  t.after(tree.remove);
  tree.write({
    'package.json': '{}',
    'jest.config.mjs': 'export default { transform: {} };',
    'one.test.js': `it('has priority ' + require('node:os').getPriority(), () => undefined);`,
  });
  let output = '';
  const how = { isBehind: true, onOutput: (chunk) => (output += chunk) };
  const { passed, failed, ran } = await jest(tree.path, { how });
  assert.deepEqual([passed, failed, ran], [1, 0, [`has priority ${10}`]]);
  assert.match(output, /^PASS .*one\.test\.js/);
});

test('Jest lets go of what a spec loaded once the next one is there', async (t) => {
  const tree = temporaryTree();
  t.after(tree.remove);
  // What is looked at lies in the world of Jest itself: an object of a spec's own would keep that one's whole.
  const spec = `
    const { runInThisContext } = require('node:vm');
    it('has few beside it', () => {
      const there = runInThisContext(\`(world) => {
        globalThis.there ??= 0;
        globalThis.gone ??= new FinalizationRegistry(() => there--);
        gone.register(world);
        return ++there;
      }\`)(globalThis);
      expect(there).toBeLessThan(4);
    });`;
  tree.write({
    'package.json': '{}',
    'jest.config.mjs': 'export default { transform: {} };',
    ...Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`${n}.test.js`, spec])),
  });
  let output = '';
  const how = { isBehind: true, onOutput: (chunk) => (output += chunk) };
  const { passed } = await jest(tree.path, { files: ['--runInBand'], how });
  assert.equal(passed, 6, output);
});

test('a runner that counts for itself is read by its last line', () => {
  assert.partialDeepStrictEqual(countLastLine('noise\n5 passed, 1 failed\n', 1), {
    passed: 5,
    failed: 1,
  });
  assert.equal(countLastLine('crashed before it could say\n', 1).failed, 1);
});

test('a stale client is named file by file', () => {
  const tree = temporaryTree();
  tree.write({
    'a/x.ts': '1\r\n',
    'a/y/z.ts': '1',
    'b/x.ts': '1\n',
    'b/y/z.ts': '2',
    'b/new.ts': '',
  });
  assert.deepEqual(differences(tree.at('a'), tree.at('b')), ['new.ts', 'y/z.ts']);
  tree.remove();
});

test('who imports a file is found by way of others too, also round a circle', (t) => {
  const tree = temporaryTree();
  t.after(tree.remove);
  tree.write({
    'harness.ts': `export const open = 1;`,
    'app.ts': `export * from './near/circle.js';\nimport { open } from './harness.js';`,
    'near/circle.ts': `import type { App } from '../app.js';`,
    'late.ts': `const { open } = await import('./app.js');`,
    'alone.ts': `import { join } from 'node:path'; import './gone.js';`,
  });
  const files = ['app.ts', 'near/circle.ts', 'late.ts', 'alone.ts'].map(tree.at);
  assert.deepEqual(importers(files, tree.at('harness.ts')), files.slice(0, 3));
  assert.deepEqual(importsOf(tree.at('app.ts')), ['near/circle.ts', 'harness.ts'].map(tree.at));
});
