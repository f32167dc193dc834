import pg from 'pg';
import { type JobStatus, inEnglish, jobStatuses, say } from '@aos/contracts';
import { type JobBench, aSpec, openJobBench } from '../../../test/factories/jobs.js';
import { isNative } from '../../../test/harness.js';
import { sql } from '../../platform/database/sql.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import type { JobEnding } from './endings.js';
import { type Transition, isFinal, transitions } from './job-state.js';
import { LeaseEnded } from './lease.js';
import { type Hold, PAGE, Queue } from './queue.js';

let bench: JobBench;
let queue: Queue;
beforeAll(async () => {
  bench = await openJobBench();
  queue = bench.queue;
});
afterEach(async () => {
  await bench.database.query('DELETE FROM jobs');
  await bench.database.query('DELETE FROM traces');
});
afterAll(() => bench.close());

const transaction: JobBench['database']['transaction'] = (work) => bench.database.transaction(work);

/** A job in the given state, as if it had come there by the ways of the table. */
async function jobIn(status: JobStatus): Promise<Hold> {
  const [id] = await bench.enqueue({
    scheduledAt: status === 'scheduled' ? '2999-01-01T00:00:00Z' : null,
  });
  await bench.database.query(
    `UPDATE jobs SET status = $2, fence = 1, attempts = 1, lease_owner = CASE WHEN $2 = 'running' THEN 'w' END,
            lease_until = CASE WHEN $2 = 'running' THEN now() - interval '1 second' END, claimed_at = now()
      WHERE id = $1`,
    [id, status],
  );
  return { jobId: id!, fence: '1' };
}

const takes: Record<Transition, (hold: Hold) => Promise<unknown>> = {
  promote: async ({ jobId }) => {
    await bench.database.query('UPDATE jobs SET run_at = now() WHERE id = $1', [jobId]);
    await queue.promote();
  },
  claim: () => queue.claim('w2', ['task'], 10, 30_000),
  finish: (hold) => queue.finish([{ ...hold, status: 'succeeded' }]),
  suspend: (hold) => transaction((tx) => queue.settle(tx, hold, { status: 'waiting' })),
  retry: (hold) => queue.retry(hold, { code: 'internal', message: 'no' }, 60_000),
  release: (hold) => queue.release(hold),
  rescue: () => queue.rescue(['task']),
  resume: ({ jobId }) => transaction((tx) => queue.resume(tx, jobId)),
  cancel: ({ jobId }) => transaction((tx) => queue.requestCancel(tx, jobId, 'enough')),
};

describe('the states of a job', () => {
  const cases = (Object.keys(transitions) as Transition[]).flatMap((transition) =>
    jobStatuses.map((status) => [transition, status] as const),
  );

  it.each(cases)('%s, from %s', async (transition, status) => {
    const hold = await jobIn(status);
    const refusal = await takes[transition](hold).catch((error: Error) => error);
    const after = (await bench.row(hold.jobId))['status'] as JobStatus;
    const { from, to } = transitions[transition] as {
      from: readonly JobStatus[];
      to: readonly JobStatus[];
    };
    if (from.includes(status)) expect(to).toContain(after);
    else {
      expect(after).toBe(status);
      if (refusal instanceof Error)
        expect(['LeaseEnded', 'JobNotCancellable']).toContain(refusal.name);
    }
  });

  it('has no way out of a final state', () => {
    for (const { from } of Object.values(transitions))
      expect(from.filter((state) => isFinal(state))).toEqual([]);
  });

  it('ends a job that is to wait, retry, or be handed back when a cancel has been asked for', async () => {
    for (const transition of ['suspend', 'retry', 'release', 'rescue'] as const) {
      const hold = await jobIn('running');
      await takes.cancel(hold);
      expect((await bench.row(hold.jobId))['status']).toBe('running');
      await takes[transition](hold);
      expect(await bench.row(hold.jobId)).toMatchObject({ status: 'cancelled', error: null });
    }
  });
});

it('hands a job back for later: uncounted, with why, and not before its time', async () => {
  const hold = await jobIn('running');
  const error = { code: 'unavailable', message: 'not here' };
  await queue.release(hold, { delayMs: 60_000, error });
  expect(await bench.row(hold.jobId)).toMatchObject({ status: 'scheduled', attempts: 0, error });
  await queue.promote();
  expect(await bench.row(hold.jobId)).toMatchObject({ status: 'scheduled' });
});

describe('enqueue', () => {
  it('takes any number of jobs in one statement and answers in their order', async () => {
    const enqueued = await transaction((tx) =>
      queue.enqueue(
        tx,
        Array.from({ length: 250 }, (_, n) => ({ spec: aSpec({ goal: `job ${n}` }) })),
      ),
    );
    const rows = await bench.database.query<{ id: string; goal: string }>(
      `SELECT id, spec->>'goal' AS goal FROM jobs ORDER BY id`,
    );
    expect(rows.map((row) => row.id)).toEqual(enqueued.map((job) => job.id));
    expect(rows.map((row) => row.goal)).toEqual(enqueued.map((_, n) => `job ${n}`));
  });

  it('gives the trace of the request to the first job, and a fresh one to every other', async () => {
    const traceId = 'a'.repeat(32);
    const first = await transaction((tx) =>
      queue.enqueue(tx, [
        { spec: aSpec(), traceId },
        { spec: aSpec(), traceId },
      ]),
    );
    const [later] = await transaction((tx) => queue.enqueue(tx, [{ spec: aSpec(), traceId }]));
    expect(first[0]!.traceId).toBe(traceId);
    const all = [...first, later!].map((job) => job.traceId);
    expect(new Set(all).size).toBe(3);
    for (const trace of all) expect(trace).toMatch(/^[0-9a-f]{32}$/);
    const traces = await bench.database.query<{ trace_id: string; job_id: string; name: string }>(
      'SELECT trace_id, job_id, name FROM traces ORDER BY job_id',
    );
    expect(traces).toEqual(
      [...first, later!].map((job) => ({
        trace_id: job.traceId,
        job_id: job.id,
        name: 'count to three',
      })),
    );
  });

  it('leaves nothing when the transaction rolls back, and wakes nobody', async () => {
    let woken = 0;
    const off = bench.wakeups.on('jobs', () => woken++);
    await expect(
      transaction(async (tx) => {
        await queue.enqueue(tx, [{ spec: aSpec() }]);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(woken).toBe(0);
    expect(await bench.database.query('SELECT 1 FROM jobs')).toHaveLength(0);
    await bench.enqueue({});
    expect(woken).toBe(1);
    off();
  });
});

const native = isNative ? describe : describe.skip; // fifty sessions need a server: npm test runs this file on native Postgres too
native('fifty commits at once', () => {
  it('wake other processes from one connection beside them, and never inside the transaction', async () => {
    const other = new pg.Client({ connectionString: bench.url });
    await other.connect();
    const from = new Set<number>();
    let seen: () => void = () => undefined;
    other.on('notification', ({ processId }) => {
      from.add(processId);
      seen();
    });
    const heard = async () => {
      while (from.size === 0) await new Promise<void>((resolve) => (seen = resolve));
    };
    await other.query('LISTEN aos_jobs');
    // Somebody has to be there to be told, and is greeted first.
    const neighbour = new Wakeups(bench.database);
    await neighbour.listen();
    await heard();
    from.clear();
    const writers = new Set<number>();
    await Promise.all(
      Array.from({ length: 50 }, () =>
        transaction(async (tx) => {
          await queue.enqueue(tx, [{ spec: aSpec() }]);
          const { rows } = await sql<{ pid: number; locks: number }>(
            tx,
            `SELECT pg_backend_pid() AS pid, (SELECT count(*)::int FROM pg_locks
               WHERE pid = pg_backend_pid() AND locktype = 'object' AND database = 0) AS locks`,
          );
          writers.add(rows[0]!.pid);
          expect(rows[0]!.locks).toBe(0);
        }),
      ),
    );
    await heard();
    await other.query('SELECT 1');
    await other.end();
    await neighbour.onApplicationShutdown();
    // The lock for the whole cluster is taken by the backend that notifies, when it commits.
    expect(from.size).toBe(1);
    expect([...from].filter((pid) => writers.has(pid))).toEqual([]);
    expect(await bench.database.query('SELECT id FROM jobs')).toHaveLength(50);
  });
});

describe('claim', () => {
  it('takes the highest priority first, then the earliest, then the lowest id', async () => {
    const [low, high, middle, high2] = await bench.enqueue(
      { priority: 0 },
      { priority: 9 },
      { priority: 5 },
      { priority: 9 },
    );
    const [earlier] = await bench.enqueue({ priority: 5 });
    await bench.database.query(
      `UPDATE jobs SET run_at = run_at - interval '1 minute' WHERE id = $1`,
      [earlier],
    );
    const claims = await queue.claim('w', ['task'], 10, 30_000);
    expect(claims.map((claim) => claim.jobId)).toEqual([high, high2, earlier, middle, low]);
  });

  it('takes only kinds that the worker knows', async () => {
    const [, known] = await bench.enqueue({ kind: 'of-a-later-version' }, {});
    expect((await queue.claim('w', ['task'], 10, 30_000)).map((claim) => claim.jobId)).toEqual([
      known,
    ]);
  });

  it('gives every job to one of many who claim at once', async () => {
    await bench.enqueue(...Array.from({ length: 200 }, () => ({})));
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, n) => queue.claim(`w${n}`, ['task'], 10, 30_000)),
    );
    const ids = claims.flat().map((claim) => claim.jobId);
    expect(ids).toHaveLength(200);
    expect(new Set(ids).size).toBe(200);
  });

  it('does not start what is scheduled before its time, and promotes it once', async () => {
    const [now, later] = await bench.enqueue({}, { scheduledAt: '2999-01-01T00:00:00Z' });
    expect(await queue.promote()).toMatchObject({ promoted: 0 });
    expect((await queue.claim('w', ['task'], 10, 30_000)).map((claim) => claim.jobId)).toEqual([
      now,
    ]);
    await bench.database.query(`UPDATE jobs SET run_at = now() + interval '1 hour' WHERE id = $1`, [
      later,
    ]);
    const { nextInMs } = await queue.promote();
    expect(nextInMs).toBeGreaterThan(3_000_000);
    expect(nextInMs).toBeLessThanOrEqual(3_600_000);
    await bench.database.query('UPDATE jobs SET run_at = now() WHERE id = $1', [later]);
    // Two schedulers at once, one of which may have been asleep: the job comes due once.
    const both = await Promise.all([queue.promote(), queue.promote()]);
    expect(both.map((each) => each.promoted).sort((a, b) => a - b)).toEqual([0, 1]);
    expect((await queue.claim('w', ['task'], 10, 30_000)).map((claim) => claim.jobId)).toEqual([
      later,
    ]);
    // Nothing is to come: the worker sleeps for a poll period, and does not ask again at once.
    expect(await queue.promote()).toEqual({ promoted: 0, nextInMs: undefined });
  });
});

describe('a lease', () => {
  it('is worth nothing once another worker has the job', async () => {
    await bench.enqueue({});
    const paused = await bench.claimOne('paused');
    await bench.expire(paused.jobId);
    expect((await queue.rescue(['task'])).requeued).toEqual([paused.jobId]);
    const second = await bench.claimOne('second');
    expect(Number(second.fence)).toBeGreaterThan(Number(paused.fence));

    const lost = new LeaseEnded('lost');
    await expect(
      transaction((tx) => queue.settle(tx, paused, { status: 'succeeded' })),
    ).rejects.toEqual(lost);
    await expect(
      transaction((tx) => queue.settle(tx, paused, { status: 'waiting' })),
    ).rejects.toEqual(lost);
    await expect(queue.retry(paused, { code: 'internal', message: '' }, 0)).rejects.toEqual(lost);
    await expect(queue.release(paused)).rejects.toEqual(lost);
    await queue.finish([{ ...paused, status: 'failed' }]);
    await queue.releaseUnstarted([paused]);
    expect(await queue.heartbeat([paused], 30_000)).toEqual([]);
    expect(await bench.row(paused.jobId)).toMatchObject({
      status: 'running',
      lease_owner: 'second',
      attempts: 2,
    });
  });

  it('fences what a runner writes, in the transaction in which it writes', async () => {
    await bench.enqueue({});
    const paused = await bench.claimOne('paused');
    // What a runner does for every step: prove the lease, then write for the job.
    const writeFor = (hold: Hold, by: string, isFenced: boolean) =>
      transaction(async (tx) => {
        if (isFenced) await queue.assertLease(tx, hold);
        await sql(tx, `UPDATE jobs SET progress = $2 WHERE id = $1`, [
          hold.jobId,
          JSON.stringify({ by }),
        ]);
      });
    await writeFor(paused, 'paused', true);
    await bench.expire(paused.jobId);
    await queue.rescue(['task']);
    const second = await bench.claimOne('second');
    await writeFor(second, 'second', true);

    await expect(writeFor(paused, 'paused', true)).rejects.toEqual(new LeaseEnded('lost'));
    expect((await bench.row(paused.jobId))['progress']).toEqual({ by: 'second' });
    // The same without the fence: the worker that was given up for lost overwrites its successor.
    await writeFor(paused, 'paused', false);
    expect((await bench.row(paused.jobId))['progress']).toEqual({ by: 'paused' });
  });

  it('holds against everybody until it is taken over, even past its time', async () => {
    await bench.enqueue({});
    const late = await bench.claimOne('late');
    await bench.expire(late.jobId);
    expect(await queue.claim('other', ['task'], 1, 30_000)).toEqual([]);
    await transaction((tx) => queue.assertLease(tx, late));
    await queue.heartbeat([late], 30_000);
    expect((await queue.rescue(['task'])).requeued).toEqual([]);
  });

  it('is extended for those that are held, and tells of a cancel', async () => {
    const ids = await bench.enqueue({}, {}, {});
    const [kept, cancelled, gone] = await queue.claim('w', ['task'], 3, 30_000);
    await queue.finish([{ ...gone!, status: 'succeeded' }]);
    await transaction((tx) => queue.requestCancel(tx, cancelled!.jobId, null));
    await bench.expire(...ids);
    const beats = await queue.heartbeat([kept!, cancelled!, gone!], 30_000);
    expect(beats.sort((a, b) => Number(a.jobId) - Number(b.jobId))).toEqual([
      { jobId: kept!.jobId, fence: kept!.fence, isCancelRequested: false, isExtended: true },
      {
        jobId: cancelled!.jobId,
        fence: cancelled!.fence,
        isCancelRequested: true,
        isExtended: true,
      },
    ]);
    expect((await queue.rescue(['task'])).requeued).toEqual([]);
  });

  const native = isNative ? it : it.skip; // needs a second session: npm test runs this file on native Postgres too
  native(
    'is not held up in its heartbeat by a transaction that has locked another job',
    async () => {
      await bench.enqueue({}, {});
      const [locked, free] = await queue.claim('w', ['task'], 2, 30_000);
      await transaction(async (tx) => {
        await queue.assertLease(tx, locked!);
        const beats = await queue.heartbeat([locked!, free!], 30_000);
        const extended = Object.fromEntries(beats.map((beat) => [beat.jobId, beat.isExtended]));
        expect(extended).toEqual({ [locked!.jobId]: false, [free!.jobId]: true });
        // Nor is the lease taken away while its holder is writing.
        await bench.database.query(`SELECT 1`);
      });
    },
  );
});

describe('attempts', () => {
  it('are not used up by waiting or by being handed back', async () => {
    const [id] = await bench.enqueue({ maxAttempts: 2 });
    for (let round = 0; round < 5; round++) {
      const claim = await bench.claimOne();
      expect(claim.job).toMatchObject({ attempts: 1, recovery: null });
      await transaction((tx) => queue.settle(tx, claim, { status: 'waiting' }));
      expect(await transaction((tx) => queue.resume(tx, id!))).toBe(true);
      await queue.release(await bench.claimOne());
      await queue.releaseUnstarted([await bench.claimOne()]);
    }
    expect(await bench.row(id!)).toMatchObject({ status: 'queued', attempts: 0 });
  });

  it('are tried again after a pause, and end as failed when they are used up', async () => {
    const endings: JobEnding[] = [];
    bench.endings.register('flaky', async (_tx, _job, ending) => void endings.push(ending));
    const [id] = await bench.enqueue({ kind: 'flaky', maxAttempts: 2 });
    const error = { code: 'internal', message: 'the disk is full' };
    const [first] = await queue.claim('w', ['flaky'], 1, 30_000);
    expect(await queue.retry(first!, error, 60_000)).toBe('scheduled');
    const row = await bench.row(id!);
    expect(row).toMatchObject({ status: 'scheduled', lease_owner: null, error });
    const [due] = await bench.database.query<{ seconds: number }>(
      'SELECT extract(epoch FROM run_at - now())::float8 AS seconds FROM jobs WHERE id = $1',
      [id],
    );
    expect(due!.seconds).toBeGreaterThan(50);
    await takes.promote(first!);
    const [second] = await queue.claim('w', ['flaky'], 1, 30_000);
    expect(second!.job).toMatchObject({
      attempts: 2,
      recovery: { why: 'retry', owner: 'w', error },
    });
    expect(await queue.retry(second!, error, 0)).toBe('failed');
    expect(endings).toEqual([
      expect.objectContaining({ status: 'failed', why: 'exhausted', error }),
    ]);
  });
});

describe('rescue', () => {
  it('queues a lapsed job again, with a note of what happened', async () => {
    const [id, held] = await bench.enqueue({}, {});
    const lapsed = await bench.claimOne('dead');
    await bench.claimOne('alive');
    await bench.expire(id!);
    expect(await queue.rescue(['task'])).toEqual({ requeued: [id], ended: [], failures: [] });
    expect(await bench.row(held!)).toMatchObject({ status: 'running', lease_owner: 'alive' });
    const again = await bench.claimOne('next');
    expect(again.job).toMatchObject({
      id: lapsed.jobId,
      attempts: 2,
      recovery: { why: 'lease-expired', owner: 'dead' },
    });
  });

  it('ends a job without attempts left, once, and tells so in the same transaction', async () => {
    const ended: string[] = [];
    bench.endings.register('mortal', async (tx, job, ending) => {
      ended.push(`${job.id} ${ending.status} ${ending.why}`);
      const { rows } = await sql(tx, 'SELECT status FROM jobs WHERE id = $1', [job.id]);
      expect(rows).toEqual([{ status: 'failed' }]);
      return {
        status: 'failed',
        summary: 'lost',
        artifacts: [],
        cost: noCost,
        durationMs: 0,
        attempts: 1,
      };
    });
    const [id] = await bench.enqueue({ kind: 'mortal', maxAttempts: 1 });
    await queue.claim('dead', ['mortal'], 1, 30_000);
    await bench.expire(id!);
    await Promise.all([
      queue.rescue(['mortal']),
      queue.rescue(['mortal']),
      queue.rescue(['mortal']),
    ]);
    expect(ended).toEqual([`${id} failed exhausted`]);
    const row = await bench.row(id!);
    const said = say('attempts-lost', { attempt: 1, most: 1 });
    expect(row).toMatchObject({
      status: 'failed',
      error: { code: 'attempts_exhausted', message: inEnglish(said), said },
      receipt: { summary: 'lost' },
    });
  });

  it('reaches lapsed jobs behind a full batch that cannot be rescued', async () => {
    bench.endings.register('poison', async () => {
      throw new Error('the receipt cannot be written');
    });
    const stuck = await bench.enqueue(
      ...Array.from({ length: PAGE + 20 }, () => ({ kind: 'poison', maxAttempts: 1 })),
    );
    for (let taken = 0; taken < stuck.length; taken += PAGE)
      await queue.claim('dead', ['poison'], PAGE, 30_000);
    const [later] = await bench.enqueue({});
    await bench.claimOne('dead');
    await bench.expire(...stuck);
    await bench.database.query(
      `UPDATE jobs SET lease_until = now() - interval '1 millisecond' WHERE id = $1`,
      [later],
    );
    const rescued = await queue.rescue(['poison', 'task']);
    expect(rescued.requeued).toEqual([later]);
    expect(rescued.failures).toHaveLength(stuck.length);
    expect((await bench.row(stuck[0]!))['status']).toBe('running');
  });

  it('leaves jobs of unknown kinds to those who know how they end', async () => {
    const [id] = await bench.enqueue({ kind: 'of-a-later-version', maxAttempts: 1 });
    await queue.claim('dead', ['of-a-later-version'], 1, 30_000);
    await bench.expire(id!);
    await queue.rescue(['task']);
    expect((await bench.row(id!))['status']).toBe('running');
  });
});

describe('the end of a job', () => {
  it.each([
    'settled',
    'cancelled while queued',
    'cancelled while waiting',
    'cancelled while scheduled',
    'retried out',
  ])('is told exactly once: %s', async (how) => {
    const kind = `told-${how}`;
    const told: JobEnding[] = [];
    bench.endings.register(kind, async (_tx, _job, ending) => void told.push(ending));
    const scheduledAt = how.endsWith('scheduled') ? '2999-01-01T00:00:00Z' : null;
    const [id] = await bench.enqueue({ kind, maxAttempts: 1, scheduledAt });
    const claim = async () => (await queue.claim('w', [kind], 1, 30_000))[0]!;
    if (how === 'settled') {
      const held = await claim();
      await transaction((tx) => queue.settle(tx, held, { status: 'succeeded' }));
    }
    if (how === 'retried out')
      await queue.retry(await claim(), { code: 'internal', message: '' }, 0);
    if (how.endsWith('waiting')) {
      const waiting = await claim();
      await transaction((tx) => queue.settle(tx, waiting, { status: 'waiting' }));
    }
    if (how.startsWith('cancelled')) {
      await transaction((tx) => queue.requestCancel(tx, id!, 'enough'));
      await expect(
        transaction((tx) => queue.requestCancel(tx, id!, 'enough')),
      ).rejects.toMatchObject({
        code: 'job_not_cancellable',
      });
    }
    expect(told).toHaveLength(1);
    const [trace] = await bench.database.query<{ status: string; finished_at: Date }>(
      'SELECT status, finished_at FROM traces WHERE job_id = $1',
      [id],
    );
    expect(trace!.status).toBe(told[0]!.status);
    expect(trace!.finished_at).not.toBeNull();
  });

  it('does not come to pass when what must go with it cannot be written', async () => {
    bench.endings.register('unwritable', async () => {
      throw new Error('no room');
    });
    const [id] = await bench.enqueue({ kind: 'unwritable' });
    await expect(transaction((tx) => queue.requestCancel(tx, id!, null))).rejects.toThrow(
      'no room',
    );
    expect((await bench.row(id!))['status']).toBe('queued');
  });

  it('keeps how long the job worked, without its waiting', async () => {
    const [id] = await bench.enqueue({});
    const first = await bench.claimOne();
    await bench.database.query(
      `UPDATE jobs SET claimed_at = now() - interval '7 seconds' WHERE id = $1`,
      [id],
    );
    await transaction((tx) => queue.settle(tx, first, { status: 'waiting' }));
    await bench.database.query(
      `UPDATE jobs SET claimed_at = now() - interval '1 day' WHERE id = $1`,
      [id],
    );
    await transaction((tx) => queue.resume(tx, id!));
    const second = await bench.claimOne();
    expect(second.job.activeMs).toBeGreaterThanOrEqual(7_000);
    expect(second.job.activeMs).toBeLessThan(60_000);
  });
});

const noCost = { cny: 0, inputTokens: 0, outputTokens: 0 };
