import { randomUUID } from 'node:crypto';
import { PolicyDocument, type PolicyRule } from '@aos/contracts';
import { z } from 'zod';
import { tool } from '../builtin/tool.js';
import { Proposals } from '../../proposals/index.js';
import { SavePolicies, SavePoliciesHandler } from '../commands/save-policies.js';
import { PoliciesMoved } from '../integrations.errors.js';
import { PoliciesQueries } from '../policies.queries.js';
import { type GatewayParts, actor, admin, ledgerOf, run, startGateway } from '../testing.js';
import { type Question, compile, faultsOf } from './policy-rules.js';

const question = (overrides: Partial<Question> = {}): Question => ({
  server: 'env',
  tool: 'files.write',
  args: { path: '/tmp/a', size: 7, tags: ['x', 'y'] },
  roles: ['operator'],
  agent: [],
  projectId: null,
  ...overrides,
});
const rules = (...list: (Partial<PolicyRule> & Pick<PolicyRule, 'effect'>)[]) =>
  PolicyDocument.parse({ rules: list.map((rule, index) => ({ id: `r${index}`, ...rule })) });
const decide = (rule: Partial<PolicyRule>, asked: Partial<Question> = {}) =>
  compile(rules({ effect: 'deny', ...rule })).decide(question(asked)).effect;

describe('rules', () => {
  it('decide in order: the first that matches, else the default', () => {
    const document = rules(
      { effect: 'approve', tools: ['files.write'] },
      { effect: 'deny', servers: ['env'] },
    );
    expect(compile(document).decide(question())).toEqual({ effect: 'approve', rule: 'r0' });
    expect(compile(document).decide(question({ tool: 'shell.exec' }))).toEqual({
      effect: 'deny',
      rule: 'r1',
    });
    expect(compile(document).decide(question({ server: 'other', tool: 'x' }))).toEqual({
      effect: 'allow',
      rule: null,
    });
    expect(
      compile({ ...document, default: 'deny' }).decide(question({ server: 'other', tool: 'x' })),
    ).toEqual({ effect: 'deny', rule: null });
  });

  it('that are switched off decide nothing', () => {
    expect(decide({ enabled: false })).toBe('allow');
  });

  it.each<[string, Partial<PolicyRule>, Partial<Question>, boolean]>([
    ['a server by pattern', { servers: ['e*'] }, {}, true],
    ['another server', { servers: ['e'] }, {}, false],
    ['a tool by pattern', { tools: ['*.write'] }, {}, true],
    ['a role', { roles: ['viewer', 'operator'] }, {}, true],
    ['no such role', { roles: ['viewer'] }, {}, false],
    ['an agent by its name', { agents: ['clean*'] }, { agent: ['cleaner', '7'] }, true],
    ['an agent by its id', { agents: ['7'] }, { agent: ['cleaner', '7'] }, true],
    ['an agent, when a person calls', { agents: ['*'] }, {}, false],
    ['a project', { projects: ['a'] }, { projectId: 'a' }, true],
    ['a project, when there is none', { projects: ['*'] }, {}, false],
    ['all parts at once', { tools: ['files.*'], roles: ['viewer'] }, {}, false],
  ])('match %s', (_, rule, asked, matches) => {
    expect(decide(rule, asked)).toBe(matches ? 'deny' : 'allow');
  });

  it.each<[string, PolicyRule['when'][number], boolean]>([
    ['a value that is there', { pointer: '/path', op: 'exists', negate: false }, true],
    ['a value that is not', { pointer: '/nope', op: 'exists', negate: true }, true],
    ['text by RE2', { pointer: '/path', op: 'matches', value: '^/tmp/', negate: false }, true],
    [
      'text by its beginning',
      { pointer: '/path', op: 'starts-with', value: '/etc', negate: false },
      false,
    ],
    [
      'text that is not so',
      { pointer: '/path', op: 'starts-with', value: '/etc', negate: true },
      true,
    ],
    ['a number', { pointer: '/size', op: 'greater-than', value: 6, negate: false }, true],
    [
      'a number that is text',
      { pointer: '/path', op: 'less-than', value: 6, negate: false },
      false,
    ],
    ['any member of a list', { pointer: '/tags/*', op: 'equals', value: 'y', negate: false }, true],
    ['one of several', { pointer: '/size', op: 'one-of', value: [1, 7], negate: false }, true],
    ['no key of the prototype', { pointer: '/constructor', op: 'exists', negate: false }, false],
    [
      'the whole',
      {
        pointer: '',
        op: 'equals',
        value: { tags: ['x', 'y'], size: 7, path: '/tmp/a' },
        negate: false,
      },
      true,
    ],
  ])('look at an argument: %s', (_, condition, matches) => {
    expect(decide({ when: [condition] })).toBe(matches ? 'deny' : 'allow');
  });

  const safe = { pointer: '/paths/*', op: 'starts-with' as const, value: '/safe' };
  const inItems = { ...safe, pointer: '/items/*/path' };
  it.each<[string, PolicyRule['effect'], PolicyRule['when'][number], object, boolean]>([
    ['all of', 'allow', { ...safe, negate: false }, { paths: ['/safe', '/safe/a'] }, true],
    ['one of', 'allow', { ...safe, negate: false }, { paths: ['/safe', '/etc'] }, false],
    ['none of', 'allow', { ...safe, negate: false }, { paths: [] }, false],
    ['not one of', 'allow', { ...safe, negate: true }, { paths: ['/safe', '/etc'] }, false],
    ['not any of', 'allow', { ...safe, negate: true }, { paths: ['/etc'] }, true],
    [
      'a member without',
      'allow',
      { ...inItems, negate: false },
      { items: [{ path: '/safe' }, {}] },
      false,
    ],
    ['one of', 'deny', { ...safe, negate: false }, { paths: ['/safe', '/etc'] }, true],
    ['none of', 'deny', { ...safe, negate: false }, { paths: ['/etc'] }, false],
    ['not all of', 'deny', { ...safe, negate: true }, { paths: ['/safe', '/etc'] }, true],
    ['not all of', 'approve', { ...safe, negate: true }, { paths: ['/safe', '/etc'] }, true],
    ['all of', 'deny', { ...safe, negate: true }, { paths: ['/safe'] }, false],
    ['none of', 'deny', { ...safe, negate: true }, {}, true],
    [
      'a member without',
      'deny',
      { ...inItems, negate: true },
      { items: [{ path: '/safe' }, {}] },
      true,
    ],
  ])(
    'let no member of several slip through: %s them, to %s',
    (_, effect, condition, args, holds) => {
      const document = { ...rules({ effect, when: [condition] }), default: 'allow' as const };
      const { rule } = compile(document).decide(question({ args: args as Question['args'] }));
      expect(rule !== null).toBe(holds);
    },
  );

  it('take linear time, whatever the pattern', () => {
    const evil = { pointer: '/path', op: 'matches' as const, value: '^(a+)+$', negate: false };
    const began = process.cpuUsage();
    expect(decide({ when: [evil] }, { args: { path: `${'a'.repeat(20_000)}!` } })).toBe('allow');
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(10);
  });

  it('with faults are told, all at once', () => {
    const document = PolicyDocument.parse({
      rules: [
        { id: 'a', effect: 'deny', when: [{ pointer: '/x', op: 'matches', value: '(?=x)' }] },
        { id: 'a', effect: 'deny', when: [{ pointer: '/x', op: 'less-than', value: 'x' }] },
      ],
    });
    expect(faultsOf(document).map(({ path }) => path)).toEqual([
      'rules[0].when[0].value',
      'rules[1].id',
      'rules[1].when[0].value',
    ]);
  });
});

describe('the gateway', () => {
  let parts: GatewayParts;
  let save: (document: object, base?: number) => Promise<unknown>;
  let calls = 0;

  beforeAll(async () => {
    const echo = (name: string) =>
      tool({
        name,
        title: name,
        description: 'Counts',
        input: z.strictObject({ path: z.string().optional() }),
        output: z.looseObject({}),
        idempotent: true,
        // A hint of a tool about itself; no rule goes by it.
        readOnly: true,
        run: () => Promise.resolve({ calls: ++calls }),
      });
    parts = await startGateway({ p: { description: '', tools: [echo('delete'), echo('read')] } });
    const handler = new SavePoliciesHandler(
      parts.database,
      parts.policies,
      parts.audit,
      parts.outbox,
      parts.wakeups,
      new Proposals(parts.audit, parts.outbox),
    );
    save = async (document, base) => {
      const { version } = await parts.policies.stored();
      return handler.execute(
        new SavePolicies(admin(), PolicyDocument.parse(document), base ?? version),
      );
    };
  });
  afterAll(() => parts.stop());
  beforeEach(async () => {
    calls = 0;
    await save({});
    await parts.database.query('DELETE FROM tool_calls');
  });

  const call = (tool: string, by = admin(), more: object = {}) =>
    parts.gateway.call(by, { server: 'p', tool, args: {}, ...more });

  it('refuses what a rule denies, at once, and leaves no row; the hint of the tool opens nothing', async () => {
    await save({ rules: [{ id: 'no-delete', effect: 'deny', tools: ['delete'] }] });
    await expect(call('delete')).rejects.toMatchObject({ code: 'policy_denied', status: 403 });
    await expect(call('delete')).rejects.toThrow(/no-delete/);
    await call('read');
    expect(calls).toBe(1);
    expect(await ledgerOf(parts)).toHaveLength(1);
  });

  it('audits what a rule refuses to a run', async () => {
    await save({ rules: [{ id: 'no', effect: 'deny' }] });
    await expect(call('read', admin(), { run: run(), idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'policy_denied',
    });
    expect(
      await parts.database.query(
        `SELECT 1 FROM audit_logs WHERE outcome = 'denied' AND resource = 'tool:p.read' AND diff->>'policy' = 'no'`,
      ),
    ).toHaveLength(1);
  });

  it('makes no call of a run that has not asked for the approval that a rule wants', async () => {
    await save({ rules: [{ id: 'ask', effect: 'approve' }] });
    const asked = { run: run(), idempotencyKey: 'asked' };
    await expect(call('read', admin(), asked)).rejects.toMatchObject({ code: 'approval_required' });
    expect(calls).toBe(0);
    await call('read', admin(), {
      ...asked,
      run: { ...asked.run, approved: { approvers: undefined } },
    });
    expect(calls).toBe(1);
    // Nor of one that was approved by others than the rule wants by now; the order of roles says nothing.
    const approvers = { count: 2, secondPerson: false, roles: ['b', 'a', 'b'] };
    await save({ rules: [{ id: 'ask', effect: 'approve', approvers }] });
    const by = (given: typeof approvers | undefined, key: string) =>
      call('read', admin(), {
        idempotencyKey: key,
        run: { ...asked.run, stepId: key, approved: { approvers: given } },
      });
    for (const other of [undefined, { ...approvers, count: 1 }])
      await expect(by(other, 'other')).rejects.toMatchObject({ code: 'approval_required' });
    await by({ ...approvers, roles: ['a', 'b'] }, 'same');
    expect(calls).toBe(2);
  });

  it('goes by the roles that somebody has in the project of the call', async () => {
    await save({ rules: [{ id: 'ops', effect: 'deny', roles: ['apprentice'] }] });
    const by = actor('admin');
    await call('read', by);
    const { userId } = by.actor;
    await parts.database.query(`INSERT INTO users (id, email, name) VALUES ($1, $2, 'x')`, [
      userId,
      `${userId}@x.test`,
    ]);
    await parts.database.query(`INSERT INTO roles (name, permissions) VALUES ('apprentice', '{}')`);
    await parts.database.query(
      `INSERT INTO role_bindings (id, user_id, role, created_by) VALUES ($1, $1, 'apprentice', 'test')`,
      [userId],
    );
    parts.wakeups.wake('control');
    await expect(call('read', by)).rejects.toMatchObject({ code: 'policy_denied' });
  });

  it('calls nothing while the stored rules cannot be read', async () => {
    await parts.database.query(
      `INSERT INTO config_versions (scope, version, config, created_by)
       SELECT 'policies', max(version) + 1, '{"rules":[{"id":"x","effect":"from the future"}]}', 'test' FROM config_versions WHERE scope = 'policies'`,
    );
    parts.wakeups.wake('control');
    await expect(call('read')).rejects.toMatchObject({ code: 'unavailable' });
    expect(calls).toBe(0);
  });

  describe('that another process has saved, of which no word has come yet,', () => {
    const saveElsewhere = (document: object) =>
      parts.database.query(
        `INSERT INTO config_versions (scope, version, config, created_by)
         SELECT 'policies', max(version) + 1, $1, 'test' FROM config_versions WHERE scope = 'policies'`,
        [JSON.stringify(PolicyDocument.parse(document))],
      );
    const deny = { rules: [{ id: 'no', effect: 'deny', tools: ['delete'] }] };
    const ofARun = () => ({ run: run({ attempt: 2 }), idempotencyKey: randomUUID() });

    it.each([
      ['outside a run', () => ({})],
      ['of a run', ofARun],
    ])('hold for a call %s', async (_, more) => {
      await call('delete', admin(), more());
      expect(calls).toBe(1);
      await saveElsewhere(deny);
      await expect(call('delete', admin(), more())).rejects.toMatchObject({
        code: 'policy_denied',
      });
      expect(calls).toBe(1);
      expect(await ledgerOf(parts)).toHaveLength(1);
    });

    it('hold for a call that takes over one that a crash has left open', async () => {
      const taken = ofARun();
      await call('delete', admin(), { ...taken, run: { ...taken.run, attempt: 1 } });
      await parts.database.query(`UPDATE tool_calls SET status = 'started'`);
      await saveElsewhere(deny);
      await expect(call('delete', admin(), taken)).rejects.toMatchObject({ code: 'policy_denied' });
      expect(await ledgerOf(parts)).toMatchObject([{ status: 'started' }]);
    });

    it('let what they allow pass, counted once, and ask where they ask', async () => {
      await parts.configure({ limits: { principalPerDay: 1 } });
      await saveElsewhere({ rules: [{ id: 'other', effect: 'deny', tools: ['delete'] }] });
      await call('read');
      await parts.configure({});
      await saveElsewhere({ rules: [{ id: 'ask', effect: 'approve' }] });
      await expect(call('read')).rejects.toMatchObject({ code: 'approval_required' });
      expect(calls).toBe(1);
    });

    it('are asked for once more, and not without an end, where they are not what a call is refused for', async () => {
      const begin = parts.ledger.begin.bind(parts.ledger);
      const refused = jest
        .spyOn(parts.ledger, 'begin')
        .mockImplementation((ctx, made, isIdempotent) => begin(ctx, made, isIdempotent, -1));
      await expect(call('read')).rejects.toThrow(PoliciesMoved);
      expect(refused).toHaveBeenCalledTimes(2);
      refused.mockRestore();
      expect(calls).toBe(0);
    });

    it('leave alone those that go along in one statement and were decided by them', async () => {
      const { version } = await parts.policies.stored();
      const begin = (policies: number) =>
        parts.ledger.begin(admin(), { server: 'p', tool: 'read', args: {} }, true, policies);
      const begun = async (...versions: number[]) =>
        (await Promise.allSettled(versions.map(begin))).map(({ status }) => status);
      expect(await begun(version, version - 1, version)).toEqual([
        ...['fulfilled', 'rejected', 'fulfilled'],
      ]);
      expect(await begun(version - 1, version - 1)).toEqual(['rejected', 'rejected']);
      expect(await ledgerOf(parts)).toHaveLength(2);
    });
  });

  it('keeps versions, refuses a stale one and one with faults, and audits the change', async () => {
    await save({ rules: [{ id: 'one', effect: 'deny' }] });
    await expect(save({}, 0)).rejects.toMatchObject({ code: 'precondition_failed' });
    await expect(
      save({
        rules: [{ id: 'x', effect: 'deny', when: [{ pointer: '', op: 'matches', value: '(' }] }],
      }),
    ).rejects.toMatchObject({ code: 'validation_failed' });
    const queries = new PoliciesQueries(parts.database, parts.policies, parts.gateway);
    const history = await queries.history({ limit: 1 });
    expect(history.items).toMatchObject([{ document: { rules: [{ id: 'one' }] } }]);
    expect(history.nextCursor).not.toBeNull();
    expect(
      await parts.database.query(
        `SELECT 1 FROM audit_logs WHERE action = 'policies.save' AND diff->'after'->'rules'->0->>'id' = 'one'`,
      ),
    ).not.toHaveLength(0);
  });

  it('tells of a draft what it would change for the last calls, and for one', async () => {
    await call('delete');
    await call('read');
    const queries = new PoliciesQueries(parts.database, parts.policies, parts.gateway);
    const preview = await queries.preview(admin(), {
      document: PolicyDocument.parse({ rules: [{ id: 'd', effect: 'deny', tools: ['delete'] }] }),
      call: { server: 'p', tool: 'delete', args: {}, roles: [], projectId: null },
    });
    expect(preview.call).toMatchObject({
      before: { effect: 'allow', rule: null },
      after: { effect: 'deny', rule: 'd' },
      outcome: 'stop',
    });
    expect(preview.recent).toMatchObject({
      looked: 2,
      changed: [{ tool: 'p.delete', before: { effect: 'allow' }, after: { effect: 'deny' } }],
    });
    await call('delete');
  });

  describe('tells of a call by a draft, link by link,', () => {
    const foresee = async (rules: object[], more: object = {}) => {
      const queries = new PoliciesQueries(parts.database, parts.policies, parts.gateway);
      const { call: foreseen } = await queries.preview(admin(), {
        document: PolicyDocument.parse({ rules }),
        call: { server: 'p', tool: 'read', args: {}, roles: [], projectId: null, ...more },
      });
      return foreseen!;
    };
    const of = ({ links }: Awaited<ReturnType<typeof foresee>>, link: string) =>
      links.find((each) => each.link === link);

    it('and neither calls nor keeps anything', async () => {
      await save({ rules: [{ id: 'no', effect: 'deny' }] });
      const foreseen = await foresee([{ id: 'ask', effect: 'approve' }], { args: { path: 1 } });
      expect(foreseen).toMatchObject({
        before: { effect: 'deny', rule: 'no' },
        after: { effect: 'approve', rule: 'ask' },
        outcome: 'stop',
      });
      expect(of(foreseen, 'policy')).toMatchObject({ verdict: 'ask' });
      expect(of(foreseen, 'schema')).toMatchObject({ verdict: 'stop', errors: [{ path: 'path' }] });
      expect(await foresee([{ id: 'ask', effect: 'approve' }])).toMatchObject({ outcome: 'ask' });
      expect(calls).toBe(0);
      expect(await ledgerOf(parts)).toHaveLength(0);
      // What is in force is what was saved.
      await expect(call('read')).rejects.toMatchObject({ code: 'policy_denied' });
    });

    it('for somebody with a role, whose refusal is a finding too', async () => {
      const rules = [{ id: 'ops', effect: 'deny', roles: ['operator'] }];
      await parts.database.query(
        `INSERT INTO roles (name, permissions) VALUES ('operator', '{tool.call}'), ('viewer', '{}') ON CONFLICT DO NOTHING`,
      );
      const operator = await foresee(rules, { roles: ['operator'] });
      expect([operator.after.rule, of(operator, 'identity')?.verdict]).toEqual(['ops', 'pass']);
      const viewer = await foresee(rules, { roles: ['viewer'] });
      expect([viewer.after.rule, of(viewer, 'identity')?.code]).toEqual([null, 'forbidden']);
      // The others say what they would all the same.
      expect(of(viewer, 'schema')).toMatchObject({ verdict: 'pass' });
      expect(viewer.outcome).toBe('stop');
    });

    it('for a run of an agent, by its name or its id', async () => {
      const rules = [{ id: 'bot', effect: 'deny', agents: ['bot-*'] }];
      await parts.database.query(
        `INSERT INTO agents (id, name, config, created_by) VALUES (77, 'bot-one', '{}', 'test')`,
      );
      for (const agent of ['bot-one', '77'])
        expect(await foresee(rules, { agent })).toMatchObject({ after: { rule: 'bot' } });
      expect(await foresee(rules, { agent: 'other' })).toMatchObject({ after: { rule: null } });
    });

    it('also of a tool that there is not', async () => {
      const foreseen = await foresee([], { tool: 'gone' });
      expect(foreseen.links.at(-1)).toMatchObject({ link: 'tool', code: 'unknown_tool' });
    });
  });
});
