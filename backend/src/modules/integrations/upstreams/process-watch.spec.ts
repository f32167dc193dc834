import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from '../../../../test/temporary-folder.js';
import { spawnSource } from '../../../../test/source-child.js';
import { StdioProcess } from './stdio-process.js';

let folder: string;
let owners: ChildProcess[];
beforeEach(async () => {
  folder = await temporaryFolder();
  owners = [];
  // Heeds nothing, and yet does not outlive a test that goes wrong by more than a minute.
  await writeFile(
    join(folder, 'deaf.cjs'),
    `process.on('SIGTERM', () => {}); setTimeout(() => process.exit(), 60_000); console.log('deaf');`,
  );
});
afterEach(() => {
  for (const owner of owners) owner.kill('SIGKILL');
});

interface Owner<T> {
  process: ChildProcess;
  said: T;
  /** Resolves once it has done all that was to do when it was asked. */
  hasCaughtUp(): Promise<unknown>;
}

/** A process that runs `code`, in a group of its own, and the line of JSON that it says when it is ready. */
async function owner<T>(code: string, options: { files?: number } = {}): Promise<Owner<T>> {
  const source = (name: string) => JSON.stringify(join(import.meta.dirname, name));
  const process_ = await spawnSource(
    `import { spawn } from 'node:child_process';
     import { StdioProcess } from ${source('stdio-process.ts')};
     import { ProcessWatch, processWatch } from ${source('process-watch.ts')};
     const deaf = ${JSON.stringify(join(folder, 'deaf.cjs'))};
     setTimeout(() => process.exit(), 60_000);
     process.on('SIGUSR2', () => console.log('here'));
     ${code}`,
    options,
  );
  owners.push(process_);
  const lines = createInterface(process_.stdout);
  const [line] = (await once(lines, 'line')) as [string];
  const hasCaughtUp = () => {
    const answer = once(lines, 'line');
    process_.kill('SIGUSR2');
    return answer;
  };
  return { process: process_, said: JSON.parse(line) as T, hasCaughtUp };
}

const ownsOne = `
  const child = new StdioProcess({ file: process.execPath, args: [deaf] }, { cwd: '/', env: {} });
  await child.start();
  console.log(JSON.stringify({ child: child.pid }));`;

describe('children of a process that is killed', () => {
  it('die with it, those that do not heed the end of their input too', async () => {
    const { process: parent, said } = await owner<{ child: number }>(ownsOne);
    expect(await isAlive(said.child)).toBe(true);
    parent.kill('SIGKILL');
    await gone(said.child);
  });

  it('die with it also when its whole group is killed, as by a Ctrl-C in a terminal', async () => {
    const { process: parent, said } = await owner<{ child: number }>(ownsOne);
    process.kill(-parent.pid!, 'SIGKILL');
    await gone(said.child);
  });

  it('die with it also when what watches over them was killed before', async () => {
    const { process: parent, said, hasCaughtUp } = await owner<{ child: number }>(ownsOne);
    const [watcher] = await shellsOf(parent.pid!);
    process.kill(watcher!, 'SIGKILL');
    await until(async () => (await shellsOf(parent.pid!)).some((pid) => pid !== watcher));
    await hasCaughtUp(); // the new shell is there before it knows of the group
    parent.kill('SIGKILL');
    await gone(said.child);
  });

  it('are those that it has at the end, and none that it let go before', async () => {
    // A number that was given back may be that of somebody else by then.
    const { process: parent, said } = await owner<{ letGo: number; kept: number }>(`
      const [letGo, kept] = [0, 0].map(() => {
        const child = spawn(process.execPath, [deaf], { detached: true, stdio: 'ignore' });
        processWatch.add(child.pid);
        return child.pid;
      });
      processWatch.remove(letGo);
      console.log(JSON.stringify({ letGo, kept }));`);
    parent.kill('SIGKILL');
    await gone(said.kept);
    expect(await isAlive(said.letGo)).toBe(true);
    process.kill(said.letGo, 'SIGKILL');
  });
});

describe('what watches', () => {
  /** Groups of which nothing is known yet. */
  const groups = `const [first, second] = [0, 0].map(
    () => spawn(process.execPath, [deaf], { detached: true, stdio: 'ignore' }).pid,
  );`;

  it('is one shell, also where the last group went and another came before the shell had gone', async () => {
    const {
      process: parent,
      said,
      hasCaughtUp,
    } = await owner<{ first: number; second: number }>(`${groups}
      processWatch.add(first);
      processWatch.remove(first);
      processWatch.add(second);
      console.log(JSON.stringify({ first, second }));`);
    await until(async () => (await shellsOf(parent.pid!)).length === 1);
    await hasCaughtUp(); // it has heard of the end of the first one
    expect(await shellsOf(parent.pid!)).toHaveLength(1);
    parent.kill('SIGKILL');
    await gone(said.second);
    expect(await isAlive(said.first)).toBe(true);
    process.kill(said.first, 'SIGKILL');
  });

  it('is started anew where it has died in the very moment that it was to be told of a group', async () => {
    const {
      process: parent,
      said,
      hasCaughtUp,
    } = await owner<{ first: number; second: number }>(`${groups}
      const { readFileSync } = await import('node:fs');
      const children = () => readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').split(' ').filter(Boolean);
      processWatch.add(first);
      const shell = children().map(Number).find((pid) => pid !== first && pid !== second);
      process.kill(shell, 'SIGKILL');
      while (!/State:\\s+Z/.test(readFileSync('/proc/' + shell + '/status', 'utf8')));
      processWatch.add(second);
      console.log(JSON.stringify({ first, second }));`);
    let hasEnded = false;
    parent.once('exit', () => (hasEnded = true));
    await until(async () => hasEnded || (await shellsOf(parent.pid!)).length > 0);
    expect(hasEnded).toBe(false);
    await hasCaughtUp(); // the new shell is there before it knows of the groups
    parent.kill('SIGKILL');
    await gone(said.first);
    await gone(said.second);
  });

  it('is missed on a machine without a shell, and nothing else is', async () => {
    const { process: parent, said } = await owner<{ alive: boolean }>(`
      const watch = new ProcessWatch('/no/such/shell');
      const child = new StdioProcess({ file: process.execPath, args: [deaf] }, { cwd: '/', env: {} });
      watch.add(process.pid);
      await child.start(); // by then it is known that there is none
      watch.add(child.pid);
      watch.remove(process.pid);
      watch.remove(child.pid);
      await child.close();
      console.log(JSON.stringify({ alive: true }));`);
    expect(said).toEqual({ alive: true });
    expect(parent.exitCode).toBeNull();
  });

  it('and what is watched are missed where no files are left, and the process lives', async () => {
    const { said } = await owner<{ start: string; close: string }>(
      `
      const { openSync, closeSync } = await import('node:fs');
      const child = new StdioProcess({ file: process.execPath, args: [deaf] }, { cwd: '/', env: {} });
      const open = [];
      let full;
      while (!full) try { open.push(openSync('/dev/null')); } catch (error) { full = error.code; }
      processWatch.add(process.pid);
      const start = await child.start().then(() => 'started', (error) => error.code);
      const close = await child.close().then(() => 'closed');
      for (const file of open) closeSync(file);
      console.log(JSON.stringify({ full, start, close }));`,
      { files: 64 },
    );
    expect(said).toEqual({ full: 'EMFILE', start: 'EMFILE', close: 'closed' });
  });

  it('knows nothing of the environment, and goes when nothing is left to watch', async () => {
    const child = new StdioProcess(
      { file: process.execPath, args: [join(folder, 'deaf.cjs')] },
      { cwd: '/', env: {} },
    );
    const before = await shellsOf(process.pid);
    await child.start();
    const [watcher] = (await shellsOf(process.pid)).filter((pid) => !before.includes(pid));
    expect(await readFile(`/proc/${watcher}/environ`, 'utf8')).not.toMatch(/PATH|JEST|NODE/);
    await child.close();
    await gone(watcher!);
  });
});

/** Shells that are children of the process and alive. */
async function shellsOf(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => ''))
    .split(' ')
    .filter((each) => each !== '')
    .map(Number);
  const commands = await Promise.all(
    children.map((each) => readFile(`/proc/${each}/cmdline`, 'utf8').catch(() => '')), // gone
  );
  return children.filter((_, i) => commands[i]!.startsWith('/bin/sh'));
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((done) => setImmediate(done));
}

const gone = (pid: number) => until(async () => !(await isAlive(pid)));

/** Not one that has ended and waits to be taken away. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return /State:\s+[^ZX\s]/.test(status);
}
