import type { BlueprintContent } from '@aos/contracts';
import { contentOf, draftOf, freeId, moved, needsOf, placed, tidy } from './draft';

const content: BlueprintContent = {
  name: 'Monthly',
  description: '',
  inputs: [
    { name: 'sales', required: true, mediaType: 'text/csv' },
    { name: 'last', required: false },
  ],
  env: ['API_KEY'],
  steps: [
    { id: 'read', tool: 'skills.csv.profile', args: { file: '${inputs.sales}' }, retries: 2 },
    {
      id: 'tell',
      tool: 'skills.text.report',
      args: { z: 1, a: ['${steps.read.rows}', '$${steps.other}'] },
      needs: ['read', 'more'],
      approval: 'required',
      onError: 'skip',
    },
  ],
};

it('gives back what it was made of, and leaves out what says nothing', () => {
  const draft = draftOf(content);
  expect(contentOf(draft)).toEqual(content);
  expect(Object.keys(contentOf(draft).steps[1]!.args)).toEqual(['z', 'a']);
  const said = {
    ...content,
    steps: [{ ...content.steps[0]!, approval: 'auto' as const, needs: [] }],
  };
  expect(JSON.stringify(tidy(said))).toBe(
    JSON.stringify(tidy({ ...content, steps: [content.steps[0]!] })),
  );
  const typed = { ...draft, name: ' Monthly ', env: 'A, B\nC' };
  expect(contentOf(typed)).toMatchObject({ name: 'Monthly', env: ['A', 'B', 'C'] });
});

it('finds the step of a fault, also once it was moved', () => {
  const draft = draftOf(content);
  const [read, tell] = draft.steps;
  const fault = (path: string) => ({ path, message: 'wrong' });
  const found = placed(
    [fault('steps.1.args.a.0'), fault('steps'), fault('inputs.0.name'), fault('steps.9.id')],
    draft,
  );
  expect(found.map(({ key, path }) => [key, path])).toEqual([
    [tell!.key, 'args.a.0'],
    [null, 'steps'],
    [draft.inputs[0]!.key, 'name'],
    [null, 'steps.9.id'],
  ]);
  const other = { ...draft, steps: moved(draft.steps, 1, -1) };
  expect(other.steps.map(({ key }) => key)).toEqual([tell!.key, read!.key]);
  expect(moved(draft.steps, 1, 1)).toEqual(draft.steps);
});

it('knows what a step waits for, and finds free names', () => {
  expect(needsOf(content.steps[1]!)).toEqual(['read', 'more']);
  expect(needsOf({ ...content.steps[1]!, needs: [] })).toEqual(['read']);
  expect(freeId('csv.clean', [])).toBe('csv-clean');
  expect(freeId('a', ['a', 'a-2'])).toBe('a-3');
  expect(freeId('7', [])).toBe('step');
});
