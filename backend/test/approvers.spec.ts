import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import type { Approval, CallAnswer, CallPending, DecideRequest, PolicyRule } from '@aos/contracts';
import { hashToken, newSessionToken } from '../src/modules/auth/secret-token.js';
import { ApprovalExpiry } from '../src/modules/runs/approval-expiry.js';
import { DecideApproval } from '../src/modules/runs/commands/decide-approval.js';
import type { Ctx } from '../src/platform/http/context.js';
import { type RunBench, type TestWorker, openRunBench, step } from './factories/runs.js';
import { type SignedIn, makeRole } from './http-app.js';

/** Who has to say yes, and who does: of runs and of calls from outside. On a server the votes come in side by side. */
let bench: RunBench;
let current: TestWorker;
let [asker, ann, ben, cyd]: SignedIn[] = [];

beforeAll(async () => {
  bench = await openRunBench();
  current = bench.worker();
  await makeRole(bench.database, 'security', ['approval.read', 'approval.decide', 'task.read']);
  [asker, ann, ben, cyd] = await Promise.all(
    ['operator', 'admin', 'admin', 'security'].map((role) => bench.signIn(role)),
  );
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.probe.reset());

async function save(...rules: Partial<PolicyRule>[]): Promise<void> {
  const { headers } = await bench.call('/mcp/policies', { as: bench.owner });
  const answer = await bench.call('/mcp/policies', {
    method: 'PUT',
    as: bench.owner,
    headers: { 'if-match': headers.get('etag')! },
    body: { rules: rules.map((rule) => ({ id: 'ask', effect: 'approve', ...rule })) },
  });
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
}
const wants = (approvers: Partial<PolicyRule['approvers']>) =>
  save({ servers: ['probe'], approvers: approvers as PolicyRule['approvers'] });

type Answered = Approval & { code: string; detail: string; errors: { path: string }[] };
const say = (as: SignedIn | undefined, approvalId: string, more: Partial<DecideRequest> = {}) =>
  bench.call<Answered>('/agent/approve', {
    method: 'POST',
    as: as!,
    body: { approvalId, decision: 'continue', ...more },
  });
const seen = async (as: SignedIn | undefined, id: string) =>
  (await bench.call<Approval>(`/agent/approvals/${id}`, { as: as! })).body;
const tokenOf = async (as: SignedIn): Promise<SignedIn> => {
  const { body } = await bench.call<{ token: string }>('/auth/tokens', {
    method: 'POST',
    as,
    body: { name: 'own' },
  });
  return { ...as, token: body.token };
};
/** Of a run of the asker's that waits at its one step. */
async function asked(more: object = {}, as = asker!) {
  const { jobId, traceId } = await bench.run({ steps: [step('a')], ...more }, as);
  expect((await bench.settled(jobId)).status).toBe('waiting');
  const approval = await bench.approval(jobId);
  return { jobId, traceId, id: approval.id, approval };
}
const auditOf = async (id: string) =>
  (
    await bench.database.query<{ action: string; diff: { comment: string | null } }>(
      `SELECT action, diff FROM audit_logs WHERE resource = $1 AND outcome = 'allowed' ORDER BY id`,
      [`approval:${id}`],
    )
  ).map(({ action, diff }) => [action, diff.comment]);

test('so many different persons have to say yes, and each is heard, told of and on record', async () => {
  await wants({ count: 2, secondPerson: true });
  const { id, jobId, traceId, approval } = await asked();
  expect(approval).toMatchObject({
    secondPerson: true,
    approvers: { count: 2, secondPerson: true },
    ...{ given: 0, votes: [] },
    reason:
      'Step a wants to call probe.again, which a policy wants approved by 2 people who may decide, not by whoever asked.',
  });
  const [request] = await bench.events(traceId, 'approval.request');
  expect(request!.payload).toMatchObject({
    ...{ approvalId: id, tool: 'probe.again', args: { text: 'a' }, schema: { type: 'object' } },
    expiresAt: approval.expiresAt,
    ...{ approvers: { count: 2, secondPerson: true }, given: 0 },
  });

  const first = await say(ann, id, { comment: 'looked at it' });
  expect(first).toMatchObject({ status: 200, body: { status: 'pending', given: 1 } });
  expect(first.body.votes).toMatchObject([
    { by: 'admin', decision: 'continue', comment: 'looked at it', breakGlass: false, counts: true },
  ]);
  expect(first.body.you).toEqual({ obstacle: 'voted', mayBreakGlass: false });
  for (const same of [ann!, await tokenOf(ann!)])
    expect(await say(same, id)).toMatchObject({
      status: 409,
      body: {
        code: 'already_voted',
        detail: expect.stringContaining('You have said yes already: 1 of 2.'),
      },
    });
  expect(await seen(ben, id)).toMatchObject({ given: 1, you: { obstacle: null } });
  expect((await bench.events(traceId, 'task.progress.milestone')).at(-1)).toMatchObject({
    summary: 'admin said yes to step a: 1 of 2.',
    payload: { approvalId: id, given: 1, count: 2 },
  });
  expect(bench.probe.calls).toEqual([]);

  expect(await say(ben, id)).toMatchObject({
    body: { status: 'continued', given: 2, decidedBy: 'admin, admin' },
  });
  expect((await bench.ended(jobId)).status).toBe('succeeded');
  expect(bench.probe.count()).toBe(1);
  expect(await auditOf(id)).toEqual([
    ['approval.vote', 'looked at it'],
    ['approval.decide', null],
  ]);
  expect((await bench.events(traceId, 'approval.decided')).map(({ summary }) => summary)).toEqual([
    'admin and admin decided on step a together: continue.',
  ]);
  // What was decided stays decided, whatever becomes of those who did.
  await bench.database.query('UPDATE users SET is_disabled = true WHERE id = $1', [ben!.userId]);
  expect(await seen(ann, id)).toMatchObject({ given: 2, status: 'continued' });
  await bench.database.query('UPDATE users SET is_disabled = false WHERE id = $1', [ben!.userId]);
});

test('whoever asked is never the second person: by session, another one, token, or agent', async () => {
  await wants({ secondPerson: true });
  const other = { ...asker!, token: newSessionToken() };
  await bench.database.query(
    `INSERT INTO sessions (id, user_id, token_hash, csrf_token, expires_at) VALUES ($1, $2, $3, 'x', now() + interval '1 hour')`,
    [randomUUID(), asker!.userId, hashToken(other.token)],
  );
  const token = await tokenOf(asker!);
  const agentId = await bench.agent({ tools: ['probe.*'], sop: [step('a')] });
  const asks = [await asked({}, token), await asked({ agentId, steps: undefined })];
  for (const { id } of asks) {
    for (const same of [asker, other, token])
      expect(await say(same, id)).toMatchObject({ status: 403, body: { code: 'self_approval' } });
    expect(await seen(asker, id)).toMatchObject({ you: { obstacle: 'own' }, votes: [] });
  }
  // Nor by a right to decide alone: the owner asks here.
  const own = await asked({}, bench.owner);
  expect(own.approval.you).toEqual({ obstacle: 'own', mayBreakGlass: false });
  const glass = { breakGlass: true, comment: 'it is mine' };
  expect(await say(bench.owner, own.id, glass)).toMatchObject({ body: { code: 'self_approval' } });
  // Nor by way of other arguments: those would be the request of whoever decides.
  expect(await say(ann, own.id, { args: { text: 'mine' } })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'args' }] },
  });
  for (const { id, jobId } of [...asks, own]) {
    expect((await say(ann, id)).status).toBe(200);
    expect((await bench.ended(jobId)).status).toBe('succeeded');
  }
});

test('one no is a no, also of somebody who had said yes', async () => {
  await wants({ count: 3 });
  const { id, jobId } = await asked();
  await say(ann, id);
  expect((await say(ann, id, { decision: 'abort', comment: 'no' })).body).toMatchObject({
    ...{ status: 'aborted', decidedBy: 'admin', given: 0 },
  });
  expect((await bench.ended(jobId)).status).toBe('cancelled');
  expect((await say(ben, id)).body.code).toBe('approval_decided');
  expect(bench.probe.calls).toEqual([]);
});

test('only those of the roles decide, where they have them', async () => {
  await wants({ roles: ['security'] });
  await bench.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('p', 'p', 'test'), ('q', 'q', 'test')`,
  );
  const { id, jobId } = await asked({ projectId: 'p' });
  const elsewhere = await bench.signIn('operator');
  await bench.database.query(
    `INSERT INTO role_bindings (id, user_id, role, project_id, created_by) VALUES ($1, $2, 'security', 'q', 'test')`,
    [randomUUID(), elsewhere.userId],
  );
  for (const who of [ann, elsewhere])
    for (const decision of ['continue', 'abort'] as const)
      expect(await say(who, id, { decision })).toMatchObject({
        status: 403,
        body: {
          code: 'not_an_approver',
          detail: 'This has to be approved by one person of the role security.',
        },
      });
  expect((await seen(ann, id)).you).toEqual({ obstacle: 'role', mayBreakGlass: false });
  expect((await seen(await bench.signIn('security', 'q'), id)) as object).toMatchObject({
    code: 'not_found',
  });
  // Alone wanted, they may also say how.
  expect((await say(cyd, id, { args: { text: 'edited' } })).body).toMatchObject({
    ...{ status: 'continued', decidedBy: 'security' },
  });
  expect((await bench.ended(jobId)).status).toBe('succeeded');
  expect(bench.probe.calls.map(({ args }) => args.text)).toEqual(['edited']);
});

test('a yes does not count while its person could not give it', async () => {
  await wants({ count: 2 });
  const { id, jobId } = await asked();
  await say(ann, id);
  const switchOff = (isOff: boolean) =>
    bench.database.query('UPDATE users SET is_disabled = $2 WHERE id = $1', [ann!.userId, isOff]);
  await switchOff(true);
  expect((await say(ben, id)).body).toMatchObject({
    ...{ status: 'pending', given: 1 },
    votes: [{ counts: false }, { counts: true }],
  });
  await switchOff(false);
  await bench.database.query(`UPDATE role_bindings SET role = 'viewer' WHERE user_id = $1`, [
    ann!.userId,
  ]);
  expect((await seen(ben, id)).given).toBe(1);
  // Back again, it counts again: said once more by either, that is two.
  await bench.database.query(`UPDATE role_bindings SET role = 'admin' WHERE user_id = $1`, [
    ann!.userId,
  ]);
  expect((await say(ben, id)).body).toMatchObject({ status: 'continued', given: 2 });
  await bench.ended(jobId);
});

test('of those who decide at the same moment each is counted, once', async () => {
  await wants({ count: 2 });
  const { id, jobId } = await asked();
  const ctxOf = ({ userId }: SignedIn): Ctx => ({
    actor: {
      ...{ kind: 'user', id: `user:${userId}`, name: userId, userId },
      grants: (['approval.read', 'approval.decide'] as const).map((permission) => ({
        ...{ permission, projectId: null },
      })),
    },
    traceId: 'e'.repeat(32),
    ip: null,
  });
  // Through the bus, all look at the approval before any of them decides.
  const commands = bench.app.get(CommandBus, { strict: false });
  const all = (people: SignedIn[]) =>
    Promise.allSettled(
      people.map((each) =>
        commands.execute(new DecideApproval(ctxOf(each), { approvalId: id, decision: 'continue' })),
      ),
    );
  const codes = (answers: PromiseSettledResult<Approval>[]) =>
    answers
      .map((each) =>
        each.status === 'fulfilled' ? each.value.status : (each.reason as { code: string }).code,
      )
      .sort();
  expect(codes(await all([ann!, ann!, ann!]))).toEqual([
    ...['already_voted', 'already_voted', 'pending'],
  ]);
  const more = codes(await all([ben!, cyd!, bench.owner]));
  expect(more).toEqual(['approval_decided', 'approval_decided', 'continued']);
  expect((await bench.ended(jobId)).status).toBe('succeeded');
  expect(bench.probe.count()).toBe(1);
});

test('what expires between two votes is not made, and the votes stay on record', async () => {
  await wants({ count: 2 });
  const { id, jobId } = await asked();
  await say(ann, id);
  await bench.database.query('UPDATE approvals SET expires_at = now() WHERE id = $1', [id]);
  expect((await say(ben, id)).body.code).toBe('approval_expired');
  await bench.app.get(ApprovalExpiry, { strict: false }).sweep();
  expect(await bench.ended(jobId)).toMatchObject({
    ...{ status: 'failed', error: { code: 'approval_expired' } },
  });
  expect((await seen(ben, id)).votes).toHaveLength(1);
});

test('what was approved is void once the rule wants others, and asked for anew of those', async () => {
  await wants({ secondPerson: true });
  const { id, jobId } = await asked();
  await wants({ count: 2, secondPerson: true });
  await say(ann, id);
  await bench.settled(jobId);
  expect((await bench.approval(jobId, 'void')).id).toBe(id);
  const anew = await bench.approval(jobId);
  expect(anew).toMatchObject({ approvers: { count: 2 }, given: 0 });
  // A change of the rules that changes nothing here, changes nothing here.
  await save(
    { id: 'other', servers: ['env'] },
    { servers: ['probe'], approvers: { count: 2, secondPerson: true } },
  );
  await say(ann, anew.id);
  expect(bench.probe.calls).toEqual([]);
  await say(ben, anew.id);
  expect((await bench.ended(jobId)).status).toBe('succeeded');
});

test('the glass is broken by whoever may, signed in, with a reason, and everybody hears of it', async () => {
  await wants({ count: 3, roles: ['security'], secondPerson: true });
  const { id, jobId, traceId } = await asked();
  await say(cyd, id);
  const glass = { breakGlass: true, comment: 'The line stands still.' };
  expect(await say(ann, id, glass)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  expect(await say(await tokenOf(bench.owner), id, glass)).toMatchObject({
    ...{ status: 403, body: { detail: expect.stringContaining('not by an API token') } },
  });
  for (const comment of [undefined, ' \u200b- '])
    expect(await say(bench.owner, id, { breakGlass: true, comment })).toMatchObject({
      ...{ status: 400, body: { errors: [{ path: 'comment' }] } },
    });
  expect(await say(bench.owner, id, { ...glass, decision: 'abort' })).toMatchObject({
    ...{ status: 400, body: { errors: [{ path: 'breakGlass' }] } },
  });
  expect((await seen(bench.owner, id)).you).toEqual({ obstacle: 'role', mayBreakGlass: true });
  const { body } = await say(bench.owner, id, glass);
  expect(body).toMatchObject({ status: 'continued', decidedBy: 'owner' });
  expect(body.votes[1]).toMatchObject({ by: 'owner', breakGlass: true, comment: glass.comment });
  expect((await bench.ended(jobId)).status).toBe('succeeded');
  expect(await bench.events(traceId, 'anomaly.detected')).toMatchObject([
    {
      severity: 'error',
      summary: 'owner broke the glass and decided alone on step a: The line stands still.',
      payload: { code: 'break_glass', approvalId: id, reason: glass.comment },
    },
  ]);
  expect(await auditOf(id)).toEqual([
    ['approval.vote', null],
    ['approval.break-glass', glass.comment],
  ]);
});

test('the database lets nothing through that lacks votes, as an older build beside would', async () => {
  await wants({ count: 2, secondPerson: true });
  const { id, jobId } = await asked();
  await say(ann, id);
  const alone = bench.database.query(
    `UPDATE approvals SET status = 'continued', decided_by = 'x' WHERE id = $1`,
    [id],
  );
  await expect(alone).rejects.toThrow(/wants 2 votes/);
  await say(ben, id, { decision: 'abort' });
  await bench.ended(jobId);
});

test('a call from outside waits for as many, and its handle is good for those terms alone', async () => {
  await wants({ count: 2, roles: ['admin'] });
  const call = <T = CallAnswer>(more: object, as = asker!) =>
    bench.call<T>('/mcp/call', {
      method: 'POST',
      as,
      body: { server: 'probe', tool: 'again', args: { text: 'call' }, ...more },
    });
  const plan = await call({ dryRun: true });
  expect(plan.body.structuredContent).toMatchObject({
    outcome: 'ask',
    approvers: { count: 2, roles: ['admin'], secondPerson: true },
    links: expect.arrayContaining([
      expect.objectContaining({
        link: 'approval',
        says: 'It would wait until it was approved by 2 people of the role admin, not by whoever asked.',
      }),
    ]),
  });
  // Of the two admins that there are one asks here.
  const short = (await call({ dryRun: true }, ann)).body.structuredContent as {
    links: { link: string; says: string }[];
  };
  expect(short.links.find(({ link }) => link === 'approval')!.says).toMatch(
    /At present 1 could say yes, which is too few\.$/,
  );

  const { status, body: pending } = await call<CallPending>({});
  expect([status, pending]).toMatchObject([
    202,
    { approvers: { count: 2, roles: ['admin'], secondPerson: true }, given: 0 },
  ]);
  const again = { approval: pending.retryHandle };
  expect((await say(asker, pending.approvalId)).body.code).toBe('self_approval');
  expect((await say(cyd, pending.approvalId)).body.code).toBe('not_an_approver');
  await say(ann, pending.approvalId);
  for (const more of [again, {}])
    expect((await call<CallPending>(more)).body).toMatchObject({
      ...{ approvalId: pending.approvalId, given: 1 },
      detail: expect.stringContaining('1 of 2 so far'),
    });
  expect(bench.probe.calls).toEqual([]);
  expect((await say(ben, pending.approvalId)).body.status).toBe('continued');
  await wants({ count: 1, roles: ['admin'] });
  expect(await call(again)).toMatchObject({ status: 409, body: { code: 'approval_void' } });
  expect(bench.probe.calls).toEqual([]);

  const { body: second } = await call<CallPending>({});
  await say(ann, second.approvalId);
  expect((await call({ approval: second.retryHandle })).status).toBe(200);
  expect(bench.probe.count()).toBe(1);
});

test('a call that may have been made takes the same people to be made again', async () => {
  await wants({ count: 2 });
  let release!: () => void;
  bench.probe.during = () => new Promise((done) => (release = () => done({})));
  const { jobId } = await bench.run({ steps: [step('a', {}, { tool: 'probe.once' })] }, asker);
  await bench.settled(jobId);
  const { id } = await bench.approval(jobId);
  await say(ann, id);
  await say(ben, id);
  await bench.probe.called(1);
  await current.abandon();
  bench.worker();
  expect((await bench.settled(jobId)).status).toBe('waiting');
  const open = await bench.approval(jobId);
  expect(open).toMatchObject({ approvers: { count: 2 }, given: 0 });
  expect((await say(asker, open.id)).body).toMatchObject({ status: 'pending', given: 1 });
  expect(bench.probe.count()).toBe(1);
  await say(ann, open.id, { decision: 'degrade' });
  release();
  await bench.ended(jobId);
});

test('a rule that does not ask has nobody to say who', async () => {
  const { headers } = await bench.call('/mcp/policies', { as: bench.owner });
  const answer = await bench.call('/mcp/policies', {
    method: 'PUT',
    as: bench.owner,
    headers: { 'if-match': headers.get('etag')! },
    body: { rules: [{ id: 'no', effect: 'deny', approvers: { count: 2 } }] },
  });
  expect([answer.status, answer.body]).toMatchObject([
    400,
    { errors: [{ path: 'rules[0].approvers' }] },
  ]);
});
