import { json } from '@codemirror/lang-json';
import { EditorState } from '@codemirror/state';
import { placeOf } from './json-places';

const doc = `{
  "steps": [
    { "id": "a", "tool": "skills.csv.clean", "args": { "file": 7 } },
    { "id": "b" }
  ]
}`;
const at = (text: string, path: string) => {
  const state = EditorState.create({ doc: text, extensions: [json()] });
  const { from, to } = placeOf(state, path);
  return [state.doc.lineAt(from).number, state.sliceDoc(from, to)];
};

describe('the place of a fault', () => {
  it.each([
    ['steps.0.tool', [3, '"skills.csv.clean"']],
    ['steps.0.args.file', [3, '7']],
    ['steps[0].args.file', [3, '7']],
    ['/steps/0/args/file', [3, '7']],
    // What is missing is marked where it should stand.
    ['steps.0.args.kind', [3, '"args"']],
    ['steps.1.tool', [4, '{']],
    ['steps', [2, '"steps"']],
    ['inputs', [1, '{']],
  ])('of %s', (path, expected) => expect(at(doc, path)).toEqual(expected));

  it('is found in a bare list of steps as well', () => {
    expect(at('[\n  { "id": "a", "tool": "x" }\n]', 'steps.0.tool')).toEqual([2, '"x"']);
  });

  it('is the start where there is nothing', () => expect(at('', 'steps.0')).toEqual([1, '']));
});
