import { Watches } from './watches.js';

/** A server that takes what is to be watched when the test says so. */
function serverOfTest() {
  const watches = new Watches();
  let [begun, open] = [0, 0];
  let answer!: { take: () => void; refuse: () => void };
  const begin = () => {
    begun++;
    return new Promise<() => void>((resolve, reject) => {
      const take = () => (open++, resolve(() => void open--));
      answer = { take, refuse: () => reject(new Error('no such resource')) };
    });
  };
  const add = (uri = 'a:1') => watches.add(uri, begin);
  return { watches, add, answer: () => answer, counts: () => [begun, open] };
}
const turn = () => new Promise(setImmediate);

it('are begun once, however closely one is asked for upon the other, and end with one word', async () => {
  const { watches, add, answer, counts } = serverOfTest();
  const both = [add(), add()];
  answer().take();
  await Promise.all(both);
  await add();
  expect(counts()).toEqual([1, 1]);
  watches.remove('a:1');
  await turn();
  expect(counts()).toEqual([1, 0]);
});

it.each([
  ['wants no more of it', (watches: Watches) => watches.remove('a:1')],
  ['is gone', (watches: Watches) => watches.end()],
])('end although the client %s before the server has answered', async (_, end) => {
  const { watches, add, answer, counts } = serverOfTest();
  const added = add();
  end(watches);
  expect(watches.has('a:1')).toBe(false);
  answer().take();
  await added;
  await turn();
  expect(counts()).toEqual([1, 0]);
});

it('that the server does not take are told as such to all who asked, and can be asked for again', async () => {
  const { watches, add, answer, counts } = serverOfTest();
  const both = [add(), add()];
  answer().refuse();
  for (const each of both) await expect(each).rejects.toThrow('no such resource');
  expect(watches.has('a:1')).toBe(false);
  const again = add();
  answer().take();
  await again;
  expect(counts()).toEqual([2, 1]);
});

it('asked for anew are not forgotten for the failure of those before', async () => {
  const { watches, add, answer } = serverOfTest();
  const first = add();
  const { refuse } = answer();
  watches.remove('a:1');
  const second = add();
  refuse();
  await expect(first).rejects.toThrow();
  answer().take();
  await second;
  expect(watches.has('a:1')).toBe(true);
});

it('have a bound, which those that are only begun count for', async () => {
  const { watches, add } = serverOfTest();
  for (let i = 0; i < 200; i++) void add(`a:${i}`);
  await expect(add('a:200')).rejects.toMatchObject({ code: -32602 });
  expect(watches.has('a:200')).toBe(false);
});
