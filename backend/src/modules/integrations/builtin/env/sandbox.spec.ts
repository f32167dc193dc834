import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { spawnSource } from '../../../../../test/source-child.js';

/** What a process says, and how it ends, that can have 64 files open and opens so many between two pieces of code. */
async function withoutFiles(before: string, after: string): Promise<[unknown, number | null]> {
  const child = await spawnSource(
    `import { openSync, closeSync } from 'node:fs';
     import { runProcess } from ${JSON.stringify(join(import.meta.dirname, 'sandbox.ts'))};
     setTimeout(() => process.exit(9), 60_000).unref();
     const limits = { timeoutMs: 60_000, maxOutputBytes: 100, signal: new AbortController().signal };
     const told = (run) => run.then(({ truncated }) => ({ truncated }), ({ code }) => ({ code }));
     const open = [];
     const fill = () => { try { for (;;) open.push(openSync('/dev/null')); } catch (error) { return error.code; } };
     ${before}
     const full = fill();
     const again = setInterval(fill, 5); // what is closed meanwhile makes room for one more
     ${after}
     clearInterval(again);
     for (const file of open) closeSync(file);
     console.log(JSON.stringify({ full, run }));`,
    { files: 64 },
  );
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const said = await text(child.stdout);
  return [said === '' ? undefined : JSON.parse(said), (await exit)[0]];
}

describe('where no files are left', () => {
  it('a program is not started, and that is all', async () => {
    expect(
      await withoutFiles(
        '',
        `const run = await told(runProcess('true', [], {}, undefined, limits));`,
      ),
    ).toEqual([{ full: 'EMFILE', run: { code: 'EMFILE' } }, 0]);
  });

  // Its processes are counted for root only: for others the kernel does.
  const asRoot = process.getuid?.() === 0 ? it : it.skip; // needs to be root, as in a container or in CI
  asRoot('one whose processes cannot be counted is ended', async () => {
    const started = `const running = told(runProcess('sleep', ['60'], { PATH: process.env.PATH }, undefined, limits));`;
    expect(await withoutFiles(started, `const run = await running;`)).toEqual([
      { full: 'EMFILE', run: { truncated: true } },
      0,
    ]);
  });
});
