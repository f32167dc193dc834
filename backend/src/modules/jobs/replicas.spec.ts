import { type JobBench, openJobBench } from '../../../test/factories/jobs.js';
import { isNative } from '../../../test/harness.js';
import { sql } from '../../platform/database/sql.js';
import type { Claim, NewJob, Queue } from './queue.js';

let bench: JobBench;
let queue: Queue;
beforeAll(async () => {
  bench = await openJobBench();
  queue = bench.queue;
});
afterEach(async () => {
  await bench.database.query('DELETE FROM jobs');
  await bench.database.query('DELETE FROM agents');
});
afterAll(() => bench.close());

const transaction: JobBench['database']['transaction'] = (work) => bench.database.transaction(work);
const claim = (most = 10) => queue.claim('w', ['task'], most, 30_000);
const succeed = (job: Claim) => transaction((tx) => queue.settle(tx, job, { status: 'succeeded' }));

async function agentWith(replicas: number): Promise<string> {
  const [agent] = await bench.database.query<{ id: string }>(
    `INSERT INTO agents (name, type, version, status, replicas, config)
     VALUES ('a' || gen_random_uuid(), 'local', '1', 'running', $1, '{}') RETURNING id::text`,
    [replicas],
  );
  return agent!.id;
}
const tasksOf = (agentId: string, many: number, job: Partial<NewJob> = {}) =>
  bench.enqueue(...Array.from({ length: many }, () => ({ agentId, ...job })));
const idsOf = (claims: readonly Claim[]) => claims.map(({ jobId }) => jobId);
const awaiting = async () =>
  (
    await bench.database.query<{ id: string }>(
      'SELECT id FROM jobs WHERE awaits_replica AND status = $1 ORDER BY id',
      ['queued'],
    )
  ).map(({ id }) => id);

describe('the tasks of an agent', () => {
  it('run as many at a time as it has replicas, and hide nobody else’s', async () => {
    const [two, one] = [await agentWith(2), await agentWith(1)];
    const ofTwo = await tasksOf(two, 5, { priority: 5 });
    const ofOne = await tasksOf(one, 2, { priority: 4 });
    const [free] = await bench.enqueue({});
    expect(idsOf(await claim(4))).toEqual([ofTwo[0], ofTwo[1], ofOne[0], free]);
    expect(await claim()).toEqual([]);
    expect(await awaiting()).toEqual([...ofTwo.slice(2), ofOne[1]]);
  });

  it('are without a limit where there is no such agent', async () => {
    await tasksOf('4711', 3);
    expect(await claim()).toHaveLength(3);
  });

  const leave: Record<string, (job: Claim) => Promise<unknown>> = {
    succeeds: succeed,
    'fails for good': (job) =>
      transaction((tx) => queue.settle(tx, job, { status: 'failed', error: broken })),
    'waits for a person': (job) =>
      transaction((tx) => queue.settle(tx, job, { status: 'waiting' })),
    'is put off': (job) => queue.retry(job, broken, 60_000),
    'is lost with its last attempt': async ({ jobId }) => {
      await bench.database.query('UPDATE jobs SET max_attempts = 1 WHERE id = $1', [jobId]);
      await bench.expire(jobId);
      await queue.rescue(['task']);
    },
    'is cancelled after it was let go': async (job) => {
      const [next] = await awaiting();
      await succeed(job);
      await transaction((tx) => queue.requestCancel(tx, next!, null));
    },
  };
  it.each(Object.keys(leave))('go on, and somebody is woken, when one %s', async (how) => {
    await tasksOf(await agentWith(1), 3);
    const [first] = await claim();
    expect(await claim()).toEqual([]);
    const left = await awaiting();
    let woken = 0;
    const off = bench.wakeups.on('jobs', () => woken++);
    await leave[how]!(first!);
    off();
    expect(woken).toBeGreaterThan(0);
    const next = how === 'is cancelled after it was let go' ? left[1] : left[0];
    expect(idsOf(await claim())).toEqual([next]);
  });

  it('take the place themselves when they are handed back or taken up again', async () => {
    const [first] = await tasksOf(await agentWith(1), 2);
    const [begun] = await claim();
    await queue.release(begun!);
    const [again] = await claim();
    expect(again!.jobId).toBe(first);
    await bench.expire(first!);
    await queue.rescue(['task']);
    expect(idsOf(await claim())).toEqual([first]);
  });

  it('that waited for a person come before those that have not begun', async () => {
    const agent = await agentWith(1);
    const [first] = await tasksOf(agent, 1);
    const [waits] = await claim();
    await transaction((tx) => queue.settle(tx, waits!, { status: 'waiting' }));
    const [second] = await tasksOf(agent, 2, { priority: 9 });
    const [runs] = await claim();
    expect(runs!.jobId).toBe(second);
    await transaction((tx) => queue.resume(tx, first!));
    expect(await claim()).toEqual([]);
    await succeed(runs!);
    expect(idsOf(await claim())).toEqual([first]);
  });

  it('begin when it is given more replicas, and also when their turn was missed', async () => {
    const agent = await agentWith(1);
    const tasks = await tasksOf(agent, 4);
    await claim();
    await claim();
    await transaction(async (tx) => {
      await sql(tx, 'UPDATE agents SET replicas = 3 WHERE id = $1', [agent]);
      expect(await queue.letGo(tx, agent)).toBe(2);
    });
    expect(idsOf(await claim())).toEqual([tasks[1], tasks[2]]);
    await bench.database.query('UPDATE agents SET replicas = 4');
    expect(await claim()).toEqual([]);
    expect(await transaction((tx) => queue.letGo(tx))).toBe(1);
    expect(idsOf(await claim())).toEqual([tasks[3]]);
    expect(await transaction((tx) => queue.letGo(tx))).toBe(0);
  });

  it('whose turn was missed are found by a worker that looks now and then', async () => {
    const [first, missed] = await tasksOf(await agentWith(1), 2);
    await claim();
    await claim();
    expect(await awaiting()).toEqual([missed]);
    await bench.database.query('UPDATE agents SET replicas = 2');
    const { worker, heard } = bench.worker(async () => ({ status: 'succeeded' }));
    worker.start();
    await heard('ended', (ids) => ids.includes(missed!));
    await worker.stop();
    expect((await bench.row(first!))['status']).toBe('running');
  });

  it('are worked off by several workers, never more at a time, and none is left', async () => {
    const agents = [await agentWith(1), await agentWith(3)];
    await bench.enqueue(
      ...Array.from({ length: 120 }, (_, i) => ({
        agentId: [...agents, null][i % 3]!,
        priority: i % 2,
      })),
    );
    const most = new Map<string, number>();
    const running = new Map<string, number>();
    let ended = 0;
    let all: () => void;
    const done = new Promise<void>((resolve) => (all = resolve));
    const workers = Array.from({ length: 4 }, () =>
      bench.worker(
        async ({ agentId }) => {
          const of = agentId ?? '';
          running.set(of, (running.get(of) ?? 0) + 1);
          most.set(of, Math.max(most.get(of) ?? 0, running.get(of)!));
          await bench.database.query('SELECT 1');
          running.set(of, running.get(of)! - 1);
          return { status: 'succeeded' };
        },
        {
          pollMs: 60_000,
          rescueMs: 60_000,
          onSignal: ({ what }) => {
            if (what === 'ended' && ++ended === 120) all();
          },
        },
      ),
    );
    for (const { worker } of workers) worker.start();
    await done;
    for (const { worker } of workers) await worker.stop();
    expect(most.get(agents[0]!)).toBe(1);
    expect(most.get(agents[1]!)).toBeLessThanOrEqual(3);
    expect(await bench.database.query(`SELECT 1 FROM jobs WHERE status <> 'succeeded'`)).toEqual(
      [],
    );
  });

  const native = isNative ? it : it.skip; // needs a second session: npm test runs this file on native Postgres too
  native(
    'are not forgotten when a place is left while a claim is about to hold them back',
    async () => {
      const [first, second] = await tasksOf(await agentWith(1), 2);
      const [runs] = await claim(1);
      expect(runs!.jobId).toBe(first);
      let left: Promise<unknown> | undefined;
      await transaction(async (tx) => {
        await sql(tx, `SELECT * FROM claim_jobs(1, ARRAY['task'], 'late', 30000)`);
        left = succeed(runs!);
        // The end has come as far as it can: it waits for the agent, which this claim has locked.
        for (let isWaiting = false; !isWaiting;) {
          const { rows } = await sql<{ n: number }>(
            tx,
            `SELECT count(*)::int AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          );
          isWaiting = rows[0]!.n > 0;
        }
      });
      await left;
      expect(await awaiting()).toEqual([]);
      expect(idsOf(await claim())).toEqual([second]);
    },
  );
});

const broken = { code: 'internal', message: 'the disk is full' };
