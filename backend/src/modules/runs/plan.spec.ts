import type { Step } from '@aos/contracts';
import type { KnownTool } from '../integrations/index.js';
import { completePlan, isToolAllowed, validatePlan } from './plan.js';

const tool = (name: string, inputSchema: Record<string, unknown>): KnownTool => ({
  server: name.split('.')[0]!,
  name: name.split('.').slice(1).join('.'),
  tool: name,
  title: null,
  description: '',
  inputSchema,
  outputSchema: null,
  idempotent: true,
  readOnly: true,
});
const file = { type: 'string' };
const tools = [
  tool('skills.csv.profile', {
    type: 'object',
    properties: { file },
    required: ['file'],
    additionalProperties: false,
  }),
  tool('skills.viz.plot', {
    type: 'object',
    properties: {
      file,
      kind: { enum: ['bar', 'line'] },
      size: { type: 'integer', maximum: 10 },
      x: { type: 'string', pattern: '^[a-z]+$' },
    },
    required: ['file', 'kind'],
    additionalProperties: false,
  }),
  tool('env.echo', { type: 'object' }),
  tool('env.choose', {
    type: 'object',
    properties: {
      v: { anyOf: [{ type: 'object', properties: { n: { type: 'number' } } }, { type: 'null' }] },
    },
  }),
];
const given = { inputs: ['data'], vars: ['limit'], secrets: ['API_KEY'] };
const step = (id: string, args: Record<string, unknown> = {}, more: Partial<Step> = {}): Step => ({
  id,
  tool: 'env.echo',
  args,
  ...more,
});
const faultsOf = (steps: Step[], more: Partial<Parameters<typeof validatePlan>[2]> = {}) =>
  validatePlan(steps, tools, { ...given, ...more }).map(
    ({ path, message }) => `${path}: ${message}`,
  );

describe('a plan', () => {
  test('holds nothing that would be something else once it is stored', () => {
    expect(faultsOf([step('a', { n: [1, JSON.parse('1e400')], text: 'a\ud800' })])).toEqual([
      'steps.0.args.n.1: is a number too large to be passed on',
      'steps.0.args.text: holds half of a surrogate pair, which is no character',
    ]);
  });

  test('without fault has none', () => {
    expect(
      faultsOf([
        step('profile', { file: '${inputs.data}' }, { tool: 'skills.csv.profile' }),
        step(
          'plot',
          { file: '${steps.profile.artifactId}', kind: 'bar' },
          { tool: 'skills.viz.plot' },
        ),
        step('say', { text: 'at most ${vars.limit}, key ${secret.API_KEY}' }, { needs: ['plot'] }),
      ]),
    ).toEqual([]);
  });

  test('may use a variable that stands for a secret only with that secret in its env', () => {
    const steps = [step('say', { text: '${vars.key}' })];
    const more = { vars: ['key'], secretVars: { key: 'API_KEY' } };
    expect(faultsOf(steps, more)).toEqual([]);
    expect(faultsOf(steps, { ...more, secrets: [] })).toEqual([
      'steps.0.args.text: the variable "key" stands for the secret "API_KEY", which is not in the env of the task',
    ]);
  });

  test('names a tool with its server, which is said to who leaves it out', () => {
    expect(faultsOf([step('a', {}, { tool: 'csv.profile' })])).toEqual([
      'steps.0.tool: there is no tool "csv.profile" (did you mean "skills.csv.profile"?)',
    ]);
  });

  test('lists every fault at once', () => {
    const faults = faultsOf([
      step('a', { file: 7, colour: 'red' }, { tool: 'skills.csv.profile', needs: ['nope'] }),
      step('a', {}, { tool: 'skills.csv.profil' }),
      step('plot', { kind: 'pie', size: 11, x: 'A' }, { tool: 'skills.viz.plot' }),
      step('refs', {
        a: '${inputs.dta}',
        b: '${vars.nothing}',
        c: '${secret.OTHER}',
        d: '${steps.ghost.x}',
        e: '${constructor}',
      }),
    ]);
    expect(faults).toEqual([
      'steps.0.needs: there is no step "nope"',
      'steps.0.args: has an unknown key "colour"',
      'steps.0.args.file: must be string',
      'steps.1.id: "a" is the id of steps.0 already',
      'steps.1.tool: there is no tool "skills.csv.profil" (did you mean "skills.csv.profile"?)',
      'steps.2.args: lacks "file"',
      'steps.2.args.kind: must be one of "bar", "line"',
      'steps.2.args.size: must be <= 10',
      'steps.2.args.x: must match pattern "^[a-z]+$"',
      expect.stringContaining('steps.3.args.e: ${constructor} is not a reference'),
      'steps.3.args.a: there is no input "dta" (did you mean "data"?)',
      'steps.3.args.b: there is no variable "nothing" in the project',
      'steps.3.args.c: there is no secret "OTHER" in the env of the task',
      'steps.3.args.d: there is no step "ghost"',
    ]);
  });

  test.each([
    ['itself', [step('a', {}, { needs: ['a'] })], 'a → a'],
    ['two', [step('a', {}, { needs: ['b'] }), step('b', {}, { needs: ['a'] })], 'a → b → a'],
    [
      'three, by references alone',
      [
        step('a', { x: '${steps.b}' }),
        step('b', { x: '${steps.c.y}' }),
        step('c', { x: '${steps.a}' }),
      ],
      'a → b → c → a',
    ],
  ])('names a circle of %s in full', (_, steps, circle) => {
    expect(faultsOf(steps)).toEqual([`steps: the steps wait for each other: ${circle}`]);
  });

  test('names one circle of each knot, and a short one, however many there are', () => {
    const ring = (name: string) =>
      Array.from({ length: 300 }, (_, at) =>
        step(
          `${name}${at}`,
          {},
          { needs: Array.from({ length: 200 }, (_, next) => `${name}${(at + next + 1) % 300}`) },
        ),
      );
    expect(faultsOf([...ring('a'), ...ring('b')])).toEqual([
      'steps: the steps wait for each other: a0 → a100 → a0',
      'steps: the steps wait for each other: b0 → b100 → b0',
    ]);
  });

  test('names the circle, and not the steps that only wait for it', () => {
    const steps = [
      step('a', {}, { needs: ['b'] }),
      step('b', {}, { needs: ['c'] }),
      step('c', {}, { needs: ['b'] }),
    ];
    expect(faultsOf(steps)).toEqual(['steps: the steps wait for each other: b → c → b']);
  });

  test('lists no more faults than anyone mends, and guesses what was meant for the first of them', () => {
    const needs = Array.from({ length: 10 }, (_, at) => `stop${at}`);
    const steps = Array.from({ length: 60 }, (_, at) => step(`step${at}`, {}, { needs }));
    const faults = faultsOf(steps);
    expect(faults).toHaveLength(501);
    expect(faults.at(-1)).toBe('steps: 100 more are left out');
    const guesses = faults.map((fault) => fault.includes('did you mean'));
    expect(guesses).toEqual(Array.from({ length: 501 }, (_, at) => at < 50));
  });

  test('is checked in linear time, however long its chain', () => {
    const chain = Array.from({ length: 5000 }, (_, i) =>
      step(`s${i}`, {}, { needs: [`s${i + 1}`] }),
    );
    expect(faultsOf([...chain, step('s5000')])).toEqual([]);
  });

  test('lets unknown values pass, and only those', () => {
    expect(
      faultsOf([
        step('a'),
        step('p', { file: '${steps.a}', kind: '${steps.a.k}' }, { tool: 'skills.viz.plot' }),
      ]),
    ).toEqual([]);
    expect(
      faultsOf([step('a'), step('p', { v: { n: '${steps.a}' } }, { tool: 'env.choose' })]),
    ).toEqual([]);
    expect(faultsOf([step('p', { v: { n: 'x' } }, { tool: 'env.choose' })])).not.toEqual([]);
    expect(
      faultsOf([
        step('a'),
        step('p', { kind: 'bar', x: '${steps.a}' }, { tool: 'skills.viz.plot' }),
      ]),
    ).toEqual(['steps.1.args: lacks "file"']);
  });

  test('keeps to the tools of the agent', () => {
    expect(faultsOf([step('a')], { allowedTools: ['skills.*'] })).toEqual([
      'steps.0.tool: "env.echo" is not among the tools of the agent',
    ]);
    expect(faultsOf([step('a')], { allowedTools: ['env.*'] })).toEqual([]);
    expect(isToolAllowed('envy.echo', ['env.*'])).toBe(false);
    expect(isToolAllowed('env.echo', ['env.ech'])).toBe(false);
  });

  test('a regular expression of a schema cannot stop the event loop', () => {
    const evil = tool('env.evil', {
      type: 'object',
      properties: { s: { type: 'string', pattern: '^(a+)+$' } },
    });
    expect(
      validatePlan([step('a', { s: `${'a'.repeat(5000)}!` }, { tool: 'env.evil' })], [evil], given),
    ).toHaveLength(1);
  });

  test('is completed by the needs that its references imply', () => {
    const [, b] = completePlan([step('a'), step('b', { x: '${steps.a.y}' }, { needs: [] })]);
    expect(b!.needs).toEqual(['a']);
  });
});
