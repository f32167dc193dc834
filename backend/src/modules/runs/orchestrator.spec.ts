import { type Said, inEnglish, say } from '@aos/contracts';
import { type RunBench, ToolFault, openRunBench, step } from '../../../test/factories/runs.js';

let bench: RunBench;
beforeAll(async () => {
  bench = await openRunBench();
  bench.worker();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.probe.reset());

const receipts = (traceId: string) => bench.events(traceId, 'task.receipt');

describe('a run', () => {
  test('passes results on, keeps their types, and ends with one receipt', async () => {
    bench.probe.during = (args) => ({ n: 7, rows: [{ ok: true }], said: args.text });
    const { jobId, traceId } = await bench.run({
      steps: [
        step('a'),
        step('b', { n: '${steps.a.n}', list: ['${steps.a.rows[0].ok}', 'n is ${steps.a.n}'] }),
      ],
    });
    const job = await bench.ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded', error: null });
    expect(bench.probe.calls[1]).toEqual({
      tool: 'again',
      args: { text: 'b', n: 7, list: [true, 'n is 7'] },
    });
    expect(await bench.steps(jobId)).toMatchObject({
      a: { state: 'done', attempts: 1, result: { n: 7 } },
      b: { state: 'done', attempts: 1 },
    });
    const [receipt, ...others] = await receipts(traceId);
    expect(others).toEqual([]);
    expect(receipt).toMatchObject({
      severity: 'success',
      summary: 'All 2 steps are done.',
      payload: {
        status: 'succeeded',
        artifacts: [],
        attempts: 1,
        cost: { cny: 0, inputTokens: 0, outputTokens: 0 },
      },
    });
    expect(job.receipt).toMatchObject({ status: 'succeeded', summary: 'All 2 steps are done.' });
    const events = await bench.events(traceId);
    // Whatever a run says, it says by its code as well, and both are the same sentence.
    for (const { type, summary, payload } of events)
      expect([type, inEnglish((payload as Record<string, unknown>)['said'] as Said[])]).toEqual([
        type,
        summary,
      ]);
    const types = events.map((event) => event.type);
    expect(
      types.filter((type) => type.startsWith('run.') || type === 'task.progress.milestone'),
    ).toEqual([
      ...['run.sense', 'run.plan', 'run.exec', 'run.step', 'run.step', 'task.progress.milestone'],
      ...['run.step', 'run.step', 'task.progress.milestone', 'run.review'],
    ]);
    const left = await bench.database.query('SELECT 1 FROM checkpoints WHERE thread_id = $1', [
      jobId,
    ]);
    expect(left).toEqual([]);
  });

  test('runs independent steps side by side, up to the concurrency of the agent', async () => {
    let open = 0;
    let most = 0;
    let release: (() => void) | undefined;
    const both = new Promise<void>((done) => (release = done));
    bench.probe.during = async () => {
      most = Math.max(most, ++open);
      if (open === 2) release!();
      await both; // ends only when two are open at once
      open--;
      return {};
    };
    const agentId = await bench.agent({ tools: ['probe.*'], concurrency: 2 });
    const { jobId } = await bench.run({
      agentId,
      steps: ['a', 'b', 'c', 'd'].map((id) => step(id)),
    });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(most).toBe(2);
  });

  test('gathers the milestones of a long plan', async () => {
    const steps = Array.from({ length: 40 }, (_, i) => step(`s${i}`));
    const { jobId, traceId } = await bench.run({ steps });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    const milestones = await bench.events(traceId, 'task.progress.milestone');
    expect(milestones.map((event) => event.payload['done'])).toEqual([
      4, 8, 12, 16, 20, 24, 28, 32, 36, 40,
    ]);
  });

  test('ends as it should also where the clock is set back on its way', async () => {
    const { now } = Date;
    bench.probe.during = () => {
      jest.spyOn(Date, 'now').mockImplementation(() => now() - 3600_000);
      return {};
    };
    try {
      const { jobId } = await bench.run({ steps: [step('a'), step('b', {}, { needs: ['a'] })] });
      expect(await bench.ended(jobId)).toMatchObject({ status: 'succeeded', error: null });
    } finally {
      jest.restoreAllMocks();
    }
  });

  test('keeps what a tool answers that Postgres cannot', async () => {
    bench.probe.during = () => ({ text: 'a\u0000b\ud800c', ['k\u0000']: 1 });
    const { jobId } = await bench.run({
      steps: [step('a'), step('b', { text: '${steps.a.text}' })],
    });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
  });
});

const inWords = (what: string) => say('as-it-is', { what });

describe('a failed step', () => {
  const failing = (times: number) => {
    let failures = 0;
    bench.probe.during = () => {
      if (failures++ < times) throw new ToolFault('broken', inWords('the printer is on fire'));
      return {};
    };
  };

  test('is tried again, with the same key, and the recovery is told', async () => {
    failing(1);
    const { jobId, traceId } = await bench.run({
      steps: [step('a', {}, { onError: 'revise', retries: 2 })],
    });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect((await bench.steps(jobId))['a']).toMatchObject({ state: 'done', attempts: 2 });
    const types = (await bench.events(traceId)).map((event) => event.type);
    expect(types.filter((type) => type.startsWith('recovery.'))).toEqual([
      'recovery.start',
      'recovery.done',
    ]);
    const keys = await bench.database.query(
      'SELECT idempotency_key FROM tool_calls WHERE job_id = $1 ORDER BY started_at',
      [jobId],
    );
    expect(keys.map((row) => row['idempotency_key'])).toEqual([`${jobId}:a:1`, `${jobId}:a:1~2`]);
  });

  test('ends the run when its retries are used up, and says which step and why', async () => {
    failing(Infinity);
    const { jobId, traceId } = await bench.run({
      steps: [step('a', {}, { retries: 1 }), step('b', {}, { needs: ['a'] }), step('c')],
    });
    const job = await bench.ended(jobId);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'step_failed', stepId: 'a' } });
    expect(bench.probe.count('a')).toBe(2);
    expect(bench.probe.count('b')).toBe(0);
    expect((await bench.steps(jobId))['b']).toMatchObject({ state: 'skipped' });
    expect((await receipts(traceId)).map((event) => event.summary)).toEqual([
      'Step a: the printer is on fire. 0 of 3 steps were done.',
    ]);
    expect((await bench.events(traceId, 'anomaly.detected'))[0]).toMatchObject({
      severity: 'error',
      payload: { stepId: 'a' },
    });
  });

  test('says by a code why, in its row, its events and the receipt, and so do those not reached', async () => {
    const why = say('file-none', { path: 'a.txt' });
    bench.probe.during = () => {
      throw new ToolFault('not_found', why);
    };
    const { jobId, traceId } = await bench.run({
      steps: [step('a', {}, { retries: 0 }), step('b', {}, { needs: ['a'] })],
    });
    const job = await bench.ended(jobId);
    expect(job.error).toMatchObject({ code: 'step_failed', message: inEnglish(why), said: why });
    const rows = await bench.database.query(
      'SELECT step_id, error, error_said FROM job_steps WHERE job_id = $1 ORDER BY position',
      [jobId],
    );
    expect(rows).toEqual([
      { step_id: 'a', error: inEnglish(why), error_said: why },
      { step_id: 'b', error: 'the run ended before it', error_said: say('step-not-reached') },
    ]);
    const [anomaly] = await bench.events(traceId, 'anomaly.detected');
    expect(anomaly!.summary).toBe(
      `Step a (${step('a').tool}) failed: ${inEnglish(why)} Another try would not change that.`,
    );
    const whole = say('whole', { what: why, stop: '' });
    expect(anomaly!.payload['said']).toEqual([
      say('step-broke', { step: 'a', tool: step('a').tool, why: whole }),
      say('then-hopeless'),
    ]);
    expect((await receipts(traceId))[0]!.payload['said']).toEqual([
      say('of-step', { step: 'a', what: whole }),
      say('steps-were-done', { done: 0, total: 2 }),
    ]);
  });

  test('that was skipped says by a code why, also to those that need it', async () => {
    bench.probe.during = (args) => {
      if (args.text === 'a') throw new ToolFault('not_found', say('disk-full'));
      return {};
    };
    const { jobId, traceId } = await bench.run({
      steps: [step('a', {}, { onError: 'skip' }), step('b', { any: '${steps.a.x}' }), step('c')],
    });
    await bench.ended(jobId);
    const rows = await bench.database.query(
      'SELECT error_said FROM job_steps WHERE job_id = $1 ORDER BY position',
      [jobId],
    );
    const why = say('failed-because', { why: say('disk-full') });
    expect(rows.map((row) => row['error_said'])).toEqual([
      why,
      say('step-needs-skipped', { missing: 'a' }),
      null,
    ]);
    expect((await receipts(traceId))[0]!.payload['said']).toContainEqual(
      say('lacking-step', { step: 'a', why: say('whole', { what: why, stop: '' }) }),
    );
  });

  test('may be skipped; what needs its result is skipped too, what only waits for it runs', async () => {
    bench.probe.during = (args) => {
      if (args.text === 'a') throw new ToolFault('broken', inWords('no paper'));
      return {};
    };
    const { jobId, traceId } = await bench.run({
      steps: [
        step('a', {}, { onError: 'skip' }),
        step('uses', { any: '${steps.a.x}' }),
        step('usesUses', { any: '${steps.uses.x}' }),
        step('waits', {}, { needs: ['a'] }),
      ],
    });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(await bench.steps(jobId)).toMatchObject({
      a: { state: 'skipped' },
      uses: { state: 'skipped' },
      usesUses: { state: 'skipped' },
      waits: { state: 'done' },
    });
    expect((await receipts(traceId))[0]!.summary).toContain('Without a: failed: no paper.');
  });

  test('stops the run at once when the plan says abort', async () => {
    failing(Infinity);
    const { jobId } = await bench.run({ steps: [step('a', {}, { onError: 'abort', retries: 5 })] });
    expect(await bench.ended(jobId)).toMatchObject({ status: 'failed', error: { stepId: 'a' } });
    expect(bench.probe.calls).toHaveLength(1);
  });

  test('whose reference leads nowhere is not tried again', async () => {
    const { jobId } = await bench.run({
      steps: [step('a'), step('b', { any: '${steps.a.nothing.here}' }, { retries: 5 })],
    });
    const job = await bench.ended(jobId);
    expect(job.error?.message).toBe('${steps.a.nothing.here}: steps.a has no field "nothing"');
    expect(bench.probe.calls).toHaveLength(1);
  });

  test('that was reached by a result of the wrong kind says so before the call', async () => {
    bench.probe.during = () => ({ n: 'seven' });
    const { jobId } = await bench.run({ steps: [step('a'), step('b', { n: '${steps.a.n}' })] });
    expect((await bench.ended(jobId)).error?.message).toContain('n must be integer');
    expect(bench.probe.calls).toHaveLength(1);
  });
});

describe('a budget', () => {
  test('maxSteps refuses a longer plan before it starts', async () => {
    const { jobId, traceId } = await bench.run({
      budget: { maxSteps: 1 },
      steps: [step('a'), step('b')],
    });
    expect(await bench.ended(jobId)).toMatchObject({
      status: 'failed',
      error: { code: 'budget_steps' },
    });
    expect(bench.probe.calls).toHaveLength(0);
    expect((await receipts(traceId))[0]!.summary).toContain('maxSteps');
    expect(await bench.events(traceId, 'anomaly.detected')).toHaveLength(1);
  });

  test('maxSteps counts retries', async () => {
    bench.probe.during = () => {
      throw new ToolFault('broken', inWords('no'));
    };
    const { jobId } = await bench.run({
      budget: { maxSteps: 2 },
      steps: [step('a', {}, { retries: 9 })],
    });
    expect(await bench.ended(jobId)).toMatchObject({
      status: 'failed',
      error: { code: 'budget_steps' },
    });
    expect(bench.probe.calls).toHaveLength(2);
  });

  test('timeoutMs stops the call that is under way', async () => {
    bench.probe.during = (_, signal) =>
      new Promise((_done, fail) =>
        signal.addEventListener('abort', () => fail(new Error('stopped'))),
      );
    const { jobId, traceId } = await bench.run({
      budget: { timeoutMs: 300 },
      steps: [step('a'), step('b', {}, { needs: ['a'] })],
    });
    expect(await bench.ended(jobId)).toMatchObject({
      status: 'failed',
      error: { code: 'budget_timeout' },
    });
    expect((await receipts(traceId)).map((event) => event.summary)).toEqual([
      expect.stringContaining('timeoutMs'),
    ]);
    expect(await bench.events(traceId, 'anomaly.detected')).toHaveLength(1);
  });

  test("the agent's own is the stricter one", async () => {
    const agentId = await bench.agent({ tools: ['probe.*'], budget: { maxSteps: 1 } });
    const { jobId } = await bench.run({
      agentId,
      budget: { maxSteps: 10 },
      steps: [step('a'), step('b')],
    });
    expect(await bench.ended(jobId)).toMatchObject({ error: { code: 'budget_steps' } });
  });
});

describe('every ending has exactly one receipt', () => {
  test('cancelled while it runs', async () => {
    bench.probe.during = (_, signal) =>
      new Promise((_done, fail) =>
        signal.addEventListener('abort', () => fail(new Error('stopped'))),
      );
    const { jobId, traceId } = await bench.run({ steps: [step('a')] });
    await bench.probe.called(1);
    await bench.call(`/jobs/${jobId}/cancel`, {
      method: 'POST',
      as: bench.owner,
      body: { reason: 'wrong file' },
    });
    expect((await bench.ended(jobId)).status).toBe('cancelled');
    expect((await receipts(traceId)).map((event) => [event.severity, event.summary])).toEqual([
      ['warning', 'The task was cancelled: wrong file. 0 of 1 steps were done.'],
    ]);
  });

  test('cancelled before it began', async () => {
    const scheduledAt = new Date(Date.now() + 3600_000).toISOString();
    const { jobId, traceId } = await bench.run({ scheduledAt, steps: [step('a')] });
    await bench.call(`/jobs/${jobId}/cancel`, { method: 'POST', as: bench.owner });
    expect((await bench.ended(jobId)).status).toBe('cancelled');
    expect(await receipts(traceId)).toHaveLength(1);
  });

  test('refused because whoever asked may no longer', async () => {
    const gone = await bench.signIn('operator');
    const scheduledAt = new Date(Date.now() + 3600_000).toISOString();
    const { jobId, traceId } = await bench.run({ scheduledAt, steps: [step('a')] }, gone);
    await bench.database.query('UPDATE users SET is_disabled = true WHERE id = $1', [gone.userId]);
    await bench.database.query('UPDATE jobs SET run_at = now() WHERE id = $1', [jobId]);
    expect(await bench.ended(jobId)).toMatchObject({
      status: 'failed',
      error: { code: 'forbidden' },
    });
    expect(bench.probe.calls).toHaveLength(0);
    expect(await receipts(traceId)).toHaveLength(1);
  });
});

describe('an agent', () => {
  test('plans by its SOP, with the one input under whatever name', async () => {
    const data = await bench.upload('data.csv', 'a,b\n1,2\n');
    const sop = [step('look', { any: '${inputs.data}', text: 'file ${inputs.data}' })];
    const agentId = await bench.agent({ tools: ['probe.*'], sop });
    const { jobId, traceId } = await bench.run({
      agentId,
      inputs: [{ name: 'upload', artifactId: data }],
    });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(bench.probe.calls[0]!.args).toEqual({ any: data, text: `file ${data}` });
    const runs = await bench.database.query('SELECT status FROM agent_runs WHERE trace_id = $1', [
      traceId,
    ]);
    expect(runs).toEqual([{ status: 'succeeded' }]);
  });

  test('whose tools do not cover its SOP does not start', async () => {
    const agentId = await bench.agent({ tools: ['skills.*'], sop: [step('look')] });
    const { jobId, traceId } = await bench.run({ agentId });
    expect(await bench.ended(jobId)).toMatchObject({
      status: 'failed',
      error: { code: 'plan_invalid' },
    });
    const [anomaly] = await bench.events(traceId, 'anomaly.detected');
    expect(anomaly!.summary).toContain('not among the tools of the agent');
    expect(anomaly!.payload).toMatchObject({
      said: [{ params: { faults: { params: { what: { code: 'tool-not-of-agent' } } } } }],
    });
    expect(bench.probe.calls).toHaveLength(0);
  });
});

describe('a goal in words', () => {
  const csv =
    'Flight Date,Species,Cost\n2024-01-03,Gull,5\n2024-02-07,Kestrel,\nnot a date,Gull,7\n';

  test('that names skills and a file is planned and run with the real tools', async () => {
    const artifactId = await bench.upload('strikes.csv', csv.repeat(1));
    const { jobId, traceId } = await bench.run({
      goal: 'Profile strikes.csv, clean it and plot strikes by species, then write a report',
      inputs: [{ name: 'data', artifactId }],
    });
    const job = await bench.ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded', error: null });
    expect(Object.keys(await bench.steps(jobId))).toEqual(['profile', 'clean', 'plot', 'report']);
    const names = job.receipt.artifacts.map((file) => file.name);
    expect(
      names.some((name) => name.endsWith('.svg')) && names.some((name) => name.endsWith('.md')),
    ).toBe(true);
    expect((await bench.events(traceId, 'run.plan'))[0]!.payload).toMatchObject({ source: 'goal' });
  });

  test('that nobody understands ends in an anomaly that says what it needs', async () => {
    const { jobId, traceId } = await bench.run({ goal: 'make me rich' });
    expect(await bench.ended(jobId)).toMatchObject({
      status: 'failed',
      error: { code: 'plan_needed' },
    });
    const [anomaly] = await bench.events(traceId, 'anomaly.detected');
    expect(anomaly!.summary).toMatch(/"make me rich".*steps.*SOP.*model/);
    expect(anomaly!.payload).toMatchObject({
      said: [{ code: 'plan-needed', params: { needs: { code: 'goal-no-skill' } } }],
    });
    expect(await receipts(traceId)).toHaveLength(1);
  });
});

test('rows that could not be parsed are one anomaly with a sample and a download', async () => {
  bench.probe.during = () => ({
    artifactId: 'c0ffee00-0000-4000-8000-000000000001',
    name: 'clean.csv',
    rowsIn: 10,
    rowsOut: 7,
    rejected: {
      count: 3,
      artifactId: 'c0ffee00-0000-4000-8000-000000000002',
      name: 'bad.csv',
      sample: [{ line: 2 }],
    },
  });
  const { jobId, traceId } = await bench.run({ steps: [step('clean')] });
  expect((await bench.ended(jobId)).receipt.summary).toContain('3 rows could not be parsed.');
  const anomalies = await bench.events(traceId, 'anomaly.detected');
  expect(anomalies).toHaveLength(1);
  expect(anomalies[0]).toMatchObject({
    summary: expect.stringMatching(/^3 rows could not be parsed in step clean/),
    payload: { count: 3, sample: [{ line: 2 }] },
    links: [
      { rel: 'download', href: '/api/artifacts/c0ffee00-0000-4000-8000-000000000002/content' },
      { rel: 'episode' },
    ],
  });
  const [milestone] = await bench.events(traceId, 'task.progress.milestone');
  expect(milestone!.summary).toBe(
    'Step 1 of 1 is done: clean kept 7 of 10 rows and made clean.csv.',
  );
});

test('a plan with faults is refused at the door, with every fault', async () => {
  const answer = await bench.refused('/api/run', {
    method: 'POST',
    as: bench.owner,
    body: {
      goal: 'x',
      steps: [step('a', { n: 'x' }), step('b', {}, { tool: 'probe.agian', needs: ['c'] })],
    },
  });
  expect(answer.status).toBe(422);
  expect(answer.body).toMatchObject({ code: 'plan_invalid' });
  expect(answer.body.errors).toMatchObject([
    { path: 'steps.0.args.n', message: 'must be integer', said: { code: 'schema-type' } },
    { path: 'steps.1.needs', message: 'there is no step "c"' },
    {
      path: 'steps.1.tool',
      message: 'there is no tool "probe.agian" (did you mean "probe.again"?)',
    },
  ]);
});

describe('a rerun', () => {
  test('runs the same plan anew', async () => {
    const first = await bench.run({ steps: [step('a'), step('b', { any: '${steps.a.text}' })] });
    await bench.ended(first.jobId);
    const again = await bench.call<{ jobId: string; traceId: string }>(
      `/jobs/${first.jobId}/rerun`,
      { method: 'POST', as: bench.owner },
    );
    expect(again.status).toBe(202);
    expect((await bench.ended(again.body.jobId)).status).toBe('succeeded');
    expect(bench.probe.calls.map((call) => call.args.text)).toEqual(['a', 'b', 'a', 'b']);
    expect(again.body.traceId).not.toBe(first.traceId);
  });

  test('from a step on takes over what was recorded before it', async () => {
    const first = await bench.run({
      steps: [step('a'), step('b', { any: '${steps.a.text}' }), step('c')],
    });
    await bench.ended(first.jobId);
    const again = await bench.call<{ jobId: string }>(`/jobs/${first.jobId}/rerun`, {
      method: 'POST',
      as: bench.owner,
      body: { fromStep: 'b', args: { b: { text: 'b2', any: '${steps.a.text}' } } },
    });
    const job = await bench.ended(again.body.jobId);
    expect(job.status).toBe('succeeded');
    expect(
      bench.probe.calls
        .slice(3)
        .map((call) => call.args)
        .sort((x, y) => (x.text! < y.text! ? -1 : 1)),
    ).toEqual([{ text: 'b2', any: 'a' }, { text: 'c' }]);
  });
});

test('the episode of a run is for those who may see it', async () => {
  const { jobId, traceId } = await bench.run({ steps: [step('a')] });
  await bench.ended(jobId);
  const stranger = await bench.signIn('operator', 'elsewhere');
  expect((await bench.refused(`/api/episodes/${traceId}`, { as: stranger })).status).toBe(404);
  expect((await bench.refused('/api/episodes/nope', { as: bench.owner })).status).toBe(404);
  const episode = await bench.episode(traceId);
  expect(episode).toMatchObject({
    traceId,
    job: { id: jobId, status: 'succeeded' },
    plan: [{ id: 'a', state: 'pending' }],
    steps: [{ id: 'a', state: 'done', result: { ok: true } }],
    toolCalls: [{ stepId: 'a', status: 'succeeded', tool: 'again' }],
    receipt: { status: 'succeeded' },
    attempts: 1,
  });
});
