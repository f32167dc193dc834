import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../../../test/harness.js';
import { residentBytes } from './memory-watch.js';
import { StdioProcess } from './stdio-process.js';

const MB = 1024 * 1024;
const onLinux = process.platform === 'linux' ? it : it.skip; // elsewhere nothing tells what a process holds

/** A server that holds `mb` megabytes, itself or in a child of its own, and is not sparing with words either. */
async function startHoarder(mb: number, inChild: boolean, maxBytes: number): Promise<StdioProcess> {
  const folder = await temporaryFolder();
  const hoard = join(folder, 'hoard.mjs');
  await writeFile(
    hoard,
    `process.stderr.write('x'.repeat(10_000)); const kept = Buffer.alloc(${mb} * ${MB}, 1); process.stdin.resume(); setInterval(() => kept.length, 1000);`,
  );
  const parent = join(folder, 'parent.mjs');
  await writeFile(
    parent,
    `import { spawn } from 'node:child_process'; spawn(process.execPath, [${JSON.stringify(hoard)}], { stdio: 'inherit' }); process.stdin.resume();`,
  );
  const child = new StdioProcess(
    { file: process.execPath, args: [inChild ? parent : hoard] },
    { cwd: folder, env: {}, memory: { maxBytes, lookMs: 20 } },
  );
  await child.start();
  return child;
}

onLinux.each([false, true])(
  'ends a server that takes too much memory, also in a child (%s), and says why',
  async (inChild) => {
    const child = await startHoarder(400, inChild, 300 * MB);
    await new Promise<void>((done) => (child.onclose = done));
    expect(child.lastWords).toMatch(/^ended because it used \d+ MB of memory; 300 MB are allowed$/);
    expect(await residentBytes(child.pid!)).toBe(0);
  },
);

onLinux(
  'looks no more at one that has ended: its number may be that of another by then',
  async () => {
    const others = ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const;
    const timers = ['setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'] as const;
    jest.useFakeTimers({ doNotFake: [...others, ...timers] });
    try {
      const child = await startHoarder(1, false, 2000 * MB);
      expect(jest.getTimerCount()).toBe(1);
      await child.close();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  },
);

onLinux('leaves one alone that keeps within its bounds', async () => {
  const child = await startHoarder(10, false, 2000 * MB);
  // A process that has just been forked is small yet.
  while ((await residentBytes(child.pid!)) < 10 * MB) expect(child.lastWords).not.toMatch('ended');
  await child.close();
  expect(child.lastWords).not.toMatch('ended');
});
