import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, utimesSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { inRoot } from '../lib/workspace.mjs';
import { temporaryTree } from './temporary-tree.mjs';

/** Stands in for npm: brings a runtime and compilers that write down that they ran. */
const npm = `
  const { appendFileSync, mkdirSync, symlinkSync, writeFileSync } = require('node:fs');
  appendFileSync('calls.log', 'npm ' + process.argv[2] + '\\n');
  if (process.env.BREAK_NPM) { console.error('npm error code ENOTFOUND\\nnpm error network'); process.exit(1); }
  setTimeout(() => {
    const put = (file, text) => { mkdirSync(file.replace(/[^/]*$/, ''), { recursive: true }); writeFileSync(file, text); };
    put('node_modules/node/package.json', JSON.stringify({ version: process.versions.node }));
    mkdirSync('node_modules/node/bin', { recursive: true });
    try { symlinkSync(process.execPath, 'node_modules/node/bin/node'); } catch {}
    put('node_modules/typescript/bin/tsc', ${JSON.stringify(`
      const fs = require('node:fs');
      const folder = process.argv[3].replace('/tsconfig.json', '');
      fs.appendFileSync('calls.log', 'build ' + folder + '\\n');
      if (fs.readFileSync(folder + '/src/index.ts', 'utf8').includes('broken')) { console.error('src/index.ts(1,1): error TS1'); process.exit(2); }
      const put = (file, text) => { fs.mkdirSync(file.replace(/[^/]*$/, ''), { recursive: true }); fs.writeFileSync(file, text); };
      if (folder === 'backend') put('backend/dist/src/main.js', fs.readFileSync('server.js', 'utf8'));
      else put(folder + '/dist/index.js', '');
    `)});
    put('node_modules/@angular/cli/bin/ng.js', ${JSON.stringify(`
      const fs = require('node:fs');
      fs.appendFileSync('../calls.log', 'build console\\n');
      fs.mkdirSync('dist/browser', { recursive: true });
    `)});
  }, 400);
`;
const server = `
  let count = 0;
  const stop = (signal) => { count += 1; setTimeout(() => { console.log(signal + ' x' + count); process.exit(5); }, 300); };
  process.on('SIGTERM', stop); process.on('SIGINT', stop);
  console.log('AOS has ' + process.execArgv.join(' '));
  console.log('AOS is ready at http://127.0.0.1:1/console/ by ' + process.pid);
  if (process.env.EXIT_WITH) process.exit(Number(process.env.EXIT_WITH));
  setInterval(() => {}, 1000);
`;

let tree;
before(() => {
  tree = temporaryTree();
  tree.copy('ops/scripts/start.mjs', 'ops/scripts/lib');
  tree.write({
    'package.json': '{"type":"module"}',
    'package-lock.json': '{"packages":{}}',
    'tsconfig.base.json': '{}',
    'libs/contracts/src/index.ts': '1',
    'libs/contracts/package.json': '{"type":"commonjs"}',
    'backend/src/index.ts': '1',
    'backend/package.json': '{"type":"commonjs"}',
    'console/src/index.ts': '1',
    'stub/package.json': '{"type":"commonjs"}',
    'stub/npm-cli.js': npm,
    'server.js': server,
    'node_modules/.keep': '',
  });
});
beforeEach(() => tree.write({ 'calls.log': '' }));
after(() => tree.remove());

const calls = () => tree.read('calls.log').split('\n').filter(Boolean).sort();

function start(env = {}, nodeFlags = []) {
  const child = spawn(process.execPath, [...nodeFlags, tree.at('ops/scripts/start.mjs')], {
    cwd: tree.path,
    env: {
      PATH: process.env.PATH,
      npm_execpath: tree.at('stub/npm-cli.js'),
      npm_node_execpath: process.execPath,
      ...env,
    },
  });
  let output = '';
  const waiting = [];
  const take = (chunk) => {
    output += chunk;
    for (const wait of waiting) wait();
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  const ended = new Promise((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, output })),
  );
  const printed = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => pattern.test(output) && resolve(output);
      waiting.push(look);
      look();
      void ended.then(() => reject(new Error(`ended before ${pattern}: ${output}`)));
    });
  return { child, ended, printed };
}

test('a failing installation shows npm’s own words and what to do', async () => {
  const { code, output } = await start({ BREAK_NPM: '1' }).ended;
  assert.equal(code, 1);
  assert.match(output, /ENOTFOUND/);
  assert.match(output, /registry could not be reached/);
  assert.ok(!existsSync(tree.at('.cache/setup.lock')), 'the lock is given back');
});

test('two starts of a fresh clone install and build once', async () => {
  const both = [start({ EXIT_WITH: '3' }), start({ EXIT_WITH: '3' })];
  const ends = await Promise.all(both.map(({ ended }) => ended));
  assert.deepEqual(calls(), ['build backend', 'build console', 'build libs/contracts', 'npm ci']);
  assert.deepEqual(
    ends.map(({ code }) => code),
    [3, 3],
    'the server’s exit code is the start’s',
  );
  assert.ok(ends.some(({ output }) => /Another start/.test(output)));
});

test('a second start does nothing but start', async () => {
  const since = Date.now();
  const { output } = await start({ EXIT_WITH: '0' }).ended;
  assert.deepEqual(calls(), []);
  assert.match(output, /^AOS has/);
  assert.ok(Date.now() - since < 2_000);
});

test('what has changed is built, with what leans on it, and nothing else', async () => {
  tree.write({ 'backend/src/index.ts': '2' });
  await start({ EXIT_WITH: '0' }).ended;
  assert.deepEqual(calls(), ['build backend']);
  tree.write({ 'libs/contracts/src/index.ts': '2', 'backend/src/a.spec.ts': 'a test is no input' });
  await start({ EXIT_WITH: '0' }).ended;
  assert.deepEqual(calls(), [
    'build backend',
    'build backend',
    'build console',
    'build libs/contracts',
  ]);
});

test('the server gets the flags that keep its heap small, from a start and from the image', async () => {
  const flags = JSON.parse(readFileSync(inRoot('ops/scripts/lib/node-flags.json'), 'utf8'));
  assert.ok(flags.length > 0);
  const { output } = await start({ EXIT_WITH: '0' }).ended;
  assert.match(output, new RegExp(`^AOS has ${flags.join(' ')}$`, 'm'));
  const image = readFileSync(inRoot('ops/docker/Dockerfile'), 'utf8');
  const command = JSON.parse(/^CMD (\[.*\])$/m.exec(image)[1]);
  assert.deepEqual(command, ['node', ...flags, 'backend/dist/src/main.js']);
});

test('a file that was only touched is not built again', async () => {
  utimesSync(tree.at('backend/src/index.ts'), new Date(), new Date());
  await start({ EXIT_WITH: '0' }).ended;
  assert.deepEqual(calls(), []);
});

test('a build that fails shows the compiler’s words and leaves no stamp behind', async () => {
  tree.write({ 'backend/src/index.ts': 'broken' });
  const first = await start().ended;
  assert.equal(first.code, 1);
  assert.match(first.output, /error TS1/);
  assert.match(first.output, /backend does not build/);
  tree.write({ 'backend/src/index.ts': '2' });
  assert.equal((await start({ EXIT_WITH: '0' }).ended).code, 0);
});

test('another lockfile is installed', async () => {
  tree.write({ 'package-lock.json': '{"packages":{"node_modules/x":{"version":"1.0.0"}}}' });
  await start({ EXIT_WITH: '0' }).ended;
  assert.ok(calls().includes('npm ci'));
});

test('a lock left by a dead process is taken over', async () => {
  tree.write({
    '.cache/setup.lock': JSON.stringify({
      pid: 2 ** 22 + 1,
      host: (await import('node:os')).hostname(),
      at: 0,
    }),
  });
  tree.write({ 'backend/src/index.ts': '3' });
  assert.equal((await start({ EXIT_WITH: '0' }).ended).code, 0);
});

const withoutExecve = ['--import', 'data:text/javascript,process.execve=undefined'];
for (const [name, flags] of [
  ['where Node can replace itself', []],
  ['where Node cannot', withoutExecve],
]) {
  test(
    `a signal reaches the server once, ${name}`,
    { skip: process.platform === 'win32' },
    async () => {
      const run = start({}, flags);
      await run.printed(/is ready/);
      run.child.kill('SIGTERM');
      if (flags.length > 0) run.child.kill('SIGTERM'); // as npm hands on what the terminal has sent already
      const { code, output } = await run.ended;
      assert.equal(code, 5);
      assert.match(output, /SIGTERM x1/);
    },
  );
}

test(
  'a SIGTERM to npm itself reaches the server',
  { skip: process.platform === 'win32', timeout: 30_000 },
  async (t) => {
    const { scripts } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
    tree.write({ 'package.json': JSON.stringify({ type: 'module', scripts }) });
    const child = spawn('npm', ['start'], {
      cwd: tree.path,
      env: { PATH: process.env.PATH },
      detached: true, // a group of its own, so that a failure leaves nothing behind
    });
    t.after(() => killGroup(child.pid));
    let output = '';
    const ended = new Promise((resolve) => child.once('close', resolve));
    await new Promise((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        output += chunk;
        if (/is ready/.test(output)) resolve();
      });
      void ended.then(() => reject(new Error(`npm start ended: ${output}`)));
    });
    child.kill('SIGTERM');
    await ended; // only when the server, too, has let go of the pipes
    assert.match(output, /SIGTERM x1/);
  },
);

test('an old Node is told so in one line', async () => {
  const old = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'18.20.0'})`;
  const { code, output } = await start({}, ['--import', old]).ended;
  assert.equal(code, 1);
  assert.match(output, /^AOS needs Node 20\.19 or newer to start; this is 18\.20\.0\..*\n$/);
});

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    assert.equal(error.code, 'ESRCH'); // nothing was left
  }
}
