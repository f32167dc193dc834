import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The start of the real process, as a person meets it: what makes it impossible is told in one line, with
 * exit code 1, and nothing is lost. Needs the build; `npm test` makes it first.
 */
const entry = join(import.meta.dirname, '../dist/src/main.js');

const { PATH, NODE_COMPILE_CACHE } = process.env;
const temporaryFolder = () => mkdtemp(join(tmpdir(), 'aos-start-'));

describe('starting the process', () => {
  const running: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of running.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  function start(env: NodeJS.ProcessEnv) {
    if (!existsSync(entry)) throw new Error('dist is missing: run `npm run build` first');
    const child = spawn(process.execPath, [entry], {
      env: { PATH, NODE_COMPILE_CACHE, AOS_DEMO: 'off', PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    // With all that it has said: an exit may be told of before its last words are read.
    const closed = once(child, 'close');
    let output = '';
    const listeners = new Set<() => void>();
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        for (const listener of listeners) listener();
      });
    return {
      child,
      output: () => output,
      async exited() {
        await closed;
        return { code: child.exitCode, lines: output.trim().split('\n') };
      },
      async url() {
        return (await this.says(/ready at (http\S+)\/console\//))[1]!;
      },
      /** Waits until the output holds it. */
      async says(what: RegExp): Promise<RegExpExecArray> {
        const found = () => what.exec(output);
        while (!found())
          await new Promise<void>((resolve, reject) => {
            const look = () => {
              listeners.delete(look);
              resolve();
            };
            listeners.add(look);
            void closed.then(() => reject(new Error(`it ended: ${output}`)));
          });
        return found()!;
      },
    };
  }

  it.each([
    ['a port that is no number', { PORT: 'web' }, 'PORT'],
    [
      'a database that is not there',
      { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/d' },
      'DATABASE_URL',
    ],
    ['a URL of another database', { DATABASE_URL: 'mysql://h/d' }, 'DATABASE_URL'],
    ['a master key of the wrong length', { AOS_MASTER_KEY: 'c2hvcnQ=' }, 'AOS_MASTER_KEY'],
    [
      'a bus that is not there',
      {
        DATABASE_URL: 'postgres://u:p@127.0.0.1:1/d',
        AOS_BUS: 'nats://u:hunter2@127.0.0.1:1',
      },
      'AOS_BUS',
    ],
    [
      'another bus that is not there',
      {
        DATABASE_URL: 'postgres://u:p@127.0.0.1:1/d',
        AOS_BUS: 'redis://u:hunter2@127.0.0.1:1',
      },
      'AOS_BUS',
    ],
    ['a bus that is not built in', { AOS_BUS: 'kafka://u:hunter2@h' }, 'AOS_BUS'],
  ])('refuses %s in one line and with exit code 1', async (_what, env, name) => {
    const data = join(await temporaryFolder(), 'data');
    const { code, lines } = await start({ AOS_DATA_DIR: data, ...env }).exited();
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^AOS cannot start: /);
    expect(lines[0]).toContain(name);
    expect(lines[0]).not.toContain('hunter2');
  });

  it.each([{}, { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/d' }])(
    'refuses a data folder that cannot be, whatever the database: %j',
    async (env) => {
      const file = join(await temporaryFolder(), 'file');
      await writeFile(file, 'kept');
      const { code, lines } = await start({ AOS_DATA_DIR: file, ...env }).exited();
      expect([code, lines.length]).toEqual([1, 1]);
      expect(lines[0]).toMatch(/^AOS cannot start: AOS_DATA_DIR .* cannot be written to/);
      expect(await readFile(file, 'utf8')).toBe('kept');
    },
  );

  it('refuses a port that is taken before it touches anything', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const data = join(await temporaryFolder(), 'data');
    const { code, lines } = await start({ AOS_DATA_DIR: data, PORT: String(port) }).exited();
    expect([code, lines.length]).toEqual([1, 1]);
    expect(lines[0]).toContain(`Port ${port} on 127.0.0.1 is taken`);
    expect(existsSync(data)).toBe(false);
    taken.close();
  });

  it('refuses a master key file of the wrong length', async () => {
    const data = await temporaryFolder();
    await mkdir(data, { recursive: true });
    await writeFile(join(data, 'master.key'), 'c2hvcnQ=');
    const { code, lines } = await start({ AOS_DATA_DIR: data }).exited();
    expect(code).toBe(1);
    expect(lines.filter((line) => line.startsWith('AOS cannot start'))).toHaveLength(1);
    expect(lines.at(-1)).toContain('master');
    expect(existsSync(join(data, 'pg'))).toBe(false); // before a database is made under it
  });

  it('keeps a second process off its folder, stops cleanly, and finds everything again', async () => {
    const data = join(await temporaryFolder(), 'data');
    const first = start({ AOS_DATA_DIR: data });
    const url = await first.url();
    await first.says(/Sign in as {3}owner@localhost\n {2}Password {5}\S{20}\n/);
    const ready = await fetch(`${url}/health/ready`);
    expect(ready.status).toBe(200);
    // Clients and proxies let go of an idle connection after a minute at most: before the server does.
    expect(ready.headers.get('keep-alive')).toBe('timeout=75');

    const rival = start({ AOS_DATA_DIR: data });
    const second = await rival.url().then(
      () => Promise.reject(new Error('it started as well')),
      () => rival.exited(),
    );
    expect(second.code).toBe(1);
    expect(second.lines).toHaveLength(1);
    expect(second.lines[0]).toContain('in use by another AOS process');
    expect((await fetch(`${url}/health/live`)).status).toBe(200);

    first.child.kill('SIGTERM');
    expect((await first.exited()).code).toBe(0);
    expect(first.output()).toContain('AOS has stopped.');

    const again = start({ AOS_DATA_DIR: data });
    expect((await fetch(`${await again.url()}/health/ready`)).status).toBe(200);
    expect(again.output()).not.toContain('Password'); // told once
    // Killed without a word: the next start must not stumble over what was left.
    again.child.kill('SIGKILL');
    await again.exited();
    const third = start({ AOS_DATA_DIR: data });
    expect((await fetch(`${await third.url()}/health/ready`)).status).toBe(200);
  }, 120_000);
});
