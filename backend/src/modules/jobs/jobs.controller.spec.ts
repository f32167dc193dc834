import { randomUUID } from 'node:crypto';
import type { Job, JobPage, RunAccepted } from '@aos/contracts';
import type { z } from 'zod';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { JobsModule } from './jobs.module.js';
import { SubmissionChecks } from './submission-checks.js';

let app: HttpApp;
let operator: SignedIn;
let viewer: SignedIn;
let stranger: SignedIn;
beforeAll(async () => {
  app = await openHttpApp({ imports: [JobsModule], environment: { roles: new Set(['api']) } });
  await app.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('birds', 'Birds', 'test'), ('fish', 'Fish', 'test')`,
  );
  operator = await app.signIn('operator', 'birds');
  viewer = await app.signIn('viewer', 'birds');
  stranger = await app.signIn('operator', 'fish');
});
afterAll(() => app.close());

const task = (overrides: object = {}) => ({
  goal: 'count the birds',
  projectId: 'birds',
  ...overrides,
});
const give = async (overrides: object = {}, as = operator): Promise<RunAccepted> => {
  const answer = await app.call<RunAccepted>('/api/run', {
    method: 'POST',
    as,
    body: task(overrides),
  });
  expect(answer.status).toBe(202);
  return answer.body;
};
const get = (path: string, as = operator) => app.call<Job>(path, { as });
const list = async (query: string, as = operator) =>
  (await app.call<z.infer<typeof JobPage>>(`/jobs${query}`, { as })).body;
const eventsOf = (traceId: string) =>
  app.database.query<{
    type: string;
    summary: string;
    payload: Record<string, unknown>;
    links: unknown[];
  }>('SELECT type, summary, payload, links FROM events WHERE trace_id = $1 ORDER BY id', [traceId]);

describe('POST /api/run', () => {
  it('accepts a task: the job, its audit row and its first events are there at once', async () => {
    const { jobId, traceId } = await give({ priority: 7 });
    const job = (await get(`/jobs/${jobId}`)).body;
    expect(job).toMatchObject({
      id: jobId,
      traceId,
      status: 'queued',
      priority: 7,
      goal: 'count the birds',
      projectId: 'birds',
      progress: { done: 0, total: 0, current: null },
      spec: { goal: 'count the birds', projectId: 'birds', priority: 7 },
    });
    const events = await eventsOf(traceId);
    expect(events.map((event) => event.type)).toEqual(['job.status', 'task.acceptance']);
    expect(events[1]!.summary).toMatch(/^Accepted “count the birds” for .+; it starts at once\.$/);
    expect(events[1]!.links).toEqual([
      expect.objectContaining({ rel: 'job', href: `/jobs/${jobId}` }),
      expect.objectContaining({ rel: 'trace' }),
    ]);
    const audit = await app.database.query(
      `SELECT action, outcome, project_id FROM audit_logs WHERE resource = $1`,
      [`job:${jobId}`],
    );
    expect(audit).toEqual([{ action: 'job.create', outcome: 'allowed', project_id: 'birds' }]);
  });

  it('schedules a task for later, and says when it will start', async () => {
    const { jobId, traceId } = await give({ scheduledAt: '2999-01-02T03:04:05+01:00' });
    expect((await get(`/jobs/${jobId}`)).body).toMatchObject({
      status: 'scheduled',
      scheduledAt: '2999-01-02T02:04:05.000Z',
    });
    expect((await eventsOf(traceId))[1]!.summary).toContain(
      'it will start at 2999-01-02 02:04 UTC',
    );
  });

  it('takes every offset that ISO 8601 has, also those that the database does not know', async () => {
    const { jobId } = await give({ scheduledAt: '2999-01-02T03:04:05+23:59' });
    expect((await get(`/jobs/${jobId}`)).body.scheduledAt).toBe('2999-01-01T03:05:05.000Z');
    const last = await give({ scheduledAt: '9999-12-31T23:59:59Z' });
    expect((await get(`/jobs/${last.jobId}`)).body.scheduledAt).toBe('9999-12-31T23:59:59.000Z');
  });

  it.each([
    ['running', 2],
    ['succeeded', 2],
    ['failed', 1],
    ['cancelled', 1],
  ])(
    'counts a step that was skipped as done unless the run was given up: %s',
    async (status, done) => {
      const { jobId } = await give();
      await app.database.query(
        `INSERT INTO job_steps (job_id, step_id, position, tool, state)
       VALUES ($1, 'a', 0, 'x.y', 'done'), ($1, 'b', 1, 'x.y', 'skipped'), ($1, 'c', 2, 'x.y', 'failed')`,
        [jobId],
      );
      await app.database.query('UPDATE jobs SET status = $2 WHERE id = $1', [jobId, status]);
      expect((await get(`/jobs/${jobId}`)).body.progress).toMatchObject({ done, total: 3 });
    },
  );

  it('lists every fault of a plan, and starts nothing', async () => {
    const off = app.app.get(SubmissionChecks);
    off.register(async (_ctx, spec) =>
      spec.goal === 'a bad plan'
        ? [
            { path: 'steps.0.tool', message: 'there is no such tool' },
            { path: 'steps.1.needs', message: 'goes in a circle' },
          ]
        : [],
    );
    const before = await app.database.query('SELECT id FROM jobs');
    const answer = await app.refused('/api/run', {
      method: 'POST',
      as: operator,
      body: task({ goal: 'a bad plan' }),
    });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'plan_invalid' });
    expect(answer.body.errors).toHaveLength(2);
    expect(await app.database.query('SELECT id FROM jobs')).toEqual(before);
  });

  it('finds the agent by id or by name, and refuses one that does not exist', async () => {
    const [agent] = await app.database.query<{ id: string }>(
      `INSERT INTO agents (name, type) VALUES ('counter', 'local') RETURNING id`,
    );
    const byName = await give({ agentId: 'counter' });
    expect((await get(`/jobs/${byName.jobId}`)).body).toMatchObject({
      agentId: agent!.id,
      agentName: 'counter',
    });
    await give({ agentId: agent!.id });
    const unknown = await app.refused('/api/run', {
      method: 'POST',
      as: operator,
      body: task({ agentId: 'nobody' }),
    });
    expect([unknown.status, unknown.body.code]).toEqual([422, 'unknown_agent']);
    expect((await list(`?agentId=counter`)).items).toHaveLength(2);
  });

  it('refuses inputs that do not exist, are of another project, or share a name', async () => {
    const [mine, theirs] = [randomUUID(), randomUUID()];
    await app.database.query(
      `INSERT INTO artifacts (id, name, media_type, bytes, sha256, project_id, created_by)
       VALUES ($1, 'a', 'text/csv', 1, '', 'birds', 't'), ($2, 'b', 'text/csv', 1, '', 'fish', 't')`,
      [mine, theirs],
    );
    await give({ inputs: [{ name: 'a', artifactId: mine.toUpperCase() }] });
    const inputs = [
      { name: 'a', artifactId: mine },
      { name: 'b', artifactId: theirs },
      { name: 'c', artifactId: randomUUID() },
      { name: 'a', artifactId: mine },
    ];
    const answer = await app.refused('/api/run', {
      method: 'POST',
      as: operator,
      body: task({ inputs }),
    });
    expect([answer.status, answer.body.code]).toEqual([422, 'unknown_artifact']);
    expect(answer.body.errors!.map((error) => error.path)).toEqual([
      'inputs.1.artifactId',
      'inputs.2.artifactId',
      'inputs.3.name',
    ]);
  });

  it('refuses secrets that the project does not have', async () => {
    const answer = await app.refused('/api/run', {
      method: 'POST',
      as: operator,
      body: task({ env: ['NOT_THERE'] }),
    });
    expect([answer.status, answer.body.code]).toEqual([422, 'unknown_secret']);
  });

  it.each([
    ['an unknown key', { surprise: 1 }],
    ['no goal', { goal: '  ' }],
    ['a priority out of range', { priority: 10 }],
    ['a negative priority', { priority: -1 }],
    ['half a priority', { priority: 0.5 }],
    ['a date that is none', { scheduledAt: 'tomorrow' }],
    ['a day that is none', { scheduledAt: '2030-02-30T00:00:00Z' }],
    ['a year before the first', { scheduledAt: '0000-06-01T00:00:00Z' }],
    ['a year after 9999', { scheduledAt: '9999-12-31T23:59:59-12:00' }],
    ['more steps than are taken', { steps: Array(501).fill({ id: 'a', tool: 'env.files.read' }) }],
    ['a step without a tool', { steps: [{ id: 'a' }] }],
    ['an id that is none', { steps: [{ id: '../a', tool: 'env.files.read' }] }],
    ['steps that are no list', { steps: {} }],
  ])('refuses %s', async (_what, wrong) => {
    const answer = await app.refused('/api/run', {
      method: 'POST',
      as: operator,
      body: task(wrong),
    });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  });

  it('refuses tasks for a project in the archive', async () => {
    await app.database.query(
      `INSERT INTO projects (id, name, created_by, archived_at) VALUES ('old', 'Old', 'test', now())`,
    );
    const as = await app.signIn('operator', 'old');
    const answer = await app.refused('/api/run', {
      method: 'POST',
      as,
      body: task({ projectId: 'old' }),
    });
    expect([answer.status, answer.body.code]).toEqual([409, 'project_archived']);
  });

  it('is closed to viewers, to other projects, and outside projects', async () => {
    const asViewer = await app.refused('/api/run', { method: 'POST', as: viewer, body: task() });
    expect(asViewer.status).toBe(403);
    const foreign = await app.refused('/api/run', { method: 'POST', as: stranger, body: task() });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
    const unknown = await app.refused('/api/run', {
      method: 'POST',
      as: operator,
      body: task({ projectId: 'nowhere' }),
    });
    expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
    const outside = await app.refused('/api/run', {
      method: 'POST',
      as: operator,
      body: task({ projectId: undefined }),
    });
    expect(outside.status).toBe(403);
  });
});

describe('GET /jobs', () => {
  it('pages by key, the latest first, and filters', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await give({ goal: `page ${n}` })).jobId);
    const first = await list('?limit=2');
    expect(first.items.map((job) => job.id)).toEqual(ids.slice(0, 2));
    await give({ goal: 'in between' });
    const second = await list(`?limit=2&cursor=${first.nextCursor}`);
    expect(second.items.map((job) => job.id)).toEqual(ids.slice(2, 4));
    expect(second.items[0]!.spec).toBeUndefined();
    const { jobId, traceId } = await give({ goal: 'of one trace' });
    expect((await list(`?traceId=${traceId}`)).items.map(({ id }) => id)).toEqual([jobId]);
    expect((await list(`?traceId=${'0'.repeat(32)}`)).items).toEqual([]);
    const scheduled = await list('?status=scheduled');
    expect(new Set(scheduled.items.map((job) => job.status))).toEqual(new Set(['scheduled']));
  });

  it('filters by several states, by what the goal says, by time and by how long a job took', async () => {
    const [failed, cancelled, slow] = [
      (await give({ goal: 'Filter: 清洗数据 100%' })).jobId,
      (await give({ goal: 'filter: other' })).jobId,
      (await give({ goal: 'filter: slow' })).jobId,
    ];
    await app.database.query(`UPDATE jobs SET status = 'failed' WHERE id = $1`, [failed]);
    await app.database.query(
      `UPDATE jobs SET status = 'cancelled', created_at = '2020-01-01T00:00:00Z' WHERE id = $1`,
      [cancelled],
    );
    await app.database.query(
      `UPDATE jobs SET status = 'succeeded', started_at = now() - interval '1 hour', finished_at = now() WHERE id = $1`,
      [slow],
    );
    const ids = async (query: string) =>
      (await list(`?limit=200&text=filter:&${query}`)).items.map((job) => job.id);
    expect(await ids('')).toEqual([slow, cancelled, failed]);
    expect(await ids('status=failed,cancelled')).toEqual([cancelled, failed]);
    expect(await ids('status=failed&status=succeeded')).toEqual([slow, failed]);
    expect(await ids('minMs=3000000')).toEqual([slow]);
    expect(await ids('maxMs=3000000')).toEqual([]);
    expect(await ids('from=2021-01-01T00:00:00Z')).toEqual([slow, failed]);
    expect(await ids('to=2021-01-01T00:00:00Z')).toEqual([]);
    for (const text of ['清洗', '100%', 'FILTER: 清'])
      expect((await list(`?text=${encodeURIComponent(text)}`)).items.map((job) => job.id)).toEqual([
        failed,
      ]);
    expect((await list('?text=nothing-says-this')).items).toEqual([]);
    expect((await list('?text=filter:', stranger)).items).toEqual([]);
  });

  it('looks for a rare text in a bounded number of jobs a request, and says where to go on', async () => {
    const { jobId: needle } = await give({ goal: 'the needle' });
    await app.database.query(
      `INSERT INTO jobs (spec, status, project_id) SELECT '{"goal":"hay"}', 'succeeded', 'birds'
         FROM generate_series(1, 20001)`,
    );
    const first = await list('?text=needle');
    expect(first.items).toEqual([]);
    expect(first.nextCursor).not.toBeNull();
    const second = await list(`?text=needle&cursor=${first.nextCursor}`);
    expect([second.items.map((job) => job.id), second.nextCursor]).toEqual([[needle], null]);
    await app.database.query(`DELETE FROM jobs WHERE spec->>'goal' = 'hay'`);
  });

  it('finds the jobs of a time range by the index of traces, without an early or a late one', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.push((await give({ goal: `range ${n}` })).jobId);
    for (const [n, id] of ids.entries()) {
      const at = `2090-01-0${n + 1}T00:00:00Z`;
      await app.database.query('UPDATE jobs SET created_at = $2 WHERE id = $1', [id, at]);
      await app.database.query('UPDATE traces SET started_at = $2 WHERE job_id = $1', [id, at]);
    }
    const found = await list('?from=2090-01-02T00:00:00Z&to=2090-01-04T00:00:00Z');
    expect(found.items.map((job) => job.id)).toEqual([ids[2], ids[1]]);
  });

  it.each([
    ...['status=lost', 'status=', 'from=yesterday', 'minMs=-1', 'text=', "status=failed')--"],
    ...['from=0000-06-01T00:00:00Z', 'minMs=0x10', 'limit=0x10', 'limit=1e1', 'limit=%2010'],
    ...['limit=', 'limit=0', 'limit=201', 'limit=1&limit=2', 'surprise=1'],
  ])('refuses the filter %s', async (query) => {
    const answer = await app.refused(`/jobs?${query}`, { as: operator });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  });

  it('shows only jobs of projects that the reader may see', async () => {
    const { jobId } = await give();
    expect((await list('', stranger)).items).toEqual([]);
    expect((await list('?projectId=birds', stranger)).items).toEqual([]);
    expect((await list('?limit=1', viewer)).items[0]!.id).toBe(jobId);
    for (const path of [`/jobs/${jobId}`, '/jobs/0', '/jobs/99999999999999999999', "/jobs/1'--"]) {
      const answer = await app.refused(path, { as: stranger });
      expect([path, answer.status, answer.body.code]).toEqual([path, 404, 'not_found']);
    }
  });

  it.each(['cursor=x', `cursor=${Buffer.from('["1 OR 1"]').toString('base64url')}`])(
    'refuses the cursor %s',
    async (query) => {
      const answer = await app.refused(`/jobs?${query}`, { as: operator });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_cursor']);
    },
  );

  it('tells how far a job is from its steps', async () => {
    const steps = ['a', 'b', 'c'].map((id) => ({ id, tool: 'env.files.read' }));
    const { jobId } = await give({ steps });
    expect((await get(`/jobs/${jobId}`)).body.progress).toEqual({
      done: 0,
      total: 3,
      current: null,
    });
    await app.database.query(
      `INSERT INTO job_steps (job_id, step_id, position, tool, state)
       VALUES ($1, 'a', 0, 't', 'done'), ($1, 'b', 1, 't', 'running'), ($1, 'c', 2, 't', 'pending'), ($1, 'd', 3, 't', 'skipped')`,
      [jobId],
    );
    expect((await get(`/jobs/${jobId}`)).body.progress).toEqual({
      done: 2,
      total: 4,
      current: 'b',
    });
  });
});

describe('POST /jobs/:id/cancel', () => {
  it('ends a job that nobody works on, and refuses the second time', async () => {
    const { jobId, traceId } = await give();
    const answer = await app.call<Job>(`/jobs/${jobId}/cancel`, {
      method: 'POST',
      as: operator,
      body: { reason: 'enough' },
    });
    expect([answer.status, answer.body.status]).toEqual([200, 'cancelled']);
    expect((await eventsOf(traceId)).at(-1)).toMatchObject({
      type: 'job.status',
      payload: { status: 'cancelled' },
    });
    const again = await app.refused(`/jobs/${jobId}/cancel`, {
      method: 'POST',
      as: operator,
      body: {},
    });
    expect([again.status, again.body.code]).toEqual([409, 'job_not_cancellable']);
    const audit = await app.database.query(
      `SELECT action FROM audit_logs WHERE resource = $1 ORDER BY id`,
      [`job:${jobId}`],
    );
    expect(audit.map((row) => row['action'])).toEqual(['job.create', 'job.cancel']);
  });

  it('asks a running job to stop', async () => {
    const { jobId } = await give();
    await app.database.query(
      `UPDATE jobs SET status = 'running', lease_owner = 'w' WHERE id = $1`,
      [jobId],
    );
    const answer = await app.call<Job>(`/jobs/${jobId}/cancel`, { method: 'POST', as: operator });
    expect([answer.status, answer.body.status]).toEqual([200, 'running']);
    const [row] = await app.database.query('SELECT cancel_requested_at FROM jobs WHERE id = $1', [
      jobId,
    ]);
    expect(row!['cancel_requested_at']).not.toBeNull();
  });

  it('is closed to viewers and to other projects', async () => {
    const { jobId } = await give();
    expect(
      (await app.refused(`/jobs/${jobId}/cancel`, { method: 'POST', as: viewer, body: {} })).status,
    ).toBe(403);
    expect(
      (await app.refused(`/jobs/${jobId}/cancel`, { method: 'POST', as: stranger, body: {} }))
        .status,
    ).toBe(404);
    expect((await get(`/jobs/${jobId}`)).body.status).toBe('queued');
  });
});

describe('POST /jobs/:id/rerun', () => {
  const ended = async (overrides: object = {}) => {
    const { jobId } = await give({
      steps: [{ id: 'count', tool: 'env.files.read', args: { path: 'a' } }],
      ...overrides,
    });
    await app.database.query(`UPDATE jobs SET status = 'failed' WHERE id = $1`, [jobId]);
    return jobId;
  };

  it('makes a new job with the same spec, to start now', async () => {
    const jobId = await ended({ scheduledAt: '2999-01-01T00:00:00Z', priority: 3 });
    const body = { fromStep: 'count', args: { count: { path: 'b' } }, recorded: 'reuse' };
    const answer = await app.call<RunAccepted>(`/jobs/${jobId}/rerun`, {
      method: 'POST',
      as: operator,
      body,
    });
    expect(answer.status).toBe(202);
    const job = (await get(`/jobs/${answer.body.jobId}`)).body;
    const first = (await get(`/jobs/${jobId}`)).body;
    expect(job).toMatchObject({ status: 'queued', rerunOf: jobId, priority: 3, scheduledAt: null });
    expect(job.spec!.steps).toEqual(first.spec!.steps);
    expect(job.traceId).not.toBe(first.traceId);
    const [row] = await app.database.query('SELECT rerun FROM jobs WHERE id = $1', [job.id]);
    expect(row!['rerun']).toEqual(body);
  });

  it('refuses a job that has not ended, and steps that it does not have', async () => {
    const { jobId } = await give();
    const running = await app.refused(`/jobs/${jobId}/rerun`, {
      method: 'POST',
      as: operator,
      body: {},
    });
    expect([running.status, running.body.code]).toEqual([409, 'job_not_finished']);
    const unknown = await app.refused(`/jobs/${await ended()}/rerun`, {
      method: 'POST',
      as: operator,
      body: { fromStep: 'x', args: { y: {} } },
    });
    expect([unknown.status, unknown.body.code]).toEqual([422, 'step_unknown']);
    expect(unknown.body.errors!.map((error) => error.path)).toEqual(['fromStep', 'args.y']);
    expect(
      (
        await app.refused(`/jobs/${await ended()}/rerun`, {
          method: 'POST',
          as: stranger,
          body: {},
        })
      ).status,
    ).toBe(404);
  });
});
