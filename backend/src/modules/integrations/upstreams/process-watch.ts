import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Sees to it that children die with this process, however it dies. A process that is killed with SIGKILL
 * cannot clean up, so one small shell does it: it is told the process groups over its standard input, and
 * when that input ends, which the kernel sees to, it kills the groups that are left. It is itself in a group
 * of its own, out of reach of a Ctrl-C in the terminal. Where there is no /bin/sh, a server learns of the
 * end of its owner only by the end of its own standard input, which well-behaved ones heed.
 */
// `kill -s KILL`: the shell of Debian does not take `kill -KILL -- -group`.
const script = `groups=
while read -r op group; do
  case $op in
    +) groups="$groups $group" ;;
    -) kept=; for each in $groups; do [ "$each" = "$group" ] || kept="$kept $each"; done; groups=$kept ;;
  esac
done
for each in $groups; do kill -s KILL -- "-$each"; done`;

export class ProcessWatch {
  private readonly groups = new Set<number>();
  private watcher: ChildProcess | undefined;

  constructor(private readonly shell = '/bin/sh') {}

  add(group: number): void {
    this.groups.add(group);
    if (this.watcher) this.tell(`+ ${group}\n`);
    else this.start();
  }

  remove(group: number): void {
    this.groups.delete(group);
    this.tell(`- ${group}\n`);
    if (this.groups.size > 0) return;
    // Nothing is left to watch: the input ends and the shell with it.
    this.watcher?.stdin?.end();
    this.watcher = undefined;
  }

  private start(): void {
    if (process.platform === 'win32') return;
    const watcher = spawn(this.shell, ['-c', script], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
    });
    this.watcher = watcher;
    const gone = () => {
      if (this.watcher !== watcher) return;
      this.watcher = undefined;
      if (this.groups.size > 0) this.start();
    };
    watcher.once('exit', gone);
    // No shell on this machine: see above.
    watcher.once('error', () =>
      this.watcher === watcher ? (this.watcher = undefined) : undefined,
    );
    // Where no files are left it has no input either.
    watcher.stdin?.on('error', () => undefined); // it has just died; `exit` starts another
    watcher.unref();
    (watcher.stdin as unknown as { unref?: () => void } | undefined)?.unref?.();
    for (const group of this.groups) this.tell(`+ ${group}\n`);
  }

  private tell(line: string): void {
    this.watcher?.stdin?.write(line);
  }
}

export const processWatch = new ProcessWatch();
