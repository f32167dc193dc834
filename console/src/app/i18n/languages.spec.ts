import { words as en } from './en';
import { words as zh } from './zh';

const flat = (value: object, path = ''): [string, string][] =>
  Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'string'
      ? [[`${path}${key}`, inner]]
      : flat(inner as object, `${path}${key}.`),
  );
const blanks = (text: string) =>
  [...text.matchAll(/{{(\w+)}}/g)].map(([, name]) => name ?? '').sort((a, b) => a.localeCompare(b));

describe('the words', () => {
  it('fill the same blanks in both languages', () => {
    const chinese = new Map(flat(zh));
    for (const [key, text] of flat(en)) {
      expect([key, blanks(chinese.get(key) ?? '')]).toEqual([key, blanks(text)]);
    }
  });

  it('do not shout', () => {
    for (const [, text] of [...flat(en), ...flat(zh)]) expect(text).not.toMatch(/[!！]/);
  });
});
