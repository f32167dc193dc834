import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  type JSONRPCMessage,
  type Transport,
  serializeMessage,
} from '@modelcontextprotocol/client';
import type { Launch } from './launch-templates.js';
import { type Bounds, MemoryWatch } from './memory-watch.js';
import { MessageLines } from './message-lines.js';
import { processWatch } from './process-watch.js';

/** One message from a server may have this many bytes; a longer one ends the connection. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** Of what a server writes to standard error, the end is kept, to say why it died. */
const KEPT_STDERR = 4096;
const GRACE_MS = 1000;

/**
 * A tool server as a child process, spoken to over its standard input and output.
 *
 * It is started without a shell, with a listed environment, in a process group of its own. `close` ends its
 * input, then asks with SIGTERM, then kills the group; whatever the child left behind in its group goes when
 * the child itself ends. When this process dies, the watch kills the group (see process-watch.ts).
 */
export class StdioProcess implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  private child: ChildProcessWithoutNullStreams | undefined;
  private readonly input = new MessageLines(MAX_MESSAGE_BYTES);
  private memory: MemoryWatch | undefined;
  private stderr = '';
  private isStderrCut = false;
  /** Why it was ended here, which says more than whatever it said itself. */
  private endedFor: string | undefined;
  private isClosed = false;

  constructor(
    private readonly launch: Launch,
    private readonly options: {
      cwd: string;
      env: Record<string, string>;
      bounds?: Partial<Bounds>;
    },
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** The last that the server wrote to standard error, whole lines: half a secret would not be known for one. */
  get lastWords(): string {
    if (this.endedFor !== undefined) return this.endedFor;
    if (!this.isStderrCut) return this.stderr.trim();
    return this.stderr.slice(this.stderr.indexOf('\n') + 1 || this.stderr.length).trim();
  }

  async start(): Promise<void> {
    const child = spawn(this.launch.file, this.launch.args, {
      shell: false,
      detached: process.platform !== 'win32',
      windowsHide: true,
      cwd: this.options.cwd,
      env: this.options.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const spawned = once(child, 'spawn'); // rejects with the reason when it cannot be started
    if (child.pid === undefined) return void (await spawned); // where no files are left, it has no pipes either
    this.child = child;
    child.stdin.on('error', (error) => this.onerror?.(error));
    child.stdout.on('data', (chunk: Buffer) => this.receive(chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      const said = this.stderr + chunk;
      this.isStderrCut ||= said.length > KEPT_STDERR;
      this.stderr = said.slice(-KEPT_STDERR);
    });
    child.once('exit', () => {
      this.memory?.stop();
      this.kill('SIGKILL'); // what it left behind in its group
      if (child.pid) processWatch.remove(child.pid);
    });
    child.once('close', () => this.ended());
    await spawned;
    processWatch.add(child.pid!);
    child.on('error', (error) => this.onerror?.(error));
    this.memory = new MemoryWatch(
      child.pid!,
      (why) => {
        this.endedFor = `ended because ${why}`;
        this.kill('SIGKILL');
      },
      this.options.bounds,
    );
  }

  send(message: JSONRPCMessage): Promise<void> {
    const { child } = this;
    if (!child || this.isClosed || !child.stdin.writable)
      return Promise.reject(new Error('the server has ended'));
    this.gather(child);
    return new Promise((done, fail) =>
      child.stdin.write(serializeMessage(message), (error) => (error ? fail(error) : done())),
    );
  }

  async close(): Promise<void> {
    const { child } = this;
    if (!child || this.isClosed) return this.ended();
    if (child.exitCode !== null || child.signalCode !== null) {
      // Why it died stands in its pipe until that is read; a grandchild may hold it open for as long as it likes.
      await endsWithin(new Promise((done) => child.once('close', done)), GRACE_MS);
      return this.ended();
    }
    const exited = once(child, 'exit');
    child.stdin.end();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (await endsWithin(exited, GRACE_MS)) break;
      this.kill(signal);
    }
    await exited;
    // A grandchild that left the group may still hold the pipes: nothing of it is waited for.
    child.stdout.destroy();
    child.stderr.destroy();
    this.ended();
  }

  /** What is sent in the same turn of the loop goes in one write: each costs both sides a trip to the system. */
  private gather({ stdin }: ChildProcessWithoutNullStreams): void {
    if (stdin.writableCorked > 0) return;
    stdin.cork();
    setImmediate(() => stdin.uncork());
  }

  private receive(chunk: Buffer): void {
    try {
      let hasTold = false;
      for (const message of this.input.take(chunk)) {
        const isAnswer = !('method' in message);
        // The SDK hears what is told one turn later than it takes an answer, and of a call that is over nothing more.
        if (isAnswer && hasTold) queueMicrotask(() => this.onmessage?.(message));
        else this.onmessage?.(message);
        hasTold ||= !isAnswer;
      }
    } catch (error) {
      this.onerror?.(error as Error);
      this.kill('SIGKILL');
    }
  }

  private kill(signal: NodeJS.Signals): void {
    const pid = this.child?.pid;
    if (!pid) return;
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') this.onerror?.(error as Error); // ESRCH: gone already
    }
  }

  private ended(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.input.clear();
    this.onclose?.();
  }
}

async function endsWithin(end: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((done) => (timer = setTimeout(done, ms, false)));
  try {
    return await Promise.race([end.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a child sees of the environment: enough to find programs and a home, and nothing of this process. */
export function childEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'SYSTEMROOT', 'APPDATA']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
