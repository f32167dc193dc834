import { reveal, revealFirst } from './reveal';

const seen = (text: string) =>
  reveal(text)
    .map((run) => (run.isUnseen ? `[${run.text}]` : run.text))
    .join('');

describe('what cannot be seen', () => {
  it.each([
    ['a\u200Bb', 'a[U+200B]b'],
    ['\u202Ecba', '[U+202E]cba'],
    ['x\u2066y\u2069', 'x[U+2066]y[U+2069]'],
    ['t\u{e0041}', 't[U+E0041]'],
    ['\uFEFFhead', '[U+FEFF]head'],
    ['bell\u0007', 'bell[U+0007]'],
  ])('is written out: %j', (text, expected) => expect(seen(text)).toBe(expected));

  it.each(['👩‍👩‍👧‍👦 four', 'a ❤️ b', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}', '1️⃣'])(
    'is left alone within an emoji: %s',
    (text) => expect(reveal(text)).toEqual([{ text, isUnseen: false }]),
  );

  it.each([
    ['👩\u200Dhidden', '👩[U+200D]hidden'],
    ['😀\u{e0041}\u{e0042}', '😀[U+E0041][U+E0042]'],
    ['❤️\u200B👩\u200D👧 x\u200Dy', '❤️[U+200B]👩‍👧 x[U+200D]y'],
    ['a\uFE0F', 'a[U+FE0F]'],
  ])('is written out behind one: %j', (text, expected) => expect(seen(text)).toBe(expected));

  it('leaves lines, tabs, Chinese and accents alone', () => {
    const text = 'a\n\tb 中文，café ✓';
    expect(reveal(text)).toEqual([{ text, isUnseen: false }]);
  });
});

describe('the beginning of a text', () => {
  it('ends between two characters, also where one is of two halves', () => {
    expect(revealFirst('ab😀c', 3)).toEqual({ runs: [{ text: 'ab', isUnseen: false }], length: 2 });
    expect(revealFirst('ab', 3).length).toBe(2);
  });

  it('has no more parts than can be drawn', () => {
    const { runs, length } = revealFirst('\u200B'.repeat(30_000), 100_000);
    expect([runs.length, length]).toEqual([20_000, 20_000]);
  });
});
