/**
 * Runs a program in a box of its own, made by bubblewrap.
 *
 *     AOS --spawn, empty environment, what the box is made of over a pipe--> bwrap --> new user, pid, mount, net, ipc, uts, cgroup
 *                                               /usr, /lib ... read-only; /tmp and /dev/shm small, in memory
 *                                               /workspace = the run's workspace, the only other place to write
 *                                               --> prlimit --> the program
 *
 * Guarantees: no network, not even loopback of the host; no file of the host but the system's programs
 * and the workspace; no environment of ours (bwrap itself is spawned with an empty one, since its own
 * stays readable in /proc/1/environ however it clears the child's; nor, for the same reason, the place of the
 * workspace or a variable in its arguments, which everybody on the host could read as well); no capabilities, no further user
 * namespaces; at most a number of processes, of seconds of processor and of bytes per file and per
 * address space. When the time is up, or the output passes its limit, or AOS dies, the first process
 * of the pid namespace is killed and the kernel kills all others with it: setsid, double forks and
 * ignored signals change nothing.
 *
 * The memory of all processes taken together is looked at while they run, and what passes its limit is ended; should
 * the machine run out of memory before that, the kernel takes the box first. Not limited without cgroups: files in memory
 * that no process has mapped, and the disk the workspace lies on.
 *
 * Failure: where bwrap is missing or may not make namespaces, `findSandbox` answers with the reason,
 * and whoever asked does without or refuses. There is no unboxed way to run a command of the caller's.
 */
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { type Said, say } from '@aos/contracts';
import { ToolFault } from '../tool.js';
import { codeOf } from './workspace-path.js';

export interface SandboxCommand {
  argv: string[];
  env?: Record<string, string>;
  /** Within /workspace. */
  folder?: string;
  input?: string;
}

export interface RunLimits {
  timeoutMs: number;
  maxOutputBytes: number;
  /** Of all its processes together. */
  maxMemoryBytes?: number;
  signal: AbortSignal;
}

export interface RunResult {
  exitCode: number | null;
  stdout: Buffer;
  stderr: Buffer;
  truncated: boolean;
  timedOut: boolean;
}

export const SANDBOX_ROOT = '/workspace';

/**
 * The kernel does not count processes for root. Where AOS runs as root, `watchProcesses` below counts
 * them instead, which is slower to notice: a fork bomb gets some hundreds of processes before it ends.
 */
const MAX_PROCESSES = 128;
/** Of all of them, which are looked at one by one: for others than root they count as processes, and end before. */
const MAX_THREADS = 512;
/** As much as one process may address. */
const MAX_MEMORY_BYTES = 4 * 1024 ** 3;

const LIMITS = [
  `--nproc=${MAX_PROCESSES}`,
  '--fsize=268435456',
  `--as=${MAX_MEMORY_BYTES}`,
  '--nofile=512',
  '--core=0',
];

/** Folders of the host that hold programs and what they load, as they are on this machine. */
function systemMounts(): string[] {
  const args = ['--ro-bind', '/usr', '/usr'];
  for (const folder of ['/bin', '/sbin', '/lib', '/lib32', '/lib64']) {
    if (!existsSync(folder)) continue;
    if (lstatSync(folder).isSymbolicLink()) args.push('--symlink', readlinkSync(folder), folder);
    else args.push('--ro-bind', folder, folder);
  }
  for (const file of ['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'alternatives', 'localtime']) {
    args.push('--ro-bind-try', `/etc/${file}`, `/etc/${file}`);
  }
  return args;
}

/** What the box is made of, as bwrap reads it from a pipe: each ends with a NUL. */
function boxOf(workspace: string, command: SandboxCommand): string {
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    HOME: '/tmp',
    LANG: 'C.UTF-8',
    ...command.env,
  };
  const options = [
    ...['--unshare-all', '--unshare-user', '--disable-userns', '--die-with-parent'],
    ...['--new-session', '--cap-drop', 'ALL', '--uid', '1000', '--gid', '1000'],
    ...['--hostname', 'sandbox', '--clearenv'],
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...systemMounts(),
    ...['--proc', '/proc', '--dev', '/dev', '--size', '67108864', '--tmpfs', '/tmp'],
    ...['--size', '16777216', '--tmpfs', '/dev/shm'],
    ...['--bind', workspace, SANDBOX_ROOT],
    // Both are made in memory, of which they might hold half: nothing but what is mounted in them takes files.
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
    ...['--chdir', command.folder ? `${SANDBOX_ROOT}/${command.folder}` : SANDBOX_ROOT],
  ];
  // One within a value would begin another option.
  if (options.some((option) => option.includes('\0')))
    throw new Error('a NUL in the variables or the folder of a command');
  return options.map((option) => `${option}\0`).join('');
}

/** Whatever it does, AOS is to stay awake. */
const boxedArgv = ({ argv }: SandboxCommand, cpuSeconds: number): string[] => [
  ...['--args', '3', '--', '/usr/bin/prlimit', ...LIMITS, `--cpu=${cpuSeconds}`, '--'],
  ...['/usr/bin/choom', '-n', '1000', '--', '/usr/bin/nice', '-n', '19', ...argv],
];

export type Sandbox = { isReady: true; bwrap: string } | { isReady: false; reason: Said };

let found: Promise<Sandbox> | undefined;

/** Tries a box once per process: what works is known by trying, not by a version or a flag. */
export function findSandbox(): Promise<Sandbox> {
  return (found ??= trySandbox());
}

async function trySandbox(): Promise<Sandbox> {
  if (process.platform !== 'linux') {
    return { isReady: false, reason: say('sandbox-linux-only') };
  }
  const bwrap = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'].find((path) =>
    existsSync(path),
  );
  if (!bwrap) return { isReady: false, reason: say('sandbox-no-bubblewrap') };
  if (!['prlimit', 'choom'].every((name) => existsSync(`/usr/bin/${name}`))) {
    return {
      isReady: false,
      reason: say('sandbox-no-prlimit'),
    };
  }
  const limits = {
    timeoutMs: 10_000,
    maxOutputBytes: 65_536,
    signal: new AbortController().signal,
  };
  const command = { argv: ['/bin/sh', '-c', 'exit 7'] };
  const trial = await runBox(bwrap, '/tmp', command, 5, limits);
  if (trial.exitCode === 7) return { isReady: true, bwrap };
  const said = trial.stderr.toString('utf8').trim().slice(0, 300);
  return {
    isReady: false,
    reason: say('sandbox-refused', { why: said || `exit ${trial.exitCode}` }),
  };
}

export function runBoxed(
  bwrap: string,
  workspace: string,
  command: SandboxCommand,
  limits: RunLimits,
): Promise<RunResult> {
  const cpuSeconds = Math.ceil(limits.timeoutMs / 1000) * 2 + 1;
  return runBox(bwrap, workspace, command, cpuSeconds, limits);
}

async function runBox(
  bwrap: string,
  workspace: string,
  command: SandboxCommand,
  cpuSeconds: number,
  limits: RunLimits,
): Promise<RunResult> {
  const box = boxOf(workspace, command);
  return runProcess(bwrap, boxedArgv(command, cpuSeconds), {}, command.input, limits, box);
}

/**
 * Runs a program without a shell and with exactly `env`; kills it at a limit or on abort. `told` is what it reads from
 * its fourth file, number 3.
 */
export function runProcess(
  program: string,
  args: string[],
  env: Record<string, string>,
  input: string | undefined,
  { timeoutMs, maxOutputBytes, maxMemoryBytes = MAX_MEMORY_BYTES, signal }: RunLimits,
  told?: string,
): Promise<RunResult> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stdio: 'pipe'[] = [
      'pipe',
      'pipe',
      'pipe',
      ...(told === undefined ? [] : ['pipe' as const]),
    ];
    const child = spawn(program, args, { env, stdio, shell: false, detached: true });
    child.once('error', reject);
    if (child.pid === undefined) return; // where no files are left, it has no pipes either
    for (const [at, text] of [input ?? '', told].entries()) {
      const pipe = child.stdio[at === 0 ? 0 : 3] as Writable | undefined;
      pipe?.on('error', () => undefined); // it may exit without reading what it was given
      pipe?.end(text);
    }
    const out: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    let bytes = 0;
    let truncated = false;
    let timedOut = false;
    let hasOutgrown = false;
    const kill = () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      try {
        process.kill(-child.pid!, 'SIGKILL'); // its process group; of a box, bwrap takes all along
      } catch (error) {
        if (codeOf(error) !== 'ESRCH') throw error; // it ended just now
      }
    };
    const watch = watchProcesses(child.pid, maxMemoryBytes, (what) => {
      if (what === 'memory') hasOutgrown = true;
      else truncated = true;
      kill();
    });
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    signal.addEventListener('abort', kill, { once: true });
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]!.on('data', (chunk: Buffer) => {
        const room = maxOutputBytes - bytes;
        if (chunk.length > room) {
          truncated = true;
          kill();
        }
        if (room > 0) out[name].push(chunk.subarray(0, room));
        bytes += Math.min(chunk.length, Math.max(0, room));
      });
    }
    const done = () => {
      clearTimeout(timer);
      clearInterval(watch);
      signal.removeEventListener('abort', kill);
    };
    child.once('close', (exitCode) => {
      done();
      if (signal.aborted) return reject(signal.reason as Error);
      if (hasOutgrown) {
        const most = `${Math.round(maxMemoryBytes / 1024 ** 2)} MB`;
        return reject(new ToolFault('out_of_memory', say('command-memory', { most })));
      }
      resolve({
        ...{ exitCode, truncated, timedOut },
        stdout: Buffer.concat(out.stdout),
        stderr: Buffer.concat(out.stderr),
      });
    });
  });
}

const WATCH_EVERY_MS = 25;
/** The smallest that Linux has: where pages are larger, the limit is as well. */
const PAGE_BYTES = 4096;

/** Calls `onTooMuch` when the process and its descendants are more than a box may hold, or take more memory. */
function watchProcesses(
  pid: number,
  maxMemoryBytes: number,
  onTooMuch: (what: 'processes' | 'memory') => void,
): NodeJS.Timeout | undefined {
  if (process.platform !== 'linux') return undefined;
  return setInterval(() => {
    const { processes, bytes } = heldBy(pid);
    if (bytes > maxMemoryBytes) onTooMuch('memory');
    else if (processes > MAX_PROCESSES && process.getuid?.() === 0) onTooMuch('processes');
  }, WATCH_EVERY_MS);
}

/**
 * Orphans go to the first process of their pid namespace, so none leaves the tree. What several share is counted for
 * each of them.
 */
function heldBy(root: number): { processes: number; bytes: number } {
  const found = [root];
  let bytes = 0;
  let threads = 0;
  try {
    for (let i = 0; i < found.length && found.length <= MAX_PROCESSES; i += 1) {
      const at = `/proc/${found[i]}`;
      const tasks = unlessEnded(() => readdirSync(`${at}/task`)) ?? [];
      threads += tasks.length;
      if (threads > MAX_THREADS) return { processes: MAX_PROCESSES + 1, bytes };
      // A child belongs to the thread that made it.
      for (const task of tasks) {
        const children = unlessEnded(() => readFileSync(`${at}/task/${task}/children`, 'utf8'));
        found.push(...(children ?? '').split(' ').filter(Boolean).map(Number));
      }
      const pages = unlessEnded(() => readFileSync(`${at}/statm`, 'utf8').split(' ')[1]);
      bytes += PAGE_BYTES * Number(pages ?? 0);
    }
  } catch {
    return { processes: MAX_PROCESSES + 1, bytes }; // what cannot be counted may be any number
  }
  return { processes: found.length, bytes };
}

/** Undefined where it ended between being listed and being looked at. */
function unlessEnded<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}
