import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../../../test/harness.js';
import { residentBytes } from './memory-watch.js';
import { StdioProcess } from './stdio-process.js';

const MB = 1024 * 1024;
const onLinux = process.platform === 'linux' ? it : it.skip; // elsewhere nothing tells what a process holds

/** A server that holds `mb` megabytes, itself or in a child of its own. */
async function startHoarder(mb: number, inChild: boolean, maxBytes: number): Promise<StdioProcess> {
  const folder = await temporaryFolder();
  const hoard = join(folder, 'hoard.mjs');
  await writeFile(
    hoard,
    `const kept = Buffer.alloc(${mb} * ${MB}, 1); process.stdin.resume(); setInterval(() => kept.length, 1000);`,
  );
  const parent = join(folder, 'parent.mjs');
  await writeFile(
    parent,
    `import { spawn } from 'node:child_process'; spawn(process.execPath, [${JSON.stringify(hoard)}]); process.stdin.resume();`,
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
    expect(child.lastWords).toMatch(/used \d+ MB of memory; 300 MB are allowed/);
    expect(await residentBytes(child.pid!)).toBe(0);
  },
);

onLinux('leaves one alone that keeps within its bounds', async () => {
  const child = await startHoarder(10, false, 2000 * MB);
  // A process that has just been forked is small yet.
  while ((await residentBytes(child.pid!)) < 10 * MB) expect(child.lastWords).toBe('');
  await child.close();
  expect(child.lastWords).toBe('');
});
