import { piecesOf } from './hits';
import { readValue, writeValue } from './var-dialog';

describe('hits in a text', () => {
  const told = (text: string, terms: string[]) =>
    piecesOf(text, terms).map(({ text, isHit }) => (isHit ? `[${text}]` : text));

  it('are marked in any case, and in Chinese', () => {
    expect(told('Ops gets the fee.', ['ops', 'FEE'])).toEqual([
      '[Ops]',
      ' gets the ',
      '[fee]',
      '.',
    ]);
    expect(told('发送给运营团队', ['运营'])).toEqual(['发送给', '[运营]', '团队']);
  });

  it('take signs for themselves', () => {
    expect(told('100% (net) a.b', ['100%', '(net)', '.'])).toEqual([
      '[100%]',
      ' ',
      '[(net)]',
      ' a',
      '[.]',
      'b',
    ]);
    expect(told('plain', [])).toEqual(['plain']);
  });
});

it.each(['text', '12', '"quoted', 12, true, null, { a: [1] }, '', '{"a":1}', 'null'])(
  'the value %j stands in its field so that it is read as it was',
  (value) => expect(readValue(writeValue(value))).toEqual(value),
);
