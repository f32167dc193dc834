import type { PolicyDocument, PolicyRule } from '@aos/contracts';
import {
  asCompared,
  freshRule,
  moved,
  rebased,
  ruleFaults,
  typedOf,
  valueOf,
} from './policy-draft';

const rule = (id: string, more: Partial<PolicyRule> = {}): PolicyRule => ({
  ...freshRule,
  id,
  ...more,
});
const policies = (...rules: PolicyRule[]): PolicyDocument => ({ default: 'allow', rules });
const ids = ({ rules }: { rules: readonly PolicyRule[] }) => rules.map(({ id }) => id);
const [a, b, c] = [rule('a'), rule('b'), rule('c')];

describe('changes upon what somebody else has saved meanwhile', () => {
  it('keep what both did to different rules', () => {
    const mine = policies(rule('a', { effect: 'allow' }), b);
    const theirs = policies(a, rule('b', { enabled: false }), c);
    const { document, both } = rebased(policies(a, b), mine, theirs);
    expect(document.rules).toEqual([
      rule('a', { effect: 'allow' }),
      rule('b', { enabled: false }),
      c,
    ]);
    expect(both).toEqual([]);
  });

  it('name the rules that both changed, and keep ours', () => {
    const mine = policies(rule('a', { effect: 'allow' }));
    const theirs = policies(rule('a', { effect: 'approve' }));
    const { document, both } = rebased(policies(a), mine, theirs);
    expect([document.rules[0]!.effect, both]).toEqual(['allow', ['a']]);
    expect(rebased(policies(a), mine, policies())).toMatchObject({ both: ['a'] });
    expect(rebased(policies(a), mine, mine).both).toEqual([]);
  });

  it('take away what was taken away on either side', () => {
    expect(ids(rebased(policies(a, b, c), policies(a, b), policies(b, c)).document)).toEqual(['b']);
  });

  it('put what was added behind the rule that it stood behind', () => {
    const mine = policies(a, rule('mine'), b);
    const theirs = policies(rule('theirs'), b, a);
    expect(ids(rebased(policies(a, b), mine, theirs).document)).toEqual([
      'theirs',
      'b',
      'a',
      'mine',
    ]);
  });

  it('keep an order that was changed here', () => {
    const theirs = policies(a, rule('theirs'), b, c);
    expect(ids(rebased(policies(a, b, c), policies(c, a, b), theirs).document)).toEqual([
      'c',
      'a',
      'theirs',
      'b',
    ]);
  });

  it('keep the default of whoever changed it', () => {
    const base = policies();
    expect(rebased(base, base, { ...base, default: 'deny' }).document.default).toBe('deny');
    expect(rebased(base, { ...base, default: 'approve' }, base).document.default).toBe('approve');
  });
});

it('a new rule at the top changes nothing else beside what it is compared with', () => {
  const [before, after] = [asCompared(policies(a, b)), asCompared(policies(c, a, b))];
  expect(after.rules).toEqual({ ...before.rules, c: { effect: 'deny', enabled: true } });
  expect([before.order, after.order]).toEqual([
    ['a', 'b'],
    ['c', 'a', 'b'],
  ]);
});

it('is a difference who has to approve', () => {
  const of = (count: number) =>
    asCompared(
      policies(rule('a', { effect: 'approve', approvers: { count, secondPerson: false } })),
    ).rules['a'];
  expect(of(2)).toMatchObject({ approvers: { count: 2 } });
  expect(of(2)).not.toEqual(of(3));
});

it('a rule moves by one place, and not over the end', () => {
  expect(ids({ rules: moved([a, b, c], 'b', -1) })).toEqual(['b', 'a', 'c']);
  expect(ids({ rules: moved([a, b, c], 'b', 1) })).toEqual(['a', 'c', 'b']);
  const rules = [a, b];
  expect([moved(rules, 'a', -1), moved(rules, 'b', 1), moved(rules, 'x', 1)]).toEqual([
    rules,
    rules,
    rules,
  ]);
});

describe('the value of a condition', () => {
  it.each<[Parameters<typeof valueOf>[0], string, unknown]>([
    ['exists', 'x', undefined],
    ['equals', 'prod', 'prod'],
    ['equals', '3', 3],
    ['equals', '"3"', '3'],
    ['equals', '', undefined],
    ['one-of', 'prod\n3\ntrue', ['prod', 3, true]],
    ['less-than', '2.5', 2.5],
    ['starts-with', ' /etc', ' /etc'],
    ['matches', '^3$', '^3$'],
  ])('of %s typed as %j is %j, and shown as it was typed', (op, typed, value) => {
    expect(valueOf(op, typed)).toEqual(value);
    if (value !== undefined) expect(typedOf({ pointer: '', op, value, negate: false })).toBe(typed);
  });
});

it('a rule tells what has to be mended, field by field', () => {
  const when = [
    { pointer: 'path', op: 'exists' as const, negate: false },
    { pointer: '/n', op: 'less-than' as const, value: 'x', negate: false },
    { pointer: '/n', op: 'one-of' as const, value: [], negate: false },
    { pointer: '/*/n', op: 'matches' as const, value: 'x', negate: false },
  ];
  expect(ruleFaults(rule('Big', { when }), [])).toEqual({
    id: 'idFault',
    when: {
      0: { pointer: 'pointerFault' },
      1: { value: 'valueNumber' },
      2: { value: 'valueList' },
    },
  });
  expect(ruleFaults(a, ['a'])).toEqual({ id: 'idTaken', when: {} });
  expect(ruleFaults(a, ['b'])).toEqual({ when: {} });
});
