import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { isNative } from '../../../test/harness.js';
import {
  type RunBench,
  type TestWorker,
  openRunBench,
  step,
} from '../../../test/factories/runs.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { type JobOutcome, type Lease, LeaseEnded, Queue } from '../jobs/index.js';
import { checkpointsOf } from './checkpoints.js';
import { Orchestrator } from './orchestrator.js';
import { type Run } from './run.js';
import { RunRecord } from './run-record.js';

let bench: RunBench;
let current: TestWorker;
beforeAll(async () => {
  bench = await openRunBench();
}, 120_000);
beforeEach(() => {
  bench.probe.reset();
  current = bench.worker();
});
afterEach(() => bench.stopWorkers());
afterAll(() => bench.close());

/** The job is taken from its worker, as the rescue of a lapsed lease takes it, between any two statements. */
const steal = () =>
  bench.database.query(
    `UPDATE jobs SET status = 'queued', lease_owner = NULL, lease_until = NULL,
            recovery = jsonb_build_object('why', 'lease-expired', 'owner', 'x', 'at', now(), 'error', NULL)
      WHERE status = 'running' RETURNING id`,
  );
const decide = (approvalId: string, decision: string, args?: object) =>
  bench.call('/agent/approve', {
    method: 'POST',
    as: bench.owner,
    body: { approvalId, decision, args },
  });
const once = (id: string, args: object = {}, more: object = {}) => ({
  ...step(id, { ...args }, more),
  tool: 'probe.once',
});

describe('after a crash', () => {
  test('the next worker goes on from where the run stood, and repeats no effect', async () => {
    let release!: () => void;
    const stuck = new Promise<void>((done) => (release = done));
    let times = 0;
    bench.probe.during = async (args) => {
      if (args.text === 'b' && ++times === 1) await stuck; // the worker "dies" in this call
      return { by: args.text };
    };
    const { jobId, traceId } = await bench.run({
      steps: [once('a'), step('b', { any: '${steps.a.by}' }), once('c', { any: '${steps.b.by}' })],
    });
    await bench.probe.called(2);
    await current.abandon();
    bench.worker();
    const job = await bench.ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded', attempts: 2 });
    expect(job.receipt).toMatchObject({ attempts: 2, status: 'succeeded' });
    // The dead one comes back and finishes its call: nothing it does counts any more.
    release();
    await current.worker.stop();
    expect(bench.probe.calls.map((call) => call.args.text)).toEqual(['a', 'b', 'b', 'c']);
    const told = (await bench.events(traceId))
      .map((event) => event.type)
      .filter((type) => /^(recovery\.|task\.receipt|run\.plan)/.test(type));
    expect(told).toEqual(['run.plan', 'recovery.start', 'recovery.done', 'task.receipt']);
  });

  test.each(['continue', 'degrade', 'abort'])(
    'a call whose outcome nobody knows is for the operator to decide: %s',
    async (decision) => {
      let times = 0;
      let release!: () => void;
      const stuck = new Promise<void>((done) => (release = done));
      bench.probe.during = async () => {
        if (++times === 1) await stuck;
        return { ok: true };
      };
      const { jobId, traceId } = await bench.run({
        steps: [once('pay'), once('ship', {}, { needs: ['pay'] })],
      });
      await bench.probe.called(1);
      await current.abandon();
      bench.worker();
      expect((await bench.settled(jobId)).status).toBe('waiting');
      const approval = await bench.approval(jobId);
      expect(approval.reason).toMatch(/nobody knows whether it took effect/);
      const [request] = await bench.events(traceId, 'approval.request');
      expect(request!.payload).toMatchObject({ kind: 'open-call' });
      if (decision === 'continue')
        expect((await decide(approval.id, decision, { text: 'other' })).status).toBe(422);
      await decide(approval.id, decision);
      const job = await bench.ended(jobId);
      expect(job.status).toBe(decision === 'abort' ? 'cancelled' : 'succeeded');
      expect(bench.probe.count('pay')).toBe(decision === 'continue' ? 2 : 1);
      // The answer is part of the way back, which ends with the first step that is done.
      const told = (await bench.events(traceId)).map(({ type }) => type);
      expect(told.filter((type) => type.startsWith('recovery.'))).toEqual(
        decision === 'abort' ? ['recovery.start'] : ['recovery.start', 'recovery.done'],
      );
      // After an abort the step stands as what it is: begun, with no known end.
      const state = { continue: 'done', degrade: 'skipped', abort: 'failed' }[decision];
      expect((await bench.steps(jobId))['pay']!.state).toBe(state);
      release();
    },
  );

  test('an approval outlives its worker: decided while nobody works, it is acted on once', async () => {
    const { jobId } = await bench.run({ steps: [step('a', {}, { approval: 'required' })] });
    await bench.settled(jobId);
    await current.worker.stop();
    await decide((await bench.approval(jobId)).id, 'continue');
    current = bench.worker();
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(bench.probe.count('a')).toBe(1);
  });

  test('a decision that comes while the run lies down wakes it up again', async () => {
    const orchestrator = bench.app.get(Orchestrator, { strict: false }) as unknown as {
      wait(run: Run, lease: Lease): Promise<JobOutcome>;
    };
    const lieDown = orchestrator.wait.bind(orchestrator);
    const late = jest.spyOn(orchestrator, 'wait').mockImplementationOnce(async (run, lease) => {
      await decide((await bench.approval(run.job.id)).id, 'continue');
      return lieDown(run, lease);
    });
    const { jobId } = await bench.run({ steps: [step('a', {}, { approval: 'required' })] });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(late).toHaveBeenCalledTimes(1);
    expect(bench.probe.count('a')).toBe(1);
  });

  // On one session the theft is certain to come right after the commit that woke it.
  const onOneSession = isNative ? test.skip : test; // needs commits to take turns: npm test runs this file on PGlite too
  onOneSession(
    'at any commit of the run, every effect is had once and there is one receipt',
    async () => {
      const wakeups = bench.app.get(Wakeups, { strict: false });
      let stolen = 0;
      for (let at = 1; at < 60; at++) {
        bench.probe.reset();
        let commits = 0;
        let theft: Promise<unknown[]> | undefined;
        const { jobId, traceId } = await bench.run({
          steps: [
            once('a'),
            once('b', { any: '${steps.a.text}' }),
            once('c', { any: '${steps.b.text}' }),
          ],
        });
        const off = wakeups.on('outbox', () => {
          if (++commits === at) theft = steal();
        });
        const job = await bench.ended(jobId);
        off();
        expect(job).toMatchObject({ status: 'succeeded', error: null });
        expect(bench.probe.calls.map((call) => call.args.text)).toEqual(['a', 'b', 'c']);
        expect(await bench.events(traceId, 'task.receipt')).toHaveLength(1);
        expect(await bench.events(traceId, 'run.plan')).toHaveLength(1);
        const milestones = await bench.events(traceId, 'task.progress.milestone');
        expect(milestones.map((event) => event.payload['done'])).toEqual([1, 2, 3]);
        if (!theft || (await theft).length === 0) break;
        stolen++;
      }
      expect(stolen).toBeGreaterThan(8);
    },
    120_000,
  );
});

test('between any answer of a node and the checkpoint after it, the run can be cut and goes on', async () => {
  // LangGraph sends the answer and the checkpoint off together; here the cut comes between the two.
  const { put, putWrites } = PostgresSaver.prototype;
  const cuttings: Promise<unknown[]>[] = [];
  PostgresSaver.prototype.put = async function (...args) {
    await Promise.all(cuttings);
    return put.apply(this, args);
  };
  let cuts = 0;
  try {
    for (let at = 1; at < 60; at++) {
      bench.probe.reset();
      let answers = 0;
      cuttings.length = 0;
      PostgresSaver.prototype.putWrites = async function (...args) {
        const isWritten = putWrites.apply(this, args);
        if (++answers === at) cuttings.push(isWritten.then(steal));
        await isWritten;
      };
      const { jobId, traceId } = await bench.run({
        steps: [once('a'), once('b', { any: '${steps.a.text}' })],
      });
      const job = await bench.ended(jobId);
      expect([at, job.status, job.error]).toEqual([at, 'succeeded', null]);
      expect(bench.probe.calls.map((call) => call.args.text)).toEqual(['a', 'b']);
      expect(await bench.events(traceId, 'task.receipt')).toHaveLength(1);
      if ((await Promise.all(cuttings)).flat().length === 0) break;
      cuts++;
    }
  } finally {
    Object.assign(PostgresSaver.prototype, { put, putWrites });
  }
  // Each of the three nodes answers, and LangGraph notes where it goes from there.
  expect(cuts).toBeGreaterThanOrEqual(3);
}, 120_000);

test('a worker that has lost its lease writes no checkpoint, step or event, whatever it believes', async () => {
  await current.worker.stop();
  const { jobId } = await bench.run({ steps: [step('a')] });
  const [claim] = await bench.app.get(Queue, { strict: false }).claim('w1', ['task'], 1, 60_000);
  expect(claim!.jobId).toBe(jobId);
  const signal = new AbortController().signal;
  const saver = checkpointsOf(bench.database, { jobId, fence: claim!.fence, owner: 'w1', signal });
  const configurable = { thread_id: jobId, checkpoint_ns: '' };
  const put = (id: string) =>
    saver.put(
      { configurable },
      {
        ...{ v: 4, id, ts: new Date().toISOString() },
        ...{ channel_values: {}, channel_versions: {}, versions_seen: {} },
      },
      { source: 'loop', step: 0, parents: {} },
      {},
    );
  const write = (id: string) =>
    saver.putWrites({ configurable: { ...configurable, checkpoint_id: id } }, [['x', 1]], 't');
  await put('1');
  await write('1');
  const lease = { jobId, fence: claim!.fence, owner: 'w1', signal };
  const [queue, outbox] = [
    bench.app.get(Queue, { strict: false }),
    bench.app.get(Outbox, { strict: false }),
  ];
  const record = new RunRecord(bench.database, queue, outbox, claim!.job, lease);
  await record.tell({ type: 'run.exec', summary: 'before' });
  await bench.database.query('UPDATE jobs SET fence = fence + 1 WHERE id = $1', [jobId]);
  await expect(record.tell({ type: 'run.exec', summary: 'after' })).rejects.toThrow(LeaseEnded);
  const told = await bench.events(claim!.job.traceId, 'run.exec');
  expect(told.map((event) => event.summary)).toEqual(['before']);
  await expect(put('2')).rejects.toThrow(LeaseEnded);
  await expect(write('1')).rejects.toThrow(LeaseEnded);
  const rows = await bench.database.query(
    'SELECT checkpoint_id FROM checkpoints WHERE thread_id = $1',
    [jobId],
  );
  expect(rows).toEqual([{ checkpoint_id: '1' }]);
  // The connection that was refused is fit for use again.
  expect(await bench.database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await bench.database.query(`UPDATE jobs SET status = 'cancelled' WHERE id = $1`, [jobId]);
});

test.each([
  ['before a call is decided on', true],
  ['by the time that it is recorded', false],
])('policies that cannot be read here, %s, cost a job no attempt', async (_, isToldOf) => {
  const { jobId: first } = await bench.run({ steps: [step('first')] });
  await bench.ended(first); // by now the policies are kept
  const wakeups = bench.app.get(Wakeups, { strict: false });
  const savePolicies = (document: object) =>
    bench.database.query(
      `INSERT INTO config_versions (scope, version, config, created_by)
       SELECT 'policies', coalesce(max(version), 0) + 1, $1, 'test' FROM config_versions WHERE scope = 'policies'`,
      [JSON.stringify(document)],
    );
  await savePolicies({ rules: [{ id: 'x', effect: 'of a newer version' }] });
  if (isToldOf) wakeups.wake('control');
  const { jobId } = await bench.run({ steps: [once('pay', {}, { onError: 'abort' })] });
  expect(await bench.reached(jobId, 'scheduled', 'failed')).toMatchObject({
    attempts: 0,
    error: { code: 'unavailable', said: { code: 'policies-unreadable' } },
  });
  await savePolicies({});
  wakeups.wake('control');
  await bench.database.query('UPDATE jobs SET run_at = now() WHERE id = $1', [jobId]);
  wakeups.wake('jobs');
  expect(await bench.ended(jobId)).toMatchObject({
    status: 'succeeded',
    attempts: 1,
    error: null,
  });
  expect(bench.probe.count('pay')).toBe(1);
});

test('a stop lets the call under way finish, begins nothing new, and hands the job back', async () => {
  let release!: () => void;
  const gate = new Promise<void>((done) => (release = done));
  bench.probe.during = async (args) => {
    if (args.text === 'a') await gate;
    return {};
  };
  await current.worker.stop();
  current = bench.worker({ graceMs: 1_000 });
  const { jobId } = await bench.run({ steps: [once('a'), once('b', {}, { needs: ['a'] })] });
  await bench.probe.called(1);
  // The first grace is over when the run is told; the call ends in the second.
  const { abort } = AbortController.prototype;
  const told = jest.spyOn(AbortController.prototype, 'abort').mockImplementation(function (
    this: AbortController,
    reason?: unknown,
  ) {
    abort.call(this, reason);
    if (reason instanceof LeaseEnded) release();
  });
  await current.worker.stop();
  expect(told).toHaveBeenCalledWith(new LeaseEnded('drained'));
  told.mockRestore();
  const [row] = await bench.database.query('SELECT status, attempts FROM jobs WHERE id = $1', [
    jobId,
  ]);
  expect(row).toMatchObject({ status: 'queued', attempts: 0 });
  expect(await bench.steps(jobId)).toMatchObject({ a: { state: 'done' }, b: { state: 'pending' } });
  current = bench.worker();
  expect((await bench.ended(jobId)).status).toBe('succeeded');
  expect(bench.probe.calls.map((call) => call.args.text)).toEqual(['a', 'b']);
});
