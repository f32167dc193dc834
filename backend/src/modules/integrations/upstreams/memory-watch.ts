import { readFile } from 'node:fs/promises';

const LOOK_MS = 2000;
const PAGE_BYTES = 4096;
const MOST_PROCESSES = 512;

/**
 * Bounds the memory of a child and of all that it has started, on Linux: a limit of the kernel's own
 * (RLIMIT_AS) counts addresses, of which a JavaScript engine reserves many gigabytes and uses few. So what is
 * resident is looked at now and then. Elsewhere nothing is bounded.
 */
export class MemoryWatch {
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly pid: number,
    private readonly maxBytes: number,
    private readonly onExceeded: (bytes: number) => void,
    lookMs = LOOK_MS,
  ) {
    this.timer = setInterval(() => void this.look(), lookMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    const bytes = await residentBytes(this.pid);
    if (bytes > this.maxBytes) this.onExceeded(bytes);
  }
}

/** Of the process and its descendants; 0 where it cannot be told. */
export async function residentBytes(root: number): Promise<number> {
  let bytes = 0;
  const pending = [root];
  for (let seen = 0; pending.length > 0 && seen < MOST_PROCESSES; seen++) {
    const pid = pending.pop()!;
    const [pages, children] = await Promise.all([
      readFile(`/proc/${pid}/statm`, 'utf8').catch(() => ''), // gone, or no Linux
      readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => ''),
    ]);
    bytes += Number(pages.split(' ')[1] ?? 0) * PAGE_BYTES;
    pending.push(...children.split(' ').filter(Boolean).map(Number));
  }
  return bytes;
}
