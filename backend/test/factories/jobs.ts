import type { TaskSpec } from '@aos/contracts';
import { Outbox } from '../../src/platform/outbox/outbox.js';
import { Wakeups } from '../../src/platform/outbox/wakeups.js';
import {
  type ClaimedJob,
  JobEndings,
  type JobOutcome,
  type Lease,
  Queue,
  Runners,
  Worker,
  type WorkerOptions,
  type WorkerSignal,
} from '../../src/modules/jobs/index.js';
import type { Claim, NewJob } from '../../src/modules/jobs/queue.js';
import { type TestDatabase, openTestDatabase } from '../harness.js';

export const aSpec = (overrides: Partial<TaskSpec> = {}): TaskSpec => ({
  goal: 'count to three',
  ...overrides,
});

/** A queue over a database of its own, and whatever else a test of it wants to look at. */
export interface JobBench extends TestDatabase {
  queue: Queue;
  endings: JobEndings;
  wakeups: Wakeups;
  outbox: Outbox;
  /** Enqueued in order, in one statement; the ids. */
  enqueue(...jobs: Partial<NewJob>[]): Promise<string[]>;
  /** Claims one job, for a worker of the given name. */
  claimOne(owner?: string): Promise<Claim>;
  row(jobId: string): Promise<Record<string, unknown>>;
  /** Lets the leases of these jobs run out, by the database's clock. */
  expire(...jobIds: string[]): Promise<void>;
  /** A worker that is stopped with the bench, running `run` for the kind `task`. */
  worker(
    run: (job: ClaimedJob, lease: Lease) => Promise<JobOutcome>,
    options?: Partial<WorkerOptions>,
  ): TestWorker;
}

export interface TestWorker {
  worker: Worker;
  /** Resolves with the first signal, past or future, that fits. */
  heard(what: WorkerSignal['what'], fits?: (jobIds: string[]) => boolean): Promise<void>;
}

/** Over a database of its own, or over one that several tests use one after the other. */
export async function openJobBench(
  options: { poolSize?: number; over?: TestDatabase } = {},
): Promise<JobBench> {
  const test = options.over ?? (await openTestDatabase(options));
  const { database } = test;
  const wakeups = new Wakeups(database);
  await wakeups.listen();
  const endings = new JobEndings();
  const queue = new Queue(database, wakeups, endings);
  const workers: Worker[] = [];
  return {
    ...test,
    queue,
    endings,
    wakeups,
    outbox: new Outbox(wakeups),
    async enqueue(...jobs) {
      const enqueued = await database.transaction((tx) =>
        queue.enqueue(
          tx,
          jobs.map((job) => ({ spec: aSpec(), ...job })),
        ),
      );
      return enqueued.map((job) => job.id);
    },
    async claimOne(owner = 'worker-1') {
      const [claim] = await queue.claim(owner, ['task'], 1, 30_000);
      if (!claim) throw new Error('there is no job to claim');
      return claim;
    },
    async row(jobId) {
      const [row] = await database.query('SELECT * FROM jobs WHERE id = $1', [jobId]);
      return row!;
    },
    async expire(...jobIds) {
      await database.query(
        `UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = ANY($1::bigint[])`,
        [jobIds],
      );
    },
    worker(run, overrides = {}) {
      const heard: { what: WorkerSignal['what']; jobIds: string[] }[] = [];
      const waiting = new Set<() => void>();
      const runners = new Runners();
      runners.register({ kind: 'task', run });
      const worker = new Worker(database, queue, runners, endings, wakeups, {
        pollMs: 50,
        rescueMs: 50,
        graceMs: 200,
        backoff: { firstMs: 1, maxMs: 10 },
        ...overrides,
        onSignal(signal) {
          heard.push({
            what: signal.what,
            jobIds: 'jobIds' in signal ? signal.jobIds : [signal.jobId],
          });
          for (const look of [...waiting]) look();
          overrides.onSignal?.(signal);
        },
      });
      workers.push(worker);
      return {
        worker,
        heard: (what, fits = () => true) =>
          new Promise((done) => {
            const look = () => {
              if (!heard.some((each) => each.what === what && fits(each.jobIds))) return;
              waiting.delete(look);
              done();
            };
            waiting.add(look);
            look();
          }),
      };
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await wakeups.onApplicationShutdown();
      if (!options.over) await test.close();
    },
  };
}

/** A promise that is settled from outside: what a test runner waits for. */
export function gate<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((done) => (open = done));
  return { promise, open };
}

/** Resolves when the signal is aborted, with why. */
export const aborted = (signal: AbortSignal): Promise<string> =>
  new Promise((done) => {
    const tell = () => done((signal.reason as { why: string }).why);
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
  });
