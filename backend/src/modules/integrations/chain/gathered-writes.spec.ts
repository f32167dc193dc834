import { GatheredWrites } from './gathered-writes.js';

/** What is written waits in `open` until the test ends it. */
function writer(
  sizeOf: (row: string) => number = (row) => row.length,
  behind: { behindMs?: number } = {},
) {
  const batches: (readonly string[])[] = [];
  const open: { commit: () => void; fail: (error: Error) => void }[] = [];
  let seen: () => void = () => undefined;
  const writes = new GatheredWrites<string, string>(
    (rows) => {
      batches.push(rows);
      seen();
      return new Promise((done, fail) =>
        open.push({ commit: () => done(rows.map((row) => `${row} is in`)), fail }),
      );
    },
    { sizeOf, ...behind },
  );
  return {
    writes,
    batches,
    /** The batch of that number, once it was begun. */
    async batch(index: number) {
      while (!open[index]) await new Promise<void>((resolve) => (seen = resolve));
      return open[index];
    },
  };
}

const outcomes = (waiting: Promise<string>[]) =>
  Promise.allSettled(waiting).then((settled) =>
    settled.map((each) =>
      each.status === 'fulfilled' ? each.value : (each.reason as Error).message,
    ),
  );
const refusal = (code: string) => Object.assign(new Error(`refused with ${code}`), { code });

it('sends what is there, gathers what comes while that is under way, and keeps the order', async () => {
  const { writes, batches, batch } = writer();
  const first = writes.add('a');
  const under = await batch(0);
  const later = ['b', 'c', 'd'].map((row) => writes.add(row));
  await new Promise((turn) => setImmediate(turn));
  expect(batches).toEqual([['a']]);
  under.commit();
  (await batch(1)).commit();
  expect(await outcomes([first, ...later])).toEqual(['a is in', 'b is in', 'c is in', 'd is in']);
  expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
});

it('takes along what comes in the same turn', async () => {
  const { writes, batches, batch } = writer();
  const all = ['a', 'b'].map((row) => writes.add(row));
  (await batch(0)).commit();
  await Promise.all(all);
  expect(batches).toEqual([['a', 'b']]);
});

it('answers nobody before the commit', async () => {
  const { writes, batch } = writer();
  const answered: string[] = [];
  const all = ['a', 'b'].map((row) => writes.add(row).then((answer) => answered.push(answer)));
  const under = await batch(0);
  await new Promise((turn) => setImmediate(turn));
  expect(answered).toEqual([]);
  under.commit();
  await Promise.all(all);
  expect(answered).toEqual(['a is in', 'b is in']);
});

it('fails all of a batch that could not be committed, and goes on with the next', async () => {
  const { writes, batches, batch } = writer();
  const lost = outcomes(['a', 'b'].map((row) => writes.add(row)));
  const under = await batch(0);
  const next = writes.add('c');
  under.fail(new Error('the connection is gone'));
  expect(await lost).toEqual(['the connection is gone', 'the connection is gone']);
  (await batch(1)).commit();
  expect(await next).toBe('c is in');
  expect(batches).toEqual([['a', 'b'], ['c']]);
});

it.each(['22P05', '23505', '54000'])(
  'lets a row that the database refuses with %s take none of the others with it',
  async (code) => {
    const { writes, batches, batch } = writer();
    const all = outcomes(['a', 'bad', 'c'].map((row) => writes.add(row)));
    (await batch(0)).fail(refusal(code));
    (await batch(1)).commit();
    (await batch(2)).fail(Object.assign(new Error('x'), { driverError: refusal(code) }));
    (await batch(3)).commit();
    expect(await all).toEqual(['a is in', 'x', 'c is in']);
    expect(batches).toEqual([['a', 'bad', 'c'], ['a'], ['bad'], ['c']]);
  },
);

it('holds no more in one transaction than fits, but always one row', async () => {
  const { writes, batches, batch } = writer((row) => (row === 'big' ? 3_000_000 : 1_000_000));
  const first = writes.add('a');
  const under = await batch(0);
  const rest = ['b', 'c', 'd', 'big', 'e'].map((row) => writes.add(row));
  under.commit();
  for (const index of [1, 2, 3, 4]) (await batch(index)).commit();
  await Promise.all([first, ...rest]);
  expect(batches).toEqual([['a'], ['b', 'c'], ['d'], ['big'], ['e']]);
});

it('bounds the number of rows as well', async () => {
  const { writes, batches, batch } = writer();
  const all = Array.from({ length: 201 }, (_, index) => writes.add(String(index)));
  (await batch(0)).commit();
  (await batch(1)).commit();
  await Promise.all(all);
  expect(batches.map(({ length }) => length)).toEqual([200, 1]);
});

describe('a row that is written behind', () => {
  const NEVER_MS = 3600_000;
  const aFewTurns = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
  };

  it('goes along with the next that somebody waits for, in the order in which they came', async () => {
    const { writes, batches, batch } = writer(undefined, { behindMs: NEVER_MS });
    const rows = [writes.add('a', { behind: true })];
    await aFewTurns();
    expect(batches).toEqual([]);
    rows.push(writes.add('b'));
    const under = await batch(0);
    rows.push(writes.add('c', { behind: true }));
    under.commit();
    await rows[1];
    await aFewTurns();
    expect(batches).toEqual([['a', 'b']]);
    rows.push(writes.add('d'));
    (await batch(1)).commit();
    expect(await outcomes(rows)).toEqual(['a is in', 'b is in', 'c is in', 'd is in']);
    expect(batches).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('goes by itself when nothing else comes, also behind a trip', async () => {
    const { writes, batches, batch } = writer(undefined, { behindMs: 1 });
    const first = writes.add('a', { behind: true });
    const under = await batch(0);
    const second = writes.add('b', { behind: true });
    under.commit();
    (await batch(1)).commit();
    expect(await outcomes([first, second])).toEqual(['a is in', 'b is in']);
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('goes at once when it is wanted, also behind a trip', async () => {
    const { writes, batches, batch } = writer(undefined, { behindMs: NEVER_MS });
    const rows = [writes.add('a', { behind: true })];
    writes.flush();
    const under = await batch(0);
    rows.push(writes.add('b', { behind: true }));
    writes.flush();
    under.commit();
    (await batch(1)).commit();
    await outcomes(rows);
    const third = writes.add('c', { behind: true });
    await aFewTurns();
    expect(batches).toEqual([['a'], ['b']]);
    writes.flush();
    (await batch(2)).commit();
    expect(await third).toBe('c is in');
  });

  it('does not wait when there are as many as one transaction takes', async () => {
    const { writes, batches, batch } = writer(undefined, { behindMs: NEVER_MS });
    const rows = Array.from({ length: 200 }, (_, n) => writes.add(String(n), { behind: true }));
    (await batch(0)).commit();
    await Promise.all(rows);
    expect(batches.map(({ length }) => length)).toEqual([200]);
  });
});
