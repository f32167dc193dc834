import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { SystemConfig } from '@aos/contracts';
import { temporaryFolder } from '../../../../test/temporary-folder.js';
import { dialOf } from './dial.js';
import { Launches } from './launches.js';
import { StdioProcess } from './stdio-process.js';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

interface Started {
  child: StdioProcess;
  heard: JSONRPCMessage[];
  faults: string[];
  closed: Promise<void>;
}

/** A child that runs `code`; should nothing end it, it goes by itself after a minute. */
async function start(code: string): Promise<Started> {
  const path = join(folder, 'server.mjs');
  await writeFile(
    path,
    `import { spawn } from 'node:child_process';
     import { writeFileSync } from 'node:fs';
     setTimeout(() => process.exit(9), 60_000).unref();
     ${code}`,
  );
  const child = new StdioProcess(
    { file: process.execPath, args: [path] },
    { cwd: folder, env: { GIVEN: 'yes' } },
  );
  const heard: JSONRPCMessage[] = [];
  const faults: string[] = [];
  child.onmessage = (message) => void heard.push(message);
  child.onerror = (error) => void faults.push(error.message);
  const closed = new Promise<void>((done) => (child.onclose = done));
  await child.start();
  return { child, heard, faults, closed };
}

const stays = `process.stdin.resume(); setInterval(() => undefined, 1000);`;
const says = (params: string) =>
  `process.stdout.write(JSON.stringify({ jsonrpc: '2.0', method: 'said', params: ${params} }) + '\\n');`;
const saidBy = ({ heard }: Started) => (heard[0] as { params?: unknown } | undefined)?.params;
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((done) => setImmediate(done));
}
const wrote = (name: string) =>
  readFile(join(folder, name), 'utf8').then(
    () => true,
    () => false, // not yet
  );

describe('one message', () => {
  const ofMegabytes = (mb: number) => start(`${says(`{ x: 'x'.repeat(${mb} << 20) }`)} ${stays}`);

  it('of seven megabytes is taken', async () => {
    const started = await ofMegabytes(7);
    await until(() => started.heard.length > 0);
    await started.child.close();
    expect(started.faults).toEqual([]);
  });

  it('of nine is not, and ends the server', async () => {
    const started = await ofMegabytes(9);
    await Promise.race([started.closed, until(() => started.heard.length > 0)]);
    expect(started.heard).toEqual([]);
    expect(started.faults[0]).toBe('a message is larger than 8388608 bytes');
    await started.closed;
    await expect(started.child.send({ jsonrpc: '2.0', method: 'notifications/x' })).rejects.toThrow(
      'the server has ended',
    );
  });
});

it('a server that has closed its input is told of as a fault, and of nothing else', async () => {
  const started = await start(
    `const { closeSync } = await import('node:fs'); closeSync(0); ${says('{}')} setInterval(() => undefined, 1000);`,
  );
  await until(() => started.heard.length > 0);
  const message = { jsonrpc: '2.0', method: 'notifications/x' } as const;
  await expect(started.child.send(message)).rejects.toThrow('EPIPE');
  expect(started.faults).toEqual([expect.stringContaining('EPIPE')]);
  await started.child.close();
});

describe('what a server writes beside its messages', () => {
  it('is kept at its end, in whole lines', async () => {
    const line = 'a line of text that is as long as it is';
    const started = await start(
      `process.stderr.write(Array.from({ length: 20_000 }, (_, n) => n + ' ${line}\\n').join(''), () => process.exit());`,
    );
    await started.closed;
    const kept = started.child.lastWords.split('\n');
    expect(started.child.lastWords.length).toBeLessThanOrEqual(4096);
    expect(kept.at(-1)).toBe(`19999 ${line}`);
    expect(kept[0]).toMatch(new RegExp(`^19\\d{3} ${line}$`));
  });
});

it('a server that has just ended is let go with its last words', async () => {
  const started = await start(`process.stderr.write('no licence', () => process.exit(3));`);
  const { child } = started.child as unknown as { child: ChildProcess };
  // As where so much else is to be done that nothing was read of its pipe when it ends.
  const { _handle: pipe } = child.stderr as unknown as {
    _handle: { readStop(): void; readStart(): void };
  };
  pipe.readStop();
  await once(child, 'exit');
  const closing = started.child.close();
  pipe.readStart();
  await closing;
  expect(started.child.lastWords).toBe('no licence');
});

describe('a server that is let go', () => {
  it('ends with its input, without being asked to', async () => {
    const started = await start(
      `process.on('SIGTERM', () => writeFileSync('asked', ''));
       process.stdin.resume().on('end', () => { writeFileSync('ended', ''); process.exit(); });
       ${says('{}')}`,
    );
    await until(() => started.heard.length > 0);
    await started.child.close();
    expect([await wrote('ended'), await wrote('asked')]).toEqual([true, false]);
  });

  it('that does not heed that is asked to, with all that it has started', async () => {
    const started = await start(
      `process.on('SIGTERM', () => { writeFileSync('asked', ''); process.exit(); });
       const more = spawn(process.execPath, ['-e', 'setTimeout(() => undefined, 60_000)'], { stdio: 'ignore' });
       more.once('spawn', () => { ${says('{ pid: more.pid }')} });
       ${stays}`,
    );
    await until(() => started.heard.length > 0);
    await started.child.close();
    expect(await wrote('asked')).toBe(true);
    const { pid } = saidBy(started) as { pid: number };
    await until(async () => !(await isAlive(pid)));
  });

  it('takes along what it has started, also what heeds nothing', async () => {
    const more = `
      process.on('SIGTERM', () => undefined);
      setTimeout(() => process.exit(), 60_000);
      require('node:fs').writeFileSync('heedless', '');`;
    const started = await start(
      `const more = spawn(process.execPath, ['-e', ${JSON.stringify(more)}], { stdio: 'ignore' });
       more.once('spawn', () => { ${says('{ pid: more.pid }')} });
       ${stays}`,
    );
    await until(() => started.heard.length > 0);
    await until(() => wrote('heedless'));
    await started.child.close();
    const { pid } = saidBy(started) as { pid: number };
    await until(async () => !(await isAlive(pid)));
  });

  it('that heeds nothing is ended', async () => {
    const started = await start(`process.on('SIGTERM', () => undefined); ${stays} ${says('{}')}`);
    await until(() => started.heard.length > 0);
    await started.child.close();
    expect(await isAlive(started.child.pid!)).toBe(false);
  });

  it('is heard no more, nor is what it has left behind outside of its group', async () => {
    const more = `
      for (const [name, stream] of [['unheard', process.stdout], ['unheard-too', process.stderr]]) {
        const timer = setInterval(() => stream.write('x'), 10);
        stream.on('error', () => { clearInterval(timer); require('node:fs').writeFileSync(name, ''); });
      }
      setTimeout(() => process.exit(), 60_000);`;
    const started = await start(
      `const more = spawn(process.execPath, ['-e', ${JSON.stringify(more)}], { stdio: 'inherit', detached: true });
       more.once('spawn', () => { ${says('{}')} });
       process.stdin.resume().on('end', () => process.exit());`,
    );
    await until(() => started.heard.length > 0);
    await started.child.close();
    await started.closed;
    await until(() => wrote('unheard'));
    await until(() => wrote('unheard-too'));
  });
});

describe('a server as it is registered', () => {
  const route = (authSecret: string | null) => ({
    ...{ name: 'own', transport: 'stdio' as const, url: '', command: 'node', authSecret },
    args: [join(folder, 'mcp-servers', 'tells.mjs')],
  });
  const launches = () =>
    new Launches({ dataDir: folder } as never, { system: () => SystemConfig.parse({}) } as never);
  const dial = (authSecret: string | null) =>
    dialOf(route(authSecret), launches(), () => Promise.resolve('the secret'))(
      new AbortController().signal,
      () => undefined,
    );

  async function toldBy(authSecret: string | null) {
    const { client } = await dial(authSecret);
    const { content } = (await client.callTool({ name: 'tell', arguments: {} })) as {
      content: { text: string }[];
    };
    await client.close();
    return JSON.parse(content[0]!.text) as { env: Record<string, string>; cwd: string };
  }

  async function script(onInitialize: string): Promise<void> {
    await mkdir(join(folder, 'mcp-servers'));
    await writeFile(
      join(folder, 'mcp-servers', 'tells.mjs'),
      `import { createInterface } from 'node:readline';
       import { appendFileSync } from 'node:fs';
       appendFileSync('pids', process.pid + '\\n');
       setTimeout(() => process.exit(), 60_000).unref();
       const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
       createInterface({ input: process.stdin }).on('line', (line) => {
         const { id, method } = JSON.parse(line);
         if (method === 'initialize') ${onInitialize};
         else if (method === 'tools/call') say({ id, result: { content: [{ type: 'text', text: JSON.stringify({ env: process.env, cwd: process.cwd() }) }] } });
         else if (id !== undefined) say({ id, error: { code: -32601, message: 'no such method' } });
       });`,
    );
  }
  const greets = `say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } } })`;

  it('knows what it needs, its secret by name, and nothing else', async () => {
    await script(greets);
    process.env['AOS_TEST_CANARY'] = 'canary-5e1d';
    try {
      const { env } = await toldBy('MY_KEY');
      expect(env['MY_KEY']).toBe('the secret');
      expect(env['PATH']).toBe(process.env['PATH']);
      const listed = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'SYSTEMROOT', 'APPDATA', 'MY_KEY'];
      expect(Object.keys(env).filter((name) => !listed.includes(name))).toEqual([]);
    } finally {
      delete process.env['AOS_TEST_CANARY'];
    }
  });

  it('finds its programs where they are, whatever its secret is called', async () => {
    await script(greets);
    expect((await toldBy('PATH')).env['PATH']).toBe(process.env['PATH']);
  });

  it('works in a folder of its own, which nobody else reads', async () => {
    await script(greets);
    const { cwd } = await toldBy(null);
    expect(cwd).toMatch(/upstreams\/own$/);
    expect((await stat(cwd)).mode & 0o777).toBe(0o700);
  });

  it('that cannot be greeted does not go on', async () => {
    await script(`say({ id, error: { code: -32603, message: 'not today' } })`);
    await expect(dial(null)).rejects.toThrow('not today');
    const pids = (await readFile(join(folder, 'upstreams', 'own', 'pids'), 'utf8')).trim();
    for (const pid of pids.split('\n')) expect(await isAlive(Number(pid))).toBe(false);
  });
});

/** Not one that has ended and waits to be taken away. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''); // gone
  return /State:\s+[^ZX\s]/.test(status);
}
