import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { words as en } from './en';
import { words as zh } from './zh';

const features = join(import.meta.dirname, '../features');
const rooms = readdirSync(features).filter((name) =>
  existsSync(join(features, name, 'words.en.ts')),
);
const wordsOf = async (room: string, language: 'en' | 'zh') =>
  ((await import(join(features, room, `words.${language}.ts`))) as { words: object }).words;

const flat = (value: object, path = ''): [string, string][] =>
  Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'string'
      ? [[`${path}${key}`, inner]]
      : flat(inner as object, `${path}${key}.`),
  );
const blanks = (text: string) =>
  [...text.matchAll(/{{(\w+)}}/g)].map(([, name]) => name ?? '').sort((a, b) => a.localeCompare(b));

describe('the words', () => {
  const all = async (): Promise<[string, object, object][]> => [
    ['frame', en, zh],
    ...(await Promise.all(
      rooms.map(async (room): Promise<[string, object, object]> => [
        room,
        await wordsOf(room, 'en'),
        await wordsOf(room, 'zh'),
      ]),
    )),
  ];

  it('are the same in both languages, with the same blanks', async () => {
    for (const [room, english, chinese] of await all()) {
      const keys = (words: object) =>
        flat(words).map(([key, text]) => `${key} ${blanks(text).join()}`);
      expect([room, keys(chinese).sort()]).toEqual([room, keys(english).sort()]);
    }
  });

  it('do not shout', async () => {
    for (const [, english, chinese] of await all())
      for (const [, text] of [...flat(english), ...flat(chinese)])
        expect(text).not.toMatch(/[!！]/);
  });
});
