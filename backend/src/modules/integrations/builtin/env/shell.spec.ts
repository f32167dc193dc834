import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { TestHost } from '../testing.js';
import { findSandbox } from './sandbox.js';
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
    const command = `trap '' TERM INT HUP; setsid sh -c 'trap "" TERM; while :; do echo x >> alive; done' & while :; do :; done`;
    expect(await run(command, 1_000)).toMatchObject({ timedOut: true, exitCode: null });
    // Whatever survived would still be writing; nothing new may appear once the call has answered.
    const before = (await readFile(join(host.workspace, 'alive'))).length;
    await run('true');
    expect((await readFile(join(host.workspace, 'alive'))).length).toBe(before);
  });

  boxed('stops a flood of output at 1 MiB', async () => {
    const ran = await run('yes', 20_000);
    expect(ran).toMatchObject({ truncated: true, timedOut: false, exitCode: null });
    expect(ran.stdout).toHaveLength(1024 * 1024);
  });

  boxed(
    'survives a fork bomb and a file that grows without end',
    async () => {
      const bomb = await run(
        "bash -c 'bomb() { bomb | bomb & }; bomb; while :; do :; done'",
        process.getuid?.() === 0 ? 20_000 : 2_000,
      );
      // As root it is counted and stopped; otherwise the kernel refuses it more processes, and it stays.
      expect(bomb.timedOut).toBe(process.getuid?.() !== 0);
      expect(bomb.exitCode).toBeNull();
      const grown = await run('head -c 400000000 /dev/zero > big; wc -c < big');
      expect(Number(grown.stdout)).toBeLessThanOrEqual(268_435_456);
      expect((await run('echo still here')).stdout).toBe('still here\n');
    },
    60_000,
  );

  boxed('bounds memory, open files, the size of files and what /tmp holds', async () => {
    const ran = await run(
      "bash -c 'ulimit -v; ulimit -n; ulimit -f; ulimit -c'; head -c 80000000 /dev/zero > /tmp/x; wc -c < /tmp/x",
    );
    const [memoryKb, files, fileBlocks, core, inTmp] = ran.stdout.split('\n').map(Number);
    expect([memoryKb, files, fileBlocks, core]).toEqual([4_194_304, 512, 262_144, 0]);
    expect(inTmp).toBeLessThanOrEqual(67_108_864);
  });

  boxed('runs in a session of its own, away from any terminal', async () => {
    const { stdout } = await run("cut -d' ' -f6 /proc/self/stat; (exec < /dev/tty) 2>&1");
    expect(Number(stdout.split('\n')[0])).toBeGreaterThan(0);
    expect(stdout).toMatch(/\/dev\/tty/);
  });

  boxed('stops when the run is cancelled', async () => {
    const running = run('echo started > started; while :; do :; done', 60_000);
    const cancelled = expect(running).rejects.toMatchObject({ code: 'cancelled' });
    host.cancel();
    await cancelled;
  });
});
