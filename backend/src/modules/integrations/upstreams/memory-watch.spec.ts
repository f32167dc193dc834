import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../../../test/temporary-folder.js';
import { useOf } from './memory-watch.js';
import { StdioProcess } from './stdio-process.js';

const MB = 1024 * 1024;
const onLinux = process.platform === 'linux' ? it : it.skip; // elsewhere nothing tells what a process holds

type Where = 'itself' | 'a child' | 'a child of another thread';

const startsChild = (script: string) =>
  `import { spawn } from 'node:child_process'; spawn(process.execPath, [${JSON.stringify(script)}], { stdio: 'inherit' });`;

/** A server that holds `mb` megabytes, itself or in a child, and is not sparing with words either. */
async function startHoarder(mb: number, where: Where, maxBytes: number): Promise<StdioProcess> {
  const folder = await temporaryFolder();
  const hoard = join(folder, 'hoard.mjs');
  await writeFile(
    hoard,
    `process.stderr.write('x'.repeat(10_000)); const kept = Buffer.alloc(${mb} * ${MB}, 1); process.stdin.resume(); setInterval(() => kept.length, 1000);`,
  );
  const parent = join(folder, 'parent.mjs');
  await writeFile(
    parent,
    where === 'a child'
      ? `${startsChild(hoard)} process.stdin.resume();`
      : `import { Worker } from 'node:worker_threads';
         new Worker(${JSON.stringify(startsChild(hoard).replace(/import (.+) from (.+?);/, 'const $1 = require($2);'))}, { eval: true });
         process.stdin.resume();`,
  );
  const child = new StdioProcess(
    { file: process.execPath, args: [where === 'itself' ? hoard : parent] },
    { cwd: folder, env: {}, bounds: { maxBytes, lookMs: 20 } },
  );
  await child.start();
  return child;
}

onLinux.each<Where>(['itself', 'a child', 'a child of another thread'])(
  'ends a server of which %s takes too much memory, and says why',
  async (where) => {
    const child = await startHoarder(400, where, 300 * MB);
    await new Promise<void>((done) => (child.onclose = done));
    expect(child.lastWords).toMatch(/^ended because it used \d+ MB of memory; 300 MB are allowed$/);
    expect((await useOf(child.pid!)).bytes).toBe(0);
  },
);

onLinux('ends a server that starts too many processes, and looks at no more of them', async () => {
  const folder = await temporaryFolder();
  const script = join(folder, 'many.mjs');
  // A dozen, each for a minute at most, whatever comes of it.
  await writeFile(
    script,
    `import { spawn } from 'node:child_process';
     for (let i = 0; i < 12; i++) spawn('sleep', ['60'], { stdio: 'ignore' });
     process.stdin.resume();`,
  );
  const start = async (maxProcesses: number, lookMs: number) => {
    const child = new StdioProcess(
      { file: process.execPath, args: [script] },
      { cwd: folder, env: { PATH: process.env['PATH']! }, bounds: { maxProcesses, lookMs } },
    );
    await child.start();
    return child;
  };
  const within = await start(13, 20);
  while ((await useOf(within.pid!)).processes < 13) expect(within.lastWords).toBe('');
  expect((await useOf(within.pid!, 5)).processes).toBe(6);
  await within.close();
  expect(within.lastWords).toBe('');
  const ended = await start(12, 20);
  await new Promise<void>((done) => (ended.onclose = done));
  expect(ended.lastWords).toBe('ended because it had more than 12 processes');
});

onLinux(
  'looks no more at one that has ended: its number may be that of another by then',
  async () => {
    const others = ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const;
    const timers = ['setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'] as const;
    jest.useFakeTimers({ doNotFake: [...others, ...timers] });
    try {
      const child = await startHoarder(1, 'itself', 2000 * MB);
      expect(jest.getTimerCount()).toBe(1);
      await child.close();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  },
);

onLinux('leaves one alone that keeps within its bounds', async () => {
  const child = await startHoarder(10, 'itself', 2000 * MB);
  // A process that has just been forked is small yet.
  while ((await useOf(child.pid!)).bytes < 10 * MB) expect(child.lastWords).not.toMatch('ended');
  await child.close();
  expect(child.lastWords).not.toMatch('ended');
});
