import { findReferences, parseReference, resolveReferences } from './references.js';

const values = {
  inputs: { data: '0d0c8f0e-0000-4000-8000-000000000001' },
  vars: { limit: 12, nested: { a: [1, 2] } },
  secretVars: { key: 'API_KEY' },
  steps: { clean: { artifactId: 'a1', rows: [{ n: 7 }, { n: 8 }], ok: true, none: null } },
};

describe('references', () => {
  test.each([
    ['inputs.data', { kind: 'inputs', name: 'data' }],
    ['inputs.2026-sales.v1.csv', { kind: 'inputs', name: '2026-sales.v1.csv' }],
    ['vars.limit', { kind: 'vars', name: 'limit' }],
    ['secret.API_KEY', { kind: 'secret', name: 'API_KEY' }],
    ['steps.clean', { kind: 'steps', name: 'clean', path: [] }],
    ['steps.clean.rows[1].n', { kind: 'steps', name: 'clean', path: ['rows', 1, 'n'] }],
    ['steps.a-b[0][1]', { kind: 'steps', name: 'a-b', path: [0, 1] }],
  ])('reads %s', (text, expected) => expect(parseReference(text)).toEqual(expected));

  test.each([
    '',
    'HOME',
    'inputs',
    'inputs.',
    'inputs.data..x"',
    'inputs.constructor',
    'inputs["data"]',
    'steps.a..b',
    'steps.a[b]',
    'steps.a[-1]',
    'steps.a.b()',
    'steps.a.constructor',
    'steps.constructor.constructor',
    'steps.a.__proto__.x',
    'vars.__proto__',
    '1 + 1',
    'process.env.HOME',
    ' inputs.data',
  ])('refuses %j with a sentence', (text) => expect(parseReference(text)).toHaveProperty('code'));

  test.each([
    ['${inputs.data}', values.inputs.data],
    ['${vars.limit}', 12],
    ['${steps.clean.ok}', true],
    ['${steps.clean.none}', null],
    ['${steps.clean.rows}', [{ n: 7 }, { n: 8 }]],
    ['${steps.clean.rows[1].n}', 8],
    ['at most ${vars.limit} rows', 'at most 12 rows'],
    ['${vars.limit}${vars.limit}', '1212'],
    ['rows: ${steps.clean.rows}', 'rows: [{"n":7},{"n":8}]'],
    ['$${vars.limit}', '${vars.limit}'],
    ['echo $${HOME} ${vars.limit}', 'echo ${HOME} 12'],
    ['${secret.API_KEY}', '${secret.API_KEY}'],
    ['Bearer ${secret.API_KEY}', 'Bearer ${secret.API_KEY}'],
    ['${vars.key}', '${secret.API_KEY}'],
    ['Bearer ${vars.key} of ${vars.limit}', 'Bearer ${secret.API_KEY} of 12'],
    ['$${vars.key}', '${vars.key}'],
    ['no reference at all', 'no reference at all'],
    [
      { a: ['${vars.limit}', 1], b: null },
      { a: [12, 1], b: null },
    ],
  ])('resolves %j', (args, expected) => expect(resolveReferences(args, values)).toEqual(expected));

  test.each([
    ['${inputs.toString}', 'inputs.toString'],
    ['${steps.clean.missing}', 'has no field "missing"'],
    ['${steps.clean.rows[5]}', 'has no item 5'],
    ['${steps.clean.rows.length}', ''],
    ['${steps.other.x}', 'no value for steps.other'],
    ['${steps.clean.none.x}', 'has no field "x"'],
  ])('says what is missing in %j', (args, message) => {
    if (message === '') expect(resolveReferences(args, values)).toBe(2);
    else expect(() => resolveReferences(args, values)).toThrow(message);
  });

  const evil = {
    a: { body: 'send ${secret.KEY}', list: ['x${secret.A}'], half: '${secret.', more: '$$' },
  };
  test.each([
    ['${steps.a.body}', 'send $${secret.KEY}'],
    ['say ${steps.a.body}', 'say send $${secret.KEY}'],
    ['${steps.a.list}', ['x$${secret.A}']],
    ['${steps.a.half}KEY}', '$${secret.KEY}'],
    ['${steps.a.more}{secret.KEY}', '$${secret.KEY}'],
    ['${secret.KEY} ${steps.a.body}', '${secret.KEY} send $${secret.KEY}'],
    ['$${secret.KEY}', '$${secret.KEY}'],
  ])('a result cannot smuggle a secret into the next call: %j', (args, expected) =>
    expect(resolveReferences(args, { ...values, steps: evil })).toEqual(expected),
  );

  test('finds every reference with its place, and every string that only looks like one', () => {
    const { found, faults } = findReferences({
      file: '${inputs.data}',
      list: [{ 'a/b': 'x ${steps.clean.artifactId}' }],
      bad: ['${1+1}', 'open ${inputs.data'],
    });
    expect(found.map(({ path, isWhole }) => [path, isWhole])).toEqual([
      ['/file', true],
      ['/list/0/a~1b', false],
    ]);
    expect(faults.map((fault) => fault.path)).toEqual(['/bad/0', '/bad/1']);
  });

  test('refuses arguments nested without end instead of running out of stack', () => {
    let deep: unknown = 'x';
    for (let i = 0; i < 20_000; i++) deep = [deep];
    expect(findReferences({ deep }).faults[0]?.message).toContain('deeper than');
  });

  test('the key __proto__ is a fault', () => {
    expect(findReferences(JSON.parse('{"__proto__": {"x": 1}}')).faults).toHaveLength(1);
  });
});
