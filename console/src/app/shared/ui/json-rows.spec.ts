import { pathTo, rowsOf } from './json-rows';

const value = {
  steps: [{ id: 'a', args: { 'a b': 1, long: 'x'.repeat(250) } }],
  none: [],
  nil: null,
};
const all = () => true;

describe('a JSON value as rows', () => {
  it('shows what is open, with a path that a step could refer to', () => {
    expect(rowsOf(value, all).map(({ path, kind, depth }) => [path, kind, depth])).toEqual([
      ['', 'object', 0],
      ['steps', 'array', 1],
      ['steps[0]', 'object', 2],
      ['steps[0].id', 'string', 3],
      ['steps[0].args', 'object', 3],
      ['steps[0].args["a b"]', 'number', 4],
      ['steps[0].args.long', 'string', 4],
      ['steps[0].args.long', 'line', 5],
      ['steps[0].args.long', 'line', 5],
      ['steps[0].args.long', 'line', 5],
      ['none', 'array', 1],
      ['nil', 'null', 1],
    ]);
  });

  it('holds back what is closed, and offers to open only what holds something', () => {
    const rows = rowsOf(value, (path) => path === '');
    expect(rows.map(({ path, size }) => [path, size])).toEqual([
      ['', 3],
      ['steps', 1],
      ['none', null],
      ['nil', null],
    ]);
  });

  it('loses no character of a long text', () => {
    const text = `${'ab'.repeat(120)}\n\nend`;
    const lines = rowsOf(text, all).filter(({ kind }) => kind === 'line');
    expect(lines.map(({ value: line }) => line).join('')).toBe(text.replaceAll('\n', ''));
    expect(lines.filter(({ value: line }) => line === '')).toHaveLength(1);
  });

  it('goes deeper than the call stack', () => {
    let deep: unknown = 1;
    for (let n = 0; n < 20_000; n += 1) deep = [deep];
    expect(rowsOf(deep, all)).toHaveLength(20_001);
  });

  it.each([
    ['', 'a', 'a'],
    ['a', 'b-c', 'a.b-c'],
    ['a', '0', 'a["0"]'],
    ['a', 'x"y', 'a["x\\"y"]'],
  ])('%s then %s is %s', (path, name, expected) => {
    expect(pathTo(path, name)).toBe(expected);
  });
});
