import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { say } from '@aos/contracts';
import type { Ctx } from '../../platform/http/context.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { type RunBench, openRunBench, step } from '../../../test/factories/runs.js';
import type { SignedIn } from '../../../test/http-app.js';
import { faultAt } from '../../platform/http/problem.js';
import { ApprovalExpiry } from './approval-expiry.js';
import { DecideApproval } from './commands/decide-approval.js';

let bench: RunBench;
beforeAll(async () => {
  bench = await openRunBench();
  bench.worker();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.probe.reset());

const decide = (body: object, as: SignedIn = bench.owner) =>
  bench.call<{ status: string; code: string; errors: unknown }>('/agent/approve', {
    method: 'POST',
    as,
    body,
  });

const somebody: Ctx = {
  actor: {
    ...{ kind: 'user', id: 'user:somebody', name: 'Somebody', userId: null },
    grants: [
      { permission: 'approval.read', projectId: null },
      { permission: 'approval.decide', projectId: null },
    ],
  },
  traceId: 'e'.repeat(32),
  ip: null,
};

/** A run that waits for the approval of its step `b`. */
async function waiting(more: object = {}, as?: SignedIn) {
  const { jobId, traceId } = await bench.run(
    {
      steps: [
        step('a'),
        step('b', { any: '${steps.a.text}', n: 1 }, { approval: 'required' }),
        step('c', { any: '${steps.b.text}' }),
      ],
      ...more,
    },
    as,
  );
  const { status } = await bench.settled(jobId);
  expect(status).toBe('waiting');
  const approval = await bench.approval(jobId);
  return { jobId, traceId, approval, approvalId: approval.id };
}

describe('an approval', () => {
  test('is asked for with what a person needs to decide, and nothing is done meanwhile', async () => {
    const { jobId, traceId, approval } = await waiting();
    expect(bench.probe.calls.map((call) => call.args.text)).toEqual(['a']);
    expect(approval).toMatchObject({
      stepId: 'b',
      tool: 'probe.again',
      reason: 'Step b wants to call probe.again. Continue, go on without it, or abort the run.',
      said: { code: 'step-asks', params: { step: 'b', tool: 'probe.again' } },
      args: { text: 'b', any: 'a', n: 1 },
      secondPerson: false,
    });
    const [request, ...others] = await bench.events(traceId, 'approval.request');
    expect(others).toEqual([]);
    expect(request).toMatchObject({
      payload: {
        approvalId: approval.id,
        tool: 'probe.again',
        args: approval.args,
        schema: { type: 'object' },
        expiresAt: approval.expiresAt,
      },
      links: [{ rel: 'approve', href: '/agent/approve' }, { rel: 'episode' }],
    });
    const [row] = await bench.database.query(
      'SELECT lease_owner, attempts FROM jobs WHERE id = $1',
      [jobId],
    );
    expect(row).toEqual({ lease_owner: null, attempts: 0 });
  });

  test('continue goes on, without repeating what was done', async () => {
    const { jobId, traceId, approvalId } = await waiting();
    expect(await decide({ approvalId, decision: 'continue', comment: 'fine' })).toMatchObject({
      status: 200,
      body: { status: 'continued', comment: 'fine' },
    });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(bench.probe.calls.map((call) => call.args.text)).toEqual(['a', 'b', 'c']);
    expect(await bench.events(traceId, 'approval.decided')).toHaveLength(1);
    const audit = await bench.database.query(
      `SELECT 1 FROM audit_logs WHERE action = 'approval.decide' AND resource = $1`,
      [`approval:${approvalId}`],
    );
    expect(audit).toHaveLength(1);
    expect((await decide({ approvalId, decision: 'abort' })).body).toMatchObject({
      code: 'approval_decided',
    });
  });

  test('continue with edited arguments calls with those, once they fit the schema', async () => {
    const { jobId, approvalId } = await waiting();
    const bad = await decide({
      approvalId,
      decision: 'continue',
      args: { n: 'x', colour: 1, any: '${secret.KEY}', text: '${steps.a.text}' },
    });
    expect(bad.status).toBe(422);
    expect(bad.body).toMatchObject({
      code: 'approval_args_invalid',
      errors: expect.arrayContaining([
        expect.objectContaining({ path: 'args.n', message: 'must be integer' }),
        expect.objectContaining({ path: 'args', message: 'has an unknown key "colour"' }),
        faultAt('args.any', say('unknown-of', { what: say('a-secret', { name: 'KEY' }) })),
        faultAt('args.text', say('args-secrets-only')),
      ]),
    });
    expect(
      (await decide({ approvalId, decision: 'continue', args: { text: 'edited', n: 2 } })).status,
    ).toBe(200);
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(bench.probe.calls[1]!.args).toEqual({ text: 'edited', n: 2 });
  });

  test('degrade goes on without the step, and says so', async () => {
    const { jobId, approvalId } = await waiting();
    await decide({ approvalId, decision: 'degrade', comment: 'not needed' });
    const job = await bench.ended(jobId);
    expect(job.status).toBe('succeeded');
    expect(await bench.steps(jobId)).toMatchObject({
      a: { state: 'done' },
      b: { state: 'skipped' },
      c: { state: 'skipped' },
    });
    expect(job.receipt.summary).toMatch(
      /^1 of 3 steps are done. Without b: .* decided to go on without it: not needed. Without c: needs the result of b/,
    );
  });

  test('abort ends the run and names who did it', async () => {
    const { jobId, traceId, approvalId } = await waiting();
    await decide({ approvalId, decision: 'abort', comment: 'wrong file' });
    const job = await bench.ended(jobId);
    expect(job).toMatchObject({ status: 'cancelled' });
    expect(job.receipt.summary).toMatch(/aborted the run: wrong file/);
    expect(await bench.events(traceId, 'task.receipt')).toHaveLength(1);
  });

  test('that nobody decides expires by the clock of the database, with an anomaly', async () => {
    const { jobId, traceId, approvalId } = await waiting();
    await bench.database.query(`UPDATE approvals SET expires_at = now() WHERE id = $1`, [
      approvalId,
    ]);
    expect((await decide({ approvalId, decision: 'continue' })).body).toMatchObject({
      code: 'approval_expired',
    });
    await bench.app.get(ApprovalExpiry, { strict: false }).sweep();
    const job = await bench.ended(jobId);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'approval_expired' } });
    expect(await bench.events(traceId, 'anomaly.detected')).toHaveLength(1);
    const decided = await bench.events(traceId, 'approval.decided');
    expect(decided.map(({ payload }) => payload)).toMatchObject([
      { decision: 'expired', said: [{ code: 'undecided-step' }] },
    ]);
    expect(bench.probe.count()).toBe(1);
    expect((await decide({ approvalId, decision: 'continue' })).body).toMatchObject({
      code: 'approval_expired',
    });
  });

  test('whose expiry cannot be written keeps no other one waiting', async () => {
    const [stuck, other] = [await waiting(), await waiting()];
    const { database } = bench;
    await database.query(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$`,
    );
    await database.query(
      `CREATE TRIGGER refuse BEFORE UPDATE ON approvals FOR EACH ROW
         WHEN (OLD.id = '${stuck.approvalId}' AND NEW.status = 'expired') EXECUTE FUNCTION refuse()`,
    );
    for (const [{ approvalId }, ago] of [[stuck, '1 minute'] as const, [other, '0'] as const])
      await database.query('UPDATE approvals SET expires_at = now() - $2::interval WHERE id = $1', [
        approvalId,
        ago,
      ]);
    const expiry = bench.app.get(ApprovalExpiry, { strict: false });
    await expiry.sweep();
    expect(await bench.ended(other.jobId)).toMatchObject({ status: 'failed' });
    await database.query('DROP FUNCTION refuse CASCADE');
    await expiry.sweep();
    expect(await bench.ended(stuck.jobId)).toMatchObject({ status: 'failed' });
  });

  test('has one decision, however many are made at once', async () => {
    const { jobId, approvalId } = await waiting();
    // Through the bus, all four look at the approval before any of them decides.
    const commands = bench.app.get(CommandBus, { strict: false });
    const answers = await Promise.allSettled(
      (['continue', 'degrade', 'abort', 'continue'] as const).map((decision) =>
        commands.execute(new DecideApproval(somebody, { approvalId, decision })),
      ),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([
      'fulfilled',
      ...['rejected', 'rejected', 'rejected'],
    ]);
    for (const answer of answers)
      if (answer.status === 'rejected')
        expect(answer.reason).toMatchObject({ code: 'approval_decided' });
    expect((await bench.ended(jobId)).status).toMatch(/succeeded|cancelled/);
    expect(
      await bench.database.query(
        `SELECT 1 FROM audit_logs WHERE resource = $1 AND outcome = 'allowed'`,
        [`approval:${approvalId}`],
      ),
    ).toHaveLength(1);
  });

  test('by a second person is not for whoever asked, by session or token', async () => {
    const { jobId, approvalId } = await waiting();
    await bench.database.query('UPDATE approvals SET second_person = true WHERE id = $1', [
      approvalId,
    ]);
    expect(await decide({ approvalId, decision: 'continue' })).toMatchObject({
      status: 403,
      body: { code: 'self_approval' },
    });
    const token = await bench.call<{ token: string }>('/auth/tokens', {
      method: 'POST',
      as: bench.owner,
      body: { name: 'mine' },
    });
    const byToken = await decide(
      { approvalId, decision: 'continue' },
      { ...bench.owner, token: token.body.token },
    );
    expect(byToken).toMatchObject({ status: 403, body: { code: 'self_approval' } });
    expect(
      (await decide({ approvalId, decision: 'continue' }, await bench.signIn('operator'))).status,
    ).toBe(200);
    expect((await bench.ended(jobId)).status).toBe('succeeded');
  });

  test('is for those who may decide where the run belongs', async () => {
    const { jobId, approvalId } = await waiting();
    expect(
      (await decide({ approvalId, decision: 'continue' }, await bench.signIn('viewer'))).status,
    ).toBe(403);
    expect(
      (
        await decide(
          { approvalId, decision: 'continue' },
          await bench.signIn('operator', 'elsewhere'),
        )
      ).status,
    ).toBe(404);
    const list = await bench.call<{ items: unknown[] }>('/agent/approvals', {
      as: await bench.signIn('operator', 'elsewhere'),
    });
    expect(list.body.items).toEqual([]);
    await decide({ approvalId, decision: 'abort' });
    await bench.ended(jobId);
  });

  test('is told of by its id to those who have it in their list, while it waits and after', async () => {
    const { jobId, approval, approvalId } = await waiting();
    const get = (id: string, as: SignedIn) =>
      bench.call<Record<string, unknown>>(`/agent/approvals/${id}`, { as });
    const [viewer, elsewhere] = [
      await bench.signIn('viewer'),
      await bench.signIn('operator', 'elsewhere'),
    ];
    expect((await get(approvalId, viewer)).body).toEqual({
      ...approval,
      you: { obstacle: 'permission', mayBreakGlass: false },
    });
    const foreign = await get(approvalId, elsewhere);
    expect([foreign.status, foreign.body['code']]).toEqual([404, 'not_found']);
    for (const unknown of [randomUUID(), 'none', '%00'])
      expect((await get(unknown, bench.owner)).status).toBe(404);
    await decide({ approvalId, decision: 'abort', comment: 'no' });
    await bench.ended(jobId);
    expect((await get(approvalId, viewer)).body).toMatchObject({
      ...{ id: approvalId, status: 'aborted', comment: 'no' },
    });
  });

  test('is void when what was approved has changed, and is asked for again', async () => {
    await bench.database.query(
      `INSERT INTO projects (id, name, created_by) VALUES ('p', 'p', 'test') ON CONFLICT DO NOTHING`,
    );
    await bench.database.query(
      `INSERT INTO project_vars (project_id, name, value) VALUES ('p', 'limit', '1')`,
    );
    const { jobId, traceId } = await bench.run({
      projectId: 'p',
      steps: [step('b', { n: '${vars.limit}' }, { approval: 'required' })],
    });
    await bench.settled(jobId);
    const first = await bench.approval(jobId);
    await bench.database.query(`UPDATE project_vars SET value = '99' WHERE name = 'limit'`);
    await decide({ approvalId: first.id, decision: 'continue' });
    await bench.settled(jobId);
    expect(bench.probe.calls).toEqual([]);
    const second = await bench.approval(jobId);
    expect(second).toMatchObject({ args: { n: 99 } });
    expect((await bench.approval(jobId, 'void')).id).toBe(first.id);
    expect((await bench.events(traceId, 'anomaly.detected'))[0]!.payload).toMatchObject({
      code: 'approval_void',
    });
    await decide({ approvalId: second.id, decision: 'continue' });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(bench.probe.calls[0]!.args.n).toBe(99);
  });

  test('is void once the server of the tool is registered otherwise, and is asked for again', async () => {
    const { jobId, approvalId } = await waiting();
    await bench.database.query(
      `UPDATE mcp_registry SET version = version + 1 WHERE name = 'probe'`,
    );
    await decide({ approvalId, decision: 'continue' });
    await bench.settled(jobId);
    expect((await bench.approval(jobId, 'void')).id).toBe(approvalId);
    expect(bench.probe.calls.map(({ args }) => args.text)).not.toContain('b');
    await decide({ approvalId: (await bench.approval(jobId)).id, decision: 'continue' });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
  });

  test('of a run that was cancelled meanwhile is void', async () => {
    const { jobId, approvalId } = await waiting();
    await bench.call(`/jobs/${jobId}/cancel`, { method: 'POST', as: bench.owner });
    await bench.ended(jobId);
    expect(await decide({ approvalId, decision: 'continue' })).toMatchObject({
      status: 409,
      body: { code: 'approval_void' },
    });
  });

  test('of several steps may be decided one by one, in any order', async () => {
    const { jobId } = await bench.run({
      steps: ['a', 'b'].map((id) => step(id, {}, { approval: 'required' })),
    });
    await bench.settled(jobId);
    const list = await bench.call<{ items: { id: string; jobId: string; stepId: string }[] }>(
      '/agent/approvals?status=pending',
      { as: bench.owner },
    );
    const mine = list.body.items
      .filter((item) => item.jobId === jobId)
      .sort((x, y) => (x.stepId < y.stepId ? 1 : -1));
    expect(mine.map((item) => item.stepId)).toEqual(['b', 'a']);
    await decide({ approvalId: mine[0]!.id, decision: 'continue' });
    await bench.probe.called(1);
    expect((await bench.settled(jobId)).status).toBe('waiting');
    await decide({ approvalId: mine[1]!.id, decision: 'continue' });
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(bench.probe.calls.map((call) => call.args.text)).toEqual(['b', 'a']);
  });

  test('that is decided while other steps are under way is not forgotten', async () => {
    let release!: () => void;
    const gate = new Promise<void>((done) => (release = done));
    bench.probe.during = async (args) => {
      if (args.text === 'slow') await gate;
      return {};
    };
    const { jobId } = await bench.run({
      steps: [step('slow'), step('b', {}, { approval: 'required' })],
    });
    await bench.probe.called(1);
    const until = async (): Promise<string> =>
      bench.approval(jobId).then(
        (approval) => approval.id,
        () => until(),
      );
    await decide({ approvalId: await until(), decision: 'continue' });
    release();
    expect((await bench.ended(jobId)).status).toBe('succeeded');
    expect(bench.probe.calls.map((call) => call.args.text)).toEqual(['slow', 'b']);
  });

  test('that is decided while the run lays itself down to wait does not leave it waiting', async () => {
    const wakeups = bench.app.get(Wakeups, { strict: false });
    const commands = bench.app.get(CommandBus, { strict: false });
    for (let later = 0; later < 12; later++) {
      const { jobId } = await bench.run({ steps: [step('a', {}, { approval: 'required' })] });
      let decided: Promise<unknown> | undefined;
      const look = async () => {
        const [row] = await bench.database.query<{ id: string }>(
          `SELECT id FROM approvals WHERE job_id = $1 AND status = 'pending'`,
          [jobId],
        );
        if (!row || decided) return;
        decided = (async () => {
          for (let n = 0; n < later; n++) await bench.database.query('SELECT 1');
          await commands.execute(
            new DecideApproval(somebody, { approvalId: row.id, decision: 'continue' }),
          );
        })();
      };
      const off = wakeups.on('outbox', () => void look());
      await look();
      expect((await bench.ended(jobId)).status).toBe('succeeded');
      off();
      await decided;
    }
  });

  test('that does not exist, and bodies that are none', async () => {
    expect(
      (await decide({ approvalId: 'c0ffee00-0000-4000-8000-000000000001', decision: 'continue' }))
        .status,
    ).toBe(404);
    for (const body of [
      {},
      { approvalId: 'x', decision: 'continue' },
      { approvalId: 'c0ffee00-0000-4000-8000-000000000001', decision: 'maybe' },
    ])
      expect((await decide(body)).status).toBe(400);
    expect((await bench.call('/agent/approvals?cursor=bm9wZQ', { as: bench.owner })).status).toBe(
      400,
    );
  });
});
