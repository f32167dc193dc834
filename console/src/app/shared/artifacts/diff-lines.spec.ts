import { readDiff } from './diff-lines';

describe('a unified diff', () => {
  it('is read line by line, with the numbers of both sides', () => {
    const text = [
      'diff --git a/x b/x',
      '--- a/x',
      '+++ b/x',
      '@@ -1,3 +1,3 @@ head',
      ' same',
      '--- gone, and no header',
      '+++ new, and no header',
      ' end',
      '\\ No newline at end of file',
      '--- a/y',
    ].join('\n');
    expect(readDiff(`${text}\n`).map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ['file', null, null],
      ['file', null, null],
      ['file', null, null],
      ['hunk', null, null],
      ['same', 1, 1],
      ['gone', 2, null],
      ['new', null, 2],
      ['same', 3, 3],
      ['note', null, null],
      ['file', null, null],
    ]);
  });

  it('takes a hunk of one line, and a text that is none, for what they are', () => {
    expect(readDiff('@@ -0,0 +1 @@\n+only').map(({ kind }) => kind)).toEqual(['hunk', 'new']);
    expect(readDiff('hello').map(({ kind }) => kind)).toEqual(['note']);
  });
});
