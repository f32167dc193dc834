import { pageOf } from './page.js';

const same = (item: string) => item;
const list = ['a', 'b', 'c', 'd', 'e'];

function all(items: readonly string[], size: number, between: (page: number) => readonly string[]) {
  const seen: string[] = [];
  let cursor: string | undefined;
  let current = items;
  for (let page = 1; page < 20; page++) {
    const answer = pageOf(current, same, cursor, size);
    seen.push(...answer.items);
    cursor = answer.nextCursor;
    if (cursor === undefined) return seen;
    current = between(page);
  }
  throw new Error('it does not end');
}

it('gives every item once, in pages', () => {
  for (const size of [1, 2, 3, 5, 6]) expect(all(list, size, () => list)).toEqual(list);
});

it('loses and repeats nothing that was there all the time when the list changes in between', () => {
  expect(all(list, 2, () => ['a0', 'b', 'b0', 'd', 'e'])).toEqual(['a', 'b', 'b0', 'd', 'e']);
});

it('takes no cursor that it did not make', () => {
  const made = pageOf(list, same, undefined, 2).nextCursor!;
  for (const cursor of ['', 'b', `${made}=`, `${made} `, Buffer.from('[1]').toString('base64url')])
    expect(() => pageOf(list, same, cursor, 2)).toThrow('not one that this list gave out');
});
