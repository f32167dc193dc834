import { type Step, say } from '@aos/contracts';
import { faultAt } from '../../platform/http/problem.js';
import { comparable, inputFaults, isAbsence, stepsWith } from './blueprint.js';

const step = (id: string, args: Record<string, unknown> = {}, needs?: string[]): Step => ({
  id,
  tool: 'probe.again',
  args,
  ...(needs ? { needs } : {}),
});
const content = (steps: Step[] = [step('a')], inputs: object[] = []) => ({
  ...{ name: 'Monthly', description: '', env: [] },
  inputs: inputs.map((input) => ({ name: 'sales', required: true, ...input })),
  steps,
});

describe('the steps of a run that lacks an input', () => {
  const steps = [
    step('read', { file: '${inputs.sales}' }),
    step('old', { file: '${inputs.last}' }),
    step('compare', { now: '${steps.read.rows}', then: ['${steps.old.rows}'] }, ['read', 'old']),
    step('tell', { about: '${steps.compare}' }),
    step('end', {}, ['compare', 'read']),
  ];

  it('are without those that use it and those that use what comes of them', () => {
    const left = stepsWith(steps, ['sales']);
    expect(left.map(({ id }) => id)).toEqual(['read', 'end']);
    expect(left[1]!.needs).toEqual(['read']); // it only came after
  });

  it('are all of them when it is there, and may be none', () => {
    expect(stepsWith(steps, ['sales', 'last'])).toEqual(steps);
    expect(stepsWith(steps.slice(0, 4), [])).toEqual([]);
  });

  it('are found whatever the order in which they are written', () => {
    expect(stepsWith([...steps].reverse(), ['sales']).map(({ id }) => id)).toEqual(['end', 'read']);
  });
});

describe('the inputs of a run', () => {
  const file = { artifactId: 'a1', mediaType: 'text/csv; charset=utf-8' };
  const faults = (inputs: object[], given: { name: string; artifactId: string }[]) =>
    inputFaults(content([], inputs), given, [file]).map(({ path, said }) => [path, said!.code]);
  const sales = { name: 'sales', artifactId: 'A1' };

  it('are those that it takes, and all that it requires', () => {
    expect(faults([{}], [sales])).toEqual([]);
    expect(faults([{ required: false }], [])).toEqual([]);
    expect(faults([{}], [])).toEqual([['inputs', 'input-missing']]);
    expect(faults([{}], [sales, { name: 'other', artifactId: 'a1' }])).toEqual([
      ['inputs.1.name', 'input-not-taken'],
    ]);
  });

  it('are of the kind that it names', () => {
    for (const mediaType of ['text/csv', 'TEXT/*'])
      expect(faults([{ mediaType }], [sales])).toEqual([]);
    for (const mediaType of ['text/plain', 'image/*', 'tex/*'])
      expect(faults([{ mediaType }], [sales])).toEqual([
        ['inputs.0.artifactId', 'input-other-kind'],
      ]);
  });
});

it('takes what is not there today for an absence, and no other fault', () => {
  const what = (code: 'a-tool' | 'a-variable' | 'an-input' | 'a-step') => say(code, { name: 'x' });
  const absent = [
    say('unknown-of', { what: what('a-tool') }),
    say('unknown-of-near', { what: what('a-variable'), near: 'y' }),
    say('no-secret-named', { name: 'X' }),
  ];
  const wrong = [
    say('unknown-of', { what: what('an-input') }),
    say('unknown-of-near', { what: what('a-step'), near: 'y' }),
    say('variable-secret', { name: 'x', secret: 'X' }),
    say('given-twice', { name: 'x' }),
  ];
  expect(absent.map((said) => isAbsence(faultAt('', said)))).toEqual(absent.map(() => true));
  expect(wrong.map((said) => isAbsence(faultAt('', said)))).toEqual(wrong.map(() => false));
});

it('compares steps by their ids, and keeps their order apart', () => {
  expect(comparable(content([step('b'), step('a', { n: 1 })], [{}]))).toEqual({
    ...{ name: 'Monthly', description: '', env: [] },
    inputs: { sales: { required: true } },
    steps: {
      a: { tool: 'probe.again', args: { n: 1 } },
      b: { tool: 'probe.again', args: {} },
    },
    order: ['b', 'a'],
  });
});
