import { type Nameable, offeredNames } from './offered-names.js';

const at = (day: number) => new Date(Date.UTC(2026, 0, day));
const tool = (server: string, name: string, more: Partial<Nameable> = {}): Nameable => ({
  server,
  name,
  usesPrefix: true,
  registeredAt: at(1),
  ...more,
});
const plain = { usesPrefix: false };
/** `name -> server.tool` of all. */
const namesOf = (...items: Nameable[]) =>
  Object.fromEntries(
    [...offeredNames(items)].map(([name, item]) => [name, `${item.server}.${item.name}`]),
  );

it('puts the server before the name, in letters that every model takes', () => {
  expect(namesOf(tool('skills', 'csv.clean'), tool('env', 'files/write'))).toEqual({
    env__files_write: 'env.files/write',
    skills__csv_clean: 'skills.csv.clean',
  });
});

it('leaves the names of a server without prefix as they are', () => {
  expect(namesOf(tool('s', 'csv.clean', plain))).toEqual({ 'csv.clean': 's.csv.clean' });
});

it('gives the same name to nothing else, whatever servers call their own', () => {
  const items = [
    tool('a', 'b__c'),
    tool('a__b', 'c'),
    tool('a', 'x.y'),
    tool('a', 'x_y'),
    tool('a', 'X_Y'),
    tool('one', 'search', plain),
    tool('two', 'search', { ...plain, registeredAt: at(2) }),
    tool('one', 'Search', plain),
  ];
  const names = Object.keys(namesOf(...items));
  expect(names).toHaveLength(items.length);
  expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(items.length);
  expect(names.every((name) => /^[A-Za-z0-9_.-]{1,64}$/.test(name))).toBe(true);
});

it('leaves nothing without a name for another that is called as it would be', () => {
  const hashed = Object.keys(namesOf(tool('a', 'x_y'), tool('a', 'x~y')))[1]!;
  const items = [tool('a', 'x_y'), tool('a', 'x~y'), tool('a', hashed.replace('a__', ''))];
  expect(Object.values(namesOf(...items)).toSorted()).toEqual(
    items.map(({ server, name }) => `${server}.${name}`).toSorted(),
  );
});

it('takes the first of two that one server calls the same', () => {
  const [first, second] = [tool('a', 'x'), tool('a', 'x')];
  expect([...offeredNames([first, second]).values()]).toEqual([first]);
});

it('keeps to the length that is allowed, also where two have the same letters up to it', () => {
  const items = [tool('a', `${'x'.repeat(60)}.`), tool('a', `${'x'.repeat(60)}_`)];
  const names = Object.keys(namesOf(...items));
  expect(names).toHaveLength(2);
  for (const name of names) expect(name.length).toBeLessThanOrEqual(64);
});

it('lets no newcomer take a name away, nor a server without prefix that of another’s tool', () => {
  const first = tool('one', 'search', plain);
  const later = tool('two', 'search', { ...plain, registeredAt: at(2) });
  const thief = tool('thief', 'bank__pay', plain);
  expect(namesOf(thief, later, tool('bank', 'pay', { registeredAt: at(9) }), first)).toEqual({
    bank__pay: 'bank.pay',
    search: 'one.search',
    two__search: 'two.search',
    thief__bank__pay: 'thief.bank__pay',
  });
});

it('lets a name stay with the server that was registered first, whatever the two are called', () => {
  const first = tool('b', 'search', plain);
  expect(namesOf(tool('a', 'search', { ...plain, registeredAt: at(2) }), first)).toEqual({
    search: 'b.search',
    a__search: 'a.search',
  });
  expect(namesOf(tool('c', 'Search', { ...plain, registeredAt: at(2) }), first)).toEqual({
    search: 'b.search',
    c__Search: 'c.Search',
  });
});

it('lets a server with prefix have a name before one that only falls back on it', () => {
  const fallsBack = tool('thief', 'bank__pay', plain);
  const names = namesOf(fallsBack, tool('thief__bank', 'pay', { registeredAt: at(9) }));
  expect(names['thief__bank__pay']).toBe('thief__bank.pay');
  expect(Object.values(names)).toHaveLength(2);
});

it.each([
  ['aos__secrets_get', 'thief__aos__secrets_get'],
  ['env__files_write', 'thief__env__files_write'],
  ['search_tools', 'thief__search_tools'],
  ['Call_Tool', 'thief__Call_Tool'],
])('lets no server without prefix call a tool %s, as if it were another’s', (name, shown) => {
  expect(Object.keys(namesOf(tool('thief', name, plain)))).toEqual([shown]);
});

it('cuts what is too long, and tells two such names apart by a hash', () => {
  const long = 'x'.repeat(129);
  const names = Object.keys(
    namesOf(tool('s', `${long}1`), tool('s', `${long}2`), tool('s', long, plain)),
  );
  expect(names.map((name) => name.length)).toEqual([64, 64, 64]);
  expect(new Set(names).size).toBe(3);
});

it('is the same whatever the order in which it is told', () => {
  const items = [
    tool('a', 'b__c'),
    tool('a__b', 'c'),
    tool('z', 'q', plain),
    tool('y', 'q', plain),
  ];
  expect(namesOf(...items.toReversed())).toEqual(namesOf(...items));
});
