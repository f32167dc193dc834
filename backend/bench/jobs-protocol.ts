/** What `jobs.ts` asks of each contender, a process of its own. */
export type Order =
  | { op: 'set-up'; url: string; adminUrl: string; database: string }
  /** Puts n no-op jobs in, outside the clock, then works them all off: milliseconds from the worker's start. */
  | { op: 'drain'; n: number }
  /** n times: one job into an idle queue with a worker waiting; milliseconds from the call to the handler's start. */
  | { op: 'latency'; n: number; from: 'same' | 'other' }
  /** n jobs, one call each, 16 calls at a time, no worker: milliseconds. */
  | { op: 'enqueue'; n: number }
  | { op: 'end' };

export interface Answer {
  ms?: number;
  samples?: number[];
  error?: string;
}

export interface Contender {
  setUp(url: string): Promise<void>;
  fill(n: number): Promise<void>;
  enqueueOne(from: 'same' | 'other'): Promise<void>;
  /** Calls `onStart` for every job at the start of its handler. Resolves when it is ready to work. */
  startWorker(onStart: () => void): Promise<{ stop(): Promise<void> }>;
  /** Jobs that are not finished yet. */
  left(): Promise<number>;
  clear(): Promise<void>;
  tearDown(): Promise<void>;
}
