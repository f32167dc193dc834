import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '../../../../../test/temporary-folder.js';
import { TestHost } from '../testing.js';
import { findSandbox, runBoxed } from './sandbox.js';
import { shell } from './shell.js';

interface Ran {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  truncated: boolean;
  timedOut: boolean;
}

const hasBwrap = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'].some((path) =>
  existsSync(path),
);
const boxed = hasBwrap ? it : it.skip; // without the sandbox there is nothing to try: apt-get install bubblewrap

/** What was started with `mark` among its arguments, as this machine sees it. */
async function startedWith(mark: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')), // it has ended
  );
  return commands.filter((command) => command.includes(mark));
}

/** The kernel ends a box from its first process on; its last may be there for a moment after the answer. */
async function allGone(mark: string): Promise<void> {
  for (let looks = 0; looks < 100 && (await startedWith(mark)).length > 0; looks++) await aMoment();
  expect(await startedWith(mark)).toEqual([]);
}

const aMoment = () => setTimeout(20);

describe('shell.exec', () => {
  let host: TestHost;
  const run = (command: string, timeoutMs?: number) =>
    host.call<Ran>(shell[0]!, { command, ...(timeoutMs ? { timeoutMs } : {}) });

  beforeEach(async () => {
    host = await TestHost.start();
  });
  afterEach(async () => host.stop());

  it('runs in a sandbox, or says how to get one', async () => {
    const sandbox = await findSandbox();
    if (sandbox.isReady) expect((await run('echo hello')).stdout).toBe('hello\n');
    else {
      await expect(run('echo hello')).rejects.toMatchObject({ code: 'shell_unavailable' });
      expect(sandbox.reason).toMatch(/bubblewrap|Linux|prlimit/);
    }
  });

  boxed('works in the workspace and answers with what the command said', async () => {
    await host.put('in.txt', 'from the host');
    const ran = await run('cat in.txt; pwd; echo more > out.txt; echo bad >&2; exit 3');
    expect(ran).toEqual({
      exitCode: 3,
      stdout: 'from the host/workspace\n',
      stderr: 'bad\n',
      truncated: false,
      timedOut: false,
    });
    expect(await readFile(join(host.workspace, 'out.txt'), 'utf8')).toBe('more\n');
  });

  boxed('shows nothing of the environment that AOS runs in', async () => {
    process.env['AOS_TEST_CANARY'] = 'canary-7f3a';
    try {
      const ran = await run('env; cat /proc/1/environ /proc/self/environ /proc/*/environ');
      expect(ran.stdout).toContain('PATH=');
      expect(ran.stdout + ran.stderr).not.toContain('canary-7f3a');
    } finally {
      delete process.env['AOS_TEST_CANARY'];
    }
  });

  boxed('shows nobody its place on the host in the arguments of what made it', async () => {
    const ran = await run('cat /proc/*/cmdline | tr "\\0" "\\n"');
    expect(ran.stdout).toContain('/usr/bin/prlimit');
    expect(ran.stdout).not.toContain(host.workspace);
    expect(ran.stdout).not.toContain('--bind');
  });

  boxed(
    'takes no NUL in a variable for the end of it, behind which another bind could stand',
    async () => {
      const sandbox = await findSandbox();
      const env = { A: 'x\u0000--ro-bind\u0000/root\u0000/root' };
      const limits = { timeoutMs: 5000, maxOutputBytes: 100, signal: new AbortController().signal };
      const bwrap = (sandbox as { bwrap: string }).bwrap;
      const ran = runBoxed(bwrap, host.workspace, { argv: ['ls', '/root'], env }, limits);
      await expect(ran).rejects.toThrow('NUL');
    },
  );

  boxed('shows nothing of the host but its programs', async () => {
    const ran = await run(
      'ls -A / ; ls /root /home /etc/shadow /etc/passwd /var /run; ls -d /tmp/* ; ls /proc | grep -c "^[0-9]"',
    );
    const top = ran.stdout.split('\n');
    for (const folder of ['root', 'home', 'var', 'run', 'work', 'srv', 'opt']) {
      expect(top).not.toContain(folder);
    }
    expect(Number(top.at(-2))).toBeLessThan(10);
    expect((await run('touch /usr/x /bin/x /lib/x /etc/x')).exitCode).not.toBe(0);
  });

  boxed('has no network, not even that of this machine', async () => {
    const server = createServer((socket) => socket.end('reached'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const ran = await run(
      `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3'; cat /proc/net/dev`,
    );
    server.close();
    expect(ran.stdout).not.toContain('reached');
    expect(ran.stdout).not.toContain('eth0');
  });

  boxed('cannot make namespaces or mounts of its own', async () => {
    const ran = await run(
      'unshare -r true && echo unshared; mount -t tmpfs x /workspace && echo mounted',
    );
    expect(ran.stdout).toBe('');
    const { stdout } = await run('grep CapEff /proc/self/status');
    expect(stdout).toContain('0000000000000000');
  });

  boxed('ends a command that ignores signals, with all it started', async () => {
    const mark = `40.${process.pid}`; // seconds that nobody else sleeps
    const command = `trap '' TERM INT HUP; setsid sh -c 'trap "" TERM HUP; sleep ${mark}' > /dev/null 2>&1 & sleep ${mark}`;
    expect(await run(command, 1_000)).toMatchObject({ timedOut: true, exitCode: null });
    await allGone(mark);
  });

  boxed('stops a flood of output at 1 MiB', async () => {
    const ran = await run('yes | head -c 40000000; echo on > after', 20_000);
    expect(ran).toMatchObject({ truncated: true, timedOut: false, exitCode: null });
    expect(ran.stdout.length).toBeGreaterThan(200_000);
    expect(await readdir(host.workspace)).not.toContain('after');
  });

  boxed.each([
    ['lines', 'yes | head -c 600000'],
    ['what is no text', 'head -c 600000 /dev/zero | tr "\\0" "\\377"'],
    ['pairs', `yes 😀 | tr -d '\\n' | head -c 600000 >&2`],
    ['pairs behind one', `printf x >&2; yes 😀 | tr -d '\\n' | head -c 600000 >&2`],
  ])('gives as much of %s as an answer holds, and says that there was more', async (_, command) => {
    const ran = await run(command, 20_000);
    expect(ran).toMatchObject({ truncated: true, timedOut: false, exitCode: 0 });
    const data = JSON.stringify(ran);
    const bytes = Buffer.byteLength(data) + Buffer.byteLength(JSON.stringify(data));
    expect(bytes).toBeGreaterThan(700_000);
    expect(bytes).toBeLessThan(1024 * 1024 - 1024); // what the gateway takes, and what stands around it
    expect((ran.stdout + ran.stderr).isWellFormed()).toBe(true);
    expect(await run('head -c 100000 /dev/zero | tr "\\0" x')).toMatchObject({ truncated: false });
  });

  // Bounded by itself: should nothing stop it, some hundred processes wait until the call is over.
  boxed(
    'stops a command that starts process upon process',
    async () => {
      const ran = await run(
        'i=0; while [ $i -lt 400 ]; do sleep 40 & i=$((i+1)); echo $i > started; done; sleep 40',
        30_000,
      );
      const started = Number(await readFile(join(host.workspace, 'started'), 'utf8'));
      expect(ran.timedOut).toBe(false);
      // As root they are counted and all of them ended; otherwise the kernel refuses one more.
      if (process.getuid?.() === 0) expect(ran).toMatchObject({ truncated: true, exitCode: null });
      else expect(started).toBeLessThan(128);
      expect((await run('echo still here; ls /proc | grep -c "^[0-9]"')).stdout).toMatch(
        /^still here\n\d\n$/,
      );
    },
    60_000,
  );

  boxed('stops a file that grows without end', async () => {
    // The second megabyte lies past the limit; all before the first is a hole, and takes no disk.
    const grown = await run('dd if=/dev/zero of=big bs=1M seek=255 count=2; wc -c < big');
    expect(grown.stdout).toBe('268435456\n');
  });

  boxed('bounds memory, open files, the size of files and what /tmp holds', async () => {
    const ran = await run(
      "bash -c 'ulimit -v; ulimit -n; ulimit -f; ulimit -c; ulimit -u; ulimit -t'; nice; head -c 80000000 /dev/zero > /tmp/x; wc -c < /tmp/x",
    );
    const [memoryKb, files, fileBlocks, core, ...rest] = ran.stdout.split('\n').map(Number);
    expect([memoryKb, files, fileBlocks, core]).toEqual([4_194_304, 512, 262_144, 0]);
    const [processes, cpuSeconds, niceness, inTmp] = rest;
    expect([processes, cpuSeconds, niceness]).toEqual([128, 61, 19]);
    expect(inTmp).toBeGreaterThan(0);
    expect(inTmp).toBeLessThanOrEqual(67_108_864);
  });

  // Bounded by itself: 300 MB for as long as the call may take.
  boxed(
    'ends a command whose processes take too much memory together, and each of them not',
    async () => {
      const { bwrap } = (await findSandbox()) as { bwrap: string };
      const limits = { maxOutputBytes: 100, maxMemoryBytes: 200 * 1024 ** 2 };
      const boxedRun = (...argv: string[]) =>
        runBoxed(
          bwrap,
          host.workspace,
          { argv },
          { ...limits, timeoutMs: 20_000, signal: new AbortController().signal },
        );
      const withMb = (mb: number, times: number) =>
        boxedRun(
          ...['/bin/sh', '-c'],
          `for i in ${'x '.repeat(times)}; do perl -e '$x = "x" x ${mb * 1024 ** 2}; sleep 1; print 1' & done; wait`,
        );
      const isTooMuch = {
        code: 'out_of_memory',
        said: { code: 'command-memory', params: { most: '200 MB' } },
      };
      expect((await withMb(40, 1)).stdout.toString()).toBe('1');
      await expect(withMb(40, 4)).rejects.toMatchObject(isTooMuch);
      // Children of another thread than the first are its children as well.
      const inThread = `threads->create(sub { for (1 .. 4) { fork or do { my $x = "x" x ${40 * 1024 ** 2}; sleep 1; exit } } 1 while wait > 0 })->join`;
      await expect(boxedRun('/usr/bin/perl', '-Mthreads', '-e', inThread)).rejects.toMatchObject(
        isTooMuch,
      );
    },
  );

  boxed('is what the kernel ends first where the machine has no memory left', async () => {
    expect((await run('cat /proc/self/oom_score_adj')).stdout).toBe('1000\n');
  });

  boxed('fills no more of this machine’s memory with files, wherever it writes them', async () => {
    const places = ['/', '/dev/', '/dev/shm/', '/dev/pts/', '/proc/', '/usr/'];
    const written = places.map(
      (place) =>
        `(head -c 40000000 /dev/zero > ${place}x; wc -c < ${place}x || echo 0) 2>/dev/null`,
    );
    const { stdout } = await run(`${written.join('; ')}; echo to > /dev/null && echo null`);
    const [root, dev, shm, ...rest] = stdout.split('\n');
    expect([root, dev, ...rest]).toEqual(['0', '0', '0', '0', '0', 'null', '']);
    expect(Number(shm)).toBe(16_777_216);
  });

  boxed('runs in a session of its own, away from any terminal', async () => {
    const { stdout } = await run("cut -d' ' -f6 /proc/self/stat; (exec < /dev/tty) 2>&1");
    expect(Number(stdout.split('\n')[0])).toBeGreaterThan(0);
    expect(stdout).toMatch(/\/dev\/tty/);
  });

  boxed('stops when the run is cancelled', async () => {
    const mark = `41.${process.pid}`;
    const running = run(`echo started > started; sleep ${mark}`, 60_000);
    const cancelled = expect(running).rejects.toMatchObject({ code: 'cancelled' });
    while (!(await readdir(host.workspace)).includes('started')) await aMoment();
    host.cancel();
    await cancelled;
    await allGone(mark);
    await expect(run('echo again > again')).rejects.toMatchObject({ code: 'cancelled' });
    expect(await readdir(host.workspace)).not.toContain('again');
  });

  boxed('is nobody on this machine, and takes no NUL for part of a command', async () => {
    expect((await run('id -u; hostname')).stdout).toBe('1000\nsandbox\n');
    await expect(run('echo a\u0000b')).rejects.toMatchObject({ code: 'bad_command' });
  });

  boxed('reaches no socket of this machine, in a folder or without a name in one', async () => {
    const inTmp = join(await temporaryFolder(), 's');
    const abstract = `aos-test-${process.pid}`;
    const reached: string[] = [];
    const servers = [inTmp, `\0${abstract}`].map((path) =>
      createServer((socket) => {
        reached.push(path);
        socket.end();
      }).listen(path),
    );
    const dial = (path: string) =>
      `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); print connect(S, pack_sockaddr_un("${path}")) ? "in" : "out"'`;
    const ran = await run(`${dial(inTmp)}; ${dial(`\\0${abstract}`)}`);
    for (const server of servers) await new Promise((done) => server.close(done));
    expect(ran.stdout).toBe('outout');
    expect(reached).toEqual([]);
  });
});
