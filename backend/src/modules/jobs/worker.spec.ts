import { AsyncLocalStorage } from 'node:async_hooks';
import { type JobBench, aSpec, aborted, gate, openJobBench } from '../../../test/factories/jobs.js';
import { type TestDatabase, openTestDatabase } from '../../../test/harness.js';
import { sql } from '../../platform/database/sql.js';
import type { JobEnding } from './endings.js';
import { type JobOutcome, LeaseEnded } from './lease.js';
import { BATCH } from './queue.js';
import type { WorkerSignal } from './worker.js';

let over: TestDatabase;
let bench: JobBench;
beforeAll(async () => {
  over = await openTestDatabase();
});
beforeEach(async () => {
  bench = await openJobBench({ over });
});
afterEach(async () => {
  await bench.close();
  await over.database.query('DELETE FROM jobs');
});
afterAll(() => over.close());

const done: JobOutcome = { status: 'succeeded' };
const statusOf = async (id: string) => (await bench.row(id))['status'];
const transaction: JobBench['database']['transaction'] = (work) => bench.database.transaction(work);

describe('a worker', () => {
  it('is woken by a commit, runs what was enqueued, and writes what came of it', async () => {
    const { worker, heard } = bench.worker(async () => done, { pollMs: 3_600_000 });
    worker.start();
    worker.start();
    const [id] = await bench.enqueue({});
    await heard('ended', (ids) => ids.includes(id!));
    expect(await bench.row(id!)).toMatchObject({
      status: 'succeeded',
      attempts: 1,
      lease_owner: null,
      error: null,
    });
  });

  it('runs a job outside of whatever woke it', async () => {
    const surroundings = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const { worker, heard } = bench.worker(
      async () => {
        seen.push(surroundings.getStore());
        return done;
      },
      { pollMs: 3_600_000 },
    );
    worker.start();
    await surroundings.run('the run of another job', () => bench.enqueue({}));
    await heard('ended');
    expect(seen).toEqual([undefined]);
  });

  it('finds jobs by polling when the wake-up is lost', async () => {
    const { worker, heard } = bench.worker(async () => done, { pollMs: 20 });
    worker.start();
    await bench.database.query(
      `INSERT INTO jobs (spec, trace_id) VALUES ('{"goal":"unheard"}', 'unheard')`,
    );
    await heard('ended');
  });

  it('works through a long queue in batches, each job once, beside a second worker', async () => {
    const runs = new Map<string, number>();
    let atOnce = 0;
    let most = 0;
    const run = async ({ id }: { id: string }): Promise<JobOutcome> => {
      most = Math.max(most, ++atOnce);
      runs.set(id, (runs.get(id) ?? 0) + 1);
      await Promise.resolve();
      atOnce--;
      return done;
    };
    const ids = await bench.enqueue(...Array.from({ length: 2_000 }, () => ({})));
    // By this clock every batch is used up in no time, however slow the machine: each claim takes more than the last.
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    const claims: number[] = [];
    const all = gate();
    let ended = 0;
    const onSignal = (signal: WorkerSignal) => {
      if (signal.what === 'claimed') claims.push(signal.jobIds.length);
      if (signal.what === 'ended' && ++ended === ids.length) all.open();
    };
    for (let n = 0; n < 2; n++) bench.worker(run, { concurrency: 3, onSignal }).worker.start();
    await all.promise;
    clock.mockRestore();
    expect([...runs.values()].filter((times) => times !== 1)).toEqual([]);
    expect(runs.size).toBe(2_000);
    expect(most).toBeLessThanOrEqual(6);
    expect(Math.max(...claims)).toBe(BATCH);
    const left = await bench.database.query(`SELECT id FROM jobs WHERE status <> 'succeeded'`);
    expect(left).toEqual([]);
  });

  it('claims no more slow jobs than it can start, so that others find them', async () => {
    const release = gate();
    const { worker, heard } = bench.worker(() => release.promise.then(() => done), {
      concurrency: 2,
    });
    await bench.enqueue({}, {}, {}, {}, {});
    worker.start();
    await heard('claimed');
    const [{ n }] = (await bench.database.query<{ n: string }>(
      `SELECT count(*) AS n FROM jobs WHERE status = 'queued'`,
    )) as [{ n: string }];
    expect(Number(n)).toBe(3);
    release.open();
  });

  it('does not claim ahead because several jobs that take a while end one after the other', async () => {
    const claims: number[] = [];
    const all = gate();
    let ended = 0;
    const onSignal = (signal: WorkerSignal) => {
      if (signal.what === 'claimed') claims.push(signal.jobIds.length);
      if (signal.what === 'ended' && ++ended === 24) all.open();
    };
    const takesAWhile = () => new Promise<JobOutcome>((end) => setTimeout(() => end(done), 10));
    await bench.enqueue(...Array.from({ length: 24 }, () => ({})));
    bench.worker(takesAWhile, { concurrency: 3, onSignal }).worker.start();
    await all.promise;
    // A crash costs every claimed job an attempt, so what was not begun must not be among them.
    expect(Math.max(...claims)).toBe(3);
  });

  it('tries a job again that threw, and says so without the error itself', async () => {
    const recoveries: unknown[] = [];
    const { worker, heard } = bench.worker(async (job) => {
      recoveries.push(job.recovery?.why ?? null);
      if (job.attempts < 3) throw new Error('password=hunter2');
      return done;
    });
    silence(worker);
    const [id] = await bench.enqueue({ maxAttempts: 3 });
    worker.start();
    await heard('ended', () => recoveries.length === 3);
    await worker.stop();
    expect(await statusOf(id!)).toBe('succeeded');
    expect(recoveries).toEqual([null, 'retry', 'retry']);
    expect(JSON.stringify(await bench.row(id!))).not.toContain('hunter2');
  });

  it('ends as failed, once, a job that throws until its attempts are used up', async () => {
    const told: JobEnding[] = [];
    const ended = gate();
    bench.endings.register('task', async (_tx, _job, ending) => {
      told.push(ending);
      ended.open();
    });
    const { worker } = bench.worker(async () => {
      throw new Error('always');
    });
    silence(worker);
    const [id] = await bench.enqueue({ maxAttempts: 2 });
    worker.start();
    await ended.promise;
    await worker.stop();
    expect(told).toEqual([expect.objectContaining({ status: 'failed', why: 'exhausted' })]);
    expect(await bench.row(id!)).toMatchObject({
      status: 'failed',
      attempts: 2,
      error: { code: 'internal' },
    });
  });

  it('starts a scheduled job when its time has come, without a poll in between', async () => {
    const { worker, heard } = bench.worker(async () => done, { pollMs: 3_600_000 });
    const [id] = await bench.enqueue({ scheduledAt: '2999-01-01T00:00:00Z' });
    await bench.database.query(
      `UPDATE jobs SET run_at = now() + interval '50 milliseconds' WHERE id = $1`,
      [id],
    );
    worker.start();
    await heard('ended', (ids) => ids.includes(id!));
    expect(await statusOf(id!)).toBe('succeeded');
  });
});

describe('a runner that must stop', () => {
  it('is told of a cancel at once, and the job ends as cancelled whatever it throws', async () => {
    const told: JobEnding[] = [];
    bench.endings.register('task', async (_tx, _job, ending) => void told.push(ending));
    const begun = gate();
    const { worker, heard } = bench.worker(
      async (_job, lease) => {
        begun.open();
        throw new Error(await aborted(lease.signal));
      },
      { leaseMs: 3_600_000 },
    );
    const [id] = await bench.enqueue({});
    worker.start();
    await begun.promise;
    await transaction((tx) => bench.queue.requestCancel(tx, id!, 'changed my mind'));
    await heard('ended');
    expect(await statusOf(id!)).toBe('cancelled');
    expect(told).toEqual([
      expect.objectContaining({
        status: 'cancelled',
        why: 'cancelled',
        reason: 'changed my mind',
        error: null,
      }),
    ]);
  });

  it('is told of a cancel by the heartbeat when the wake-up is lost', async () => {
    const begun = gate();
    const { worker, heard } = bench.worker(
      async (_job, lease) => {
        begun.open();
        await aborted(lease.signal);
        return { status: 'released' };
      },
      { leaseMs: 150 },
    );
    const [id] = await bench.enqueue({});
    worker.start();
    await begun.promise;
    await bench.database.query('UPDATE jobs SET cancel_requested_at = now() WHERE id = $1', [id]);
    await heard('ended');
    expect(await statusOf(id!)).toBe('cancelled');
  });

  it('may still say its own word: what succeeded before it noticed has succeeded', async () => {
    const begun = gate();
    const { worker, heard } = bench.worker(async (_job, lease) => {
      begun.open();
      await aborted(lease.signal);
      return done;
    });
    const [id] = await bench.enqueue({});
    worker.start();
    await begun.promise;
    await transaction((tx) => bench.queue.requestCancel(tx, id!, null));
    await heard('ended');
    expect(await statusOf(id!)).toBe('succeeded');
  });

  it('is told when the time budget of its task is used up, over all attempts', async () => {
    const { worker, heard } = bench.worker(async (_job, lease) => {
      throw new Error(await aborted(lease.signal));
    });
    const [id] = await bench.enqueue({ spec: aSpec({ budget: { timeoutMs: 3_600_000 } }) });
    await bench.database.query('UPDATE jobs SET active_ms = 3600000 WHERE id = $1', [id]);
    worker.start();
    await heard('ended');
    expect(await bench.row(id!)).toMatchObject({
      status: 'failed',
      error: { code: 'budget_exhausted' },
    });
  });

  it('is told when its lease was taken over, and changes nothing more', async () => {
    const begun = gate();
    const why = gate<string>();
    const { worker, heard } = bench.worker(
      async (_job, lease) => {
        begun.open();
        why.open(await aborted(lease.signal));
        return done;
      },
      { leaseMs: 300, pollMs: 3_600_000, rescueMs: 3_600_000 },
    );
    const [id] = await bench.enqueue({});
    worker.start();
    await begun.promise;
    // As if the process had been stopped for longer than a lease: another one rescues and claims.
    await transaction(async (tx) => {
      await sql(
        tx,
        `UPDATE jobs SET fence = fence + 1, lease_owner = 'successor', lease_until = now() + interval '1 hour' WHERE id = $1`,
        [id],
      );
    });
    expect(await why.promise).toBe('lost');
    await heard('ended');
    expect(await bench.row(id!)).toMatchObject({ status: 'running', lease_owner: 'successor' });
  });

  it('is told that its lease is lost when its own worker was given the job anew, before any heartbeat', async () => {
    const why = gate<string>();
    const fences: string[] = [];
    const { worker, heard } = bench.worker(
      async (_job, lease) => {
        if (fences.push(lease.fence) === 1) {
          // As if the process had been stopped for longer than a lease, and another one had looked for lapsed ones.
          await bench.expire(lease.jobId);
          await bench.queue.rescue(['task'], { owner: 'another' });
          why.open(await aborted(lease.signal));
        } else expect(await why.promise).toBe('lost');
        return done;
      },
      { leaseMs: 3_600_000, rescueMs: 3_600_000 },
    );
    const [id] = await bench.enqueue({});
    worker.start();
    expect(await why.promise).toBe('lost');
    await heard('ended');
    await worker.stop();
    expect(await bench.row(id!)).toMatchObject({ status: 'succeeded', attempts: 2 });
    expect(new Set(fences).size).toBe(2);
  });
});

describe('recovery', () => {
  it('takes up the jobs of a worker that was killed, once their leases have run out', async () => {
    const [id, other] = await bench.enqueue({}, {});
    await bench.claimOne('killed');
    await bench.claimOne('alive elsewhere');
    await bench.expire(id!);
    const recoveries: unknown[] = [];
    const { worker, heard } = bench.worker(async (job) => {
      recoveries.push(job.recovery);
      return done;
    });
    worker.start();
    await heard('ended', (ids) => ids.includes(id!));
    await worker.stop();
    expect(recoveries).toEqual([
      expect.objectContaining({ why: 'lease-expired', owner: 'killed' }),
    ]);
    expect(await statusOf(id!)).toBe('succeeded');
    expect(await bench.row(other!)).toMatchObject({
      status: 'running',
      lease_owner: 'alive elsewhere',
    });
  });

  it('takes up what is leased to itself without its knowing, as when the answer to a claim was lost', async () => {
    const { worker, heard } = bench.worker(async () => done);
    const [unknown, leased] = await bench.enqueue({}, {});
    await bench.claimOne(worker.owner);
    await bench.claimOne(worker.owner);
    await bench.expire(unknown!);
    worker.start();
    await heard('ended', (ids) => ids.includes(unknown!));
    expect(await bench.row(unknown!)).toMatchObject({ status: 'succeeded', attempts: 2 });
    expect(await statusOf(leased!)).toBe('running');
  });

  it('leaves alone what it is at work on, however late its heartbeat', async () => {
    const [begun, release] = [gate(), gate()];
    const { worker, heard } = bench.worker(
      async () => {
        begun.open();
        await release.promise;
        return done;
      },
      { leaseMs: 3_600_000, rescueMs: 10 },
    );
    const [id] = await bench.enqueue({});
    worker.start();
    await begun.promise;
    // A job of somebody else that is rescued shows that a search went over all.
    const search = async () => {
      const [other] = await bench.enqueue({ scheduledAt: '2999-01-01T00:00:00Z' });
      await bench.database.query(
        `UPDATE jobs SET status = 'running', lease_owner = 'killed', lease_until = now() - interval '1 second',
                claimed_at = now(), attempts = 1 WHERE id = $1`,
        [other],
      );
      await heard('rescued', (ids) => ids.includes(other!));
    };
    await search(); // one that began before the job did is over then
    await bench.expire(id!);
    await search();
    expect(await bench.row(id!)).toMatchObject({ status: 'running', attempts: 1 });
    release.open();
  });

  it('does not wait for the leases of a former process on a database of its own', async () => {
    const [id] = await bench.enqueue({});
    await bench.claimOne('killed');
    const { worker, heard } = bench.worker(async () => done, { isAlone: true });
    worker.start();
    await heard('ended');
    expect(await bench.row(id!)).toMatchObject({ status: 'succeeded', attempts: 2 });
  });

  it('ends a job whose cancel was asked for of a worker that died', async () => {
    const [id] = await bench.enqueue({});
    await bench.claimOne('killed');
    await transaction((tx) => bench.queue.requestCancel(tx, id!, null));
    await bench.expire(id!);
    const { worker, heard } = bench.worker(async () => done);
    worker.start();
    await heard('rescued');
    expect(await statusOf(id!)).toBe('cancelled');
  });
});

describe('stopping', () => {
  it('lets running jobs end, and hands back what it had not begun', async () => {
    const begun = gate();
    const release = gate();
    const { worker } = bench.worker(
      async () => {
        begun.open();
        await release.promise;
        return done;
      },
      { concurrency: 1, graceMs: 60_000 },
    );
    const [first, second] = await bench.enqueue({}, {});
    worker.start();
    await begun.promise;
    const stopped = worker.stop();
    release.open();
    await stopped;
    await worker.stop();
    expect(await statusOf(first!)).toBe('succeeded');
    expect(await bench.row(second!)).toMatchObject({
      status: 'queued',
      attempts: 0,
      started_at: null,
    });
  });

  it('hands back a job that takes too long, uncounted, for another worker to go on with', async () => {
    const begun = gate();
    const { worker } = bench.worker(
      async (_job, lease) => {
        begun.open();
        throw new LeaseEnded((await aborted(lease.signal)) as 'drained');
      },
      { graceMs: 20 },
    );
    const [id] = await bench.enqueue({});
    worker.start();
    await begun.promise;
    await worker.stop();
    expect(await bench.row(id!)).toMatchObject({
      status: 'queued',
      attempts: 0,
      lease_owner: null,
    });
    const next = await bench.claimOne('next');
    expect(next.job).toMatchObject({ attempts: 1, recovery: null });
  });

  it('takes the lease from a runner that does not heed, and leaves nothing in running', async () => {
    const [begun, release] = [gate(), gate()];
    const { worker, heard } = bench.worker(
      async () => {
        begun.open();
        await release.promise;
        return done;
      },
      { graceMs: 20 },
    );
    const [id] = await bench.enqueue({});
    worker.start();
    await begun.promise;
    await worker.stop();
    expect(await statusOf(id!)).toBe('queued');
    // It has its place until it comes back, and not one more from then on.
    expect(worker.load.running).toBe(1);
    release.open();
    await heard('ended');
    expect(worker.load.running).toBe(0);
  });

  it('can be followed by a start', async () => {
    const { worker, heard } = bench.worker(async () => done);
    worker.start();
    await worker.stop();
    const [id] = await bench.enqueue({});
    worker.start();
    await heard('ended', (ids) => ids.includes(id!));
    expect(await statusOf(id!)).toBe('succeeded');
  });
});

/** What is thrown on purpose is logged; the test's own output need not hold it. */
function silence(worker: object): void {
  Object.assign((worker as { logger: object }).logger, {
    error: () => undefined,
    warn: () => undefined,
  });
}
