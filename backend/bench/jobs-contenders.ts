import { run as runGraphile, makeWorkerUtils, type WorkerUtils } from 'graphile-worker';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { JobEndings, Queue, Runners, Worker } from '../src/modules/jobs/index.js';
import { Database } from '../src/platform/database/database.js';
import { Wakeups } from '../src/platform/outbox/wakeups.js';
import type { Contender } from './jobs-protocol.js';

/** The same for all: handlers at once, connections, and how many jobs are put in at a time. */
const CONCURRENCY = 24;
const CONNECTIONS = 24;
const CHUNK = 1_000;

async function inChunks(n: number, put: (count: number) => Promise<unknown>): Promise<void> {
  for (let done = 0; done < n; done += CHUNK) await put(Math.min(CHUNK, n - done));
}

/** Queue and worker as the application uses them; the jobs have no trace, as the peers' have none. */
export function aos(): Contender {
  let database: Database;
  let queue: Queue;
  let elsewhere: Queue;
  let wakeups: Wakeups;
  let others: Wakeups;
  const spec = { goal: 'nothing' };
  const endings = new JobEndings();
  return {
    async setUp(url) {
      database = await Database.open({ url, poolSize: CONNECTIONS });
      wakeups = new Wakeups(database);
      // Wake-ups of another process reach the worker by NOTIFY alone.
      others = new Wakeups(database);
      await Promise.all([wakeups.listen(), others.listen()]);
      queue = new Queue(database, wakeups, endings);
      elsewhere = new Queue(database, others, endings);
    },
    fill: (n) =>
      inChunks(n, (count) =>
        database.transaction((tx) =>
          queue.enqueue(
            tx,
            Array.from({ length: count }, () => ({ spec, traceId: null })),
          ),
        ),
      ),
    async enqueueOne(from) {
      await database.transaction((tx) =>
        (from === 'same' ? queue : elsewhere).enqueue(tx, [{ spec, traceId: null }]),
      );
    },
    async startWorker(onStart) {
      const runners = new Runners();
      runners.register({
        kind: 'task',
        async run() {
          onStart();
          return { status: 'succeeded' };
        },
      });
      const worker = new Worker(database, queue, runners, endings, wakeups, {
        concurrency: CONCURRENCY,
      });
      worker.start();
      return worker;
    },
    async left() {
      const rows = await database.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM jobs WHERE status <> 'succeeded'`,
      );
      return rows[0]!.n;
    },
    async clear() {
      await database.query('TRUNCATE jobs, traces CASCADE');
    },
    async tearDown() {
      await wakeups.onApplicationShutdown();
      await others.onApplicationShutdown();
      await database.close();
    },
  };
}

/** With its local queue, and completions batched: its fastest settings. */
export function graphileWorker(): Contender {
  let pool: pg.Pool;
  let utils: WorkerUtils;
  return {
    async setUp(url) {
      pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
      // It asks for both listeners; nothing is expected to go wrong here.
      pool.on('error', (error) => console.error('graphile-worker:', error.message));
      pool.on('connect', (client) => client.on('error', () => undefined));
      utils = await makeWorkerUtils({ pgPool: pool });
      await utils.migrate();
    },
    fill: (n) =>
      inChunks(n, (count) =>
        utils.addJobs(
          Array.from({ length: count }, () => ({
            identifier: 'noop',
            payload: { goal: 'nothing' },
          })),
        ),
      ),
    async enqueueOne() {
      await utils.addJob('noop', { goal: 'nothing' });
    },
    async startWorker(onStart) {
      const runner = await runGraphile({
        pgPool: pool,
        noHandleSignals: true,
        logger: quietLogger(),
        taskList: { noop: async () => onStart() },
        preset: {
          worker: {
            concurrentJobs: CONCURRENCY,
            localQueue: { size: 500 },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
      } as Parameters<typeof runGraphile>[0]);
      return { stop: () => runner.stop() };
    },
    async left() {
      const { rows } = await pool.query(
        'SELECT count(*)::int AS n FROM graphile_worker._private_jobs',
      );
      return rows[0].n;
    },
    async clear() {
      await pool.query('TRUNCATE graphile_worker._private_jobs');
    },
    async tearDown() {
      await utils.release();
      await pool.end();
    },
  };
}

/** Batches of 100, LISTEN and NOTIFY, fetching without a pause while batches are full. */
export function pgBoss(): Contender {
  let boss: PgBoss;
  let pool: pg.Pool;
  return {
    async setUp(url) {
      pool = new pg.Pool({ connectionString: url, max: 2 });
      boss = new PgBoss({
        connectionString: url,
        max: CONNECTIONS,
        useListenNotify: true,
        supervise: false,
        schedule: false,
      });
      boss.on('error', (error) => console.error('pg-boss:', error.message));
      await boss.start();
      await boss.createQueue('noop', { notify: true });
    },
    fill: (n) =>
      inChunks(n, (count) =>
        boss.insert(
          'noop',
          Array.from({ length: count }, () => ({ data: { goal: 'nothing' } })),
        ),
      ),
    async enqueueOne() {
      await boss.send('noop', { goal: 'nothing' });
    },
    async startWorker(onStart) {
      await boss.work(
        'noop',
        {
          batchSize: 100,
          localConcurrency: 4,
          pollingIntervalSeconds: 0.5,
          burstWhenBatchFull: true,
        },
        async (jobs) => {
          for (let n = 0; n < jobs.length; n++) onStart();
        },
      );
      return { stop: () => boss.offWork('noop', { wait: true }) };
    },
    async left() {
      const { rows } = await pool.query(
        `SELECT count(*)::int AS n FROM pgboss.job WHERE name = 'noop' AND state <> 'completed'`,
      );
      return rows[0].n;
    },
    async clear() {
      await boss.deleteAllJobs('noop');
    },
    async tearDown() {
      await boss.stop({ graceful: false });
      await pool.end();
    },
  };
}

function quietLogger() {
  const quiet = Object.assign(() => undefined, {});
  return {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: console.error,
    scope: () => quietLogger(),
  } as never;
}
