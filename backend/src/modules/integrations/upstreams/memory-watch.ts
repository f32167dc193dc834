import { readFile, readdir } from 'node:fs/promises';

const LOOK_MS = 2000;
const PAGE_BYTES = 4096;

/** Of a server with all that it starts. */
export interface Bounds {
  maxBytes: number;
  maxProcesses: number;
  lookMs: number;
}
const usual: Bounds = { maxBytes: 1024 * 1024 * 1024, maxProcesses: 512, lookMs: LOOK_MS };

/**
 * Bounds the memory of a child and of all that it has started, on Linux: a limit of the kernel's own
 * (RLIMIT_AS) counts addresses, of which a JavaScript engine reserves many gigabytes and uses few. So what is
 * resident is looked at now and then. One with more processes than are looked at goes as well: what they hold cannot
 * be told, and nothing good needs so many. Elsewhere nothing is bounded.
 */
export class MemoryWatch {
  private readonly timer: NodeJS.Timeout;
  private readonly bounds: Bounds;

  /** `onExceeded` is told what was too much, as the end of a sentence. */
  constructor(
    private readonly pid: number,
    private readonly onExceeded: (why: string) => void,
    bounds: Partial<Bounds> = {},
  ) {
    this.bounds = { ...usual, ...bounds };
    this.timer = setInterval(() => void this.look(), this.bounds.lookMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    const { maxBytes, maxProcesses } = this.bounds;
    const { bytes, processes } = await useOf(this.pid, maxProcesses);
    if (processes > maxProcesses) this.onExceeded(`it had more than ${maxProcesses} processes`);
    else if (bytes > maxBytes)
      this.onExceeded(`it used ${toMb(bytes)} MB of memory; ${toMb(maxBytes)} MB are allowed`);
  }
}

const toMb = (bytes: number) => Math.round(bytes / 1024 / 1024);

/** Of the process and its descendants, as far as one more than `most` of them; 0 bytes where it cannot be told. */
export async function useOf(
  root: number,
  most = usual.maxProcesses,
): Promise<{ bytes: number; processes: number }> {
  let bytes = 0;
  let processes = 0;
  for (const pending = [root]; pending.length > 0 && processes <= most; processes++) {
    const pid = pending.pop()!;
    const [pages, children] = await Promise.all([
      readFile(`/proc/${pid}/statm`, 'utf8').catch(() => ''), // gone, or no Linux
      childrenOf(pid),
    ]);
    bytes += Number(pages.split(' ')[1] ?? 0) * PAGE_BYTES;
    pending.push(...children);
  }
  return { bytes, processes };
}

/** The system lists them by the thread that started them. */
async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []); // gone, or no Linux
  const lists = await Promise.all(
    threads.map((thread) =>
      readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => ''),
    ),
  );
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}
