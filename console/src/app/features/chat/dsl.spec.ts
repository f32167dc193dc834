import type { McpTool } from '@aos/contracts';
import { planFaults, stepFor, stepsIn, withStep } from './dsl';

const tool = (name: string, inputSchema: object): McpTool => ({
  ...{ server: 'skills', name, tool: `skills.${name}`, aggregateName: name, title: null },
  ...{ description: '', inputSchema: inputSchema as McpTool['inputSchema'], outputSchema: null },
  ...{ idempotent: true, readOnly: true },
});
const clean = tool('csv.clean', {
  type: 'object',
  required: ['file'],
  additionalProperties: false,
  properties: { file: { type: 'string' }, limit: { type: 'integer', minimum: 1 } },
});
const plot = tool('viz.plot', {
  type: 'object',
  required: ['file', 'kind', 'size'],
  properties: {
    file: { type: 'string' },
    kind: { enum: ['bar', 'line'] },
    size: { type: 'number' },
  },
});
const faults = (steps: unknown, inputs: string[] = ['data']) =>
  planFaults(JSON.stringify(steps), [clean, plot], inputs).map(({ path, word }) => [path, word]);
const good = { id: 'a', tool: 'skills.csv.clean', args: { file: '${inputs.data}' } };

describe('the faults of a plan', () => {
  it('are none in a good one, as a list or in an object', () => {
    expect(faults([good])).toEqual([]);
    expect(faults({ steps: [good] })).toEqual([]);
    expect(planFaults('', [clean], [])).toEqual([]);
  });

  it.each<[string, unknown, [string, string][]]>([
    ['no steps', { a: 1 }, [['', 'noSteps']]],
    ['a step that is none', [7], [['steps.0', 'noStep']]],
    ['a key that no step has', [{ ...good, tols: 1 }], [['steps.0.tols', 'unknownKey']]],
    ['an id that cannot be one', [{ ...good, id: '1 a' }], [['steps.0.id', 'id']]],
    ['an id that is taken', [good, good], [['steps.1.id', 'idTaken']]],
    [
      'a tool that nobody has',
      [{ ...good, tool: 'skills.nope' }],
      [['steps.0.tool', 'unknownTool']],
    ],
    ['a step that is not there', [{ ...good, needs: ['z'] }], [['steps.0.needs.0', 'noNeed']]],
    ['a choice that is none', [{ ...good, onError: 'shrug' }], [['steps.0.onError', 'choice']]],
    [
      'args against the schema',
      [{ ...good, args: { limit: 0, more: 1 } }],
      [
        ['steps.0.args.file', 'form.fault.required'],
        ['steps.0.args.limit', 'form.fault.least'],
        ['steps.0.args.more', 'form.fault.unknown'],
      ],
    ],
    [
      'references to what is not there',
      [{ ...good, args: { file: '${inputs.x} ${steps.z.y} ${what}' } }],
      [
        ['steps.0.args.file', 'noInput'],
        ['steps.0.args.file', 'noNeed'],
        ['steps.0.args.file', 'reference'],
      ],
    ],
    [
      'a circle, also by what is referred to',
      [
        { ...good, id: 'a', args: { file: '${steps.b.artifactId}' } },
        { ...good, id: 'b', needs: ['a'] },
      ],
      [['steps.0.needs', 'circle']],
    ],
  ])('tell of %s', (_, steps, expected) => expect(faults(steps)).toEqual(expected));

  it('let a reference stand for a value of any type, and an escaped one be text', () => {
    expect(
      faults([
        { ...good, args: { file: '${inputs.data}', limit: '${steps.b.n}' } },
        { ...good, id: 'b' },
      ]),
    ).toEqual([]);
    expect(faults([{ ...good, args: { file: '$${nothing}' } }])).toEqual([]);
  });

  it('say nothing of tools where the list did not come', () => {
    expect(planFaults(JSON.stringify([{ id: 'a', tool: 'x.y' }]), [], [])).toEqual([]);
  });
});

describe('a step for a tool', () => {
  it('holds what must be there, the file that is attached, and an id of its own', () => {
    expect(stepFor(plot, ['plot'], 'data')).toEqual({
      id: 'plot-2',
      tool: 'skills.viz.plot',
      args: { file: '${inputs.data}', kind: 'bar', size: 0 },
    });
  });

  it('goes to the end of the plan, and touches no text that is none', () => {
    expect(stepsIn(withStep('', good))).toEqual([good]);
    expect(stepsIn(withStep(JSON.stringify({ steps: [good] }), good))).toHaveLength(2);
    expect(withStep('[{', good)).toBe('[{');
  });
});
