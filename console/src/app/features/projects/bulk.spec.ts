import { Bulk } from './bulk';

interface Gate {
  open: () => void;
  refuse: (error: Error) => void;
}

function setup(length: number) {
  const gates: Gate[] = [];
  const bulk = new Bulk(
    Array.from({ length }, (_, n) => n),
    () => new Promise<void>((open, refuse) => gates.push({ open, refuse })),
  );
  return { bulk, gates, over: bulk.run() };
}
const settle = async () => {
  for (let n = 0; n < 5; n += 1) await Promise.resolve();
};

describe('one deed for many rows', () => {
  it('is done to a few at a time, and tells how far it is', async () => {
    const { bulk, gates, over } = setup(6);
    expect([gates.length, bulk.state()]).toEqual([4, 'running']);
    gates[0]!.open();
    await settle();
    expect([gates.length, bulk.done()]).toEqual([5, 1]);
    gates.slice(1).forEach(({ open }) => open());
    await settle();
    gates.forEach(({ open }) => open());
    await over;
    expect([bulk.done(), bulk.state()]).toEqual([6, 'over']);
  });

  it('goes on past a failure, names it, and does it again for those alone', async () => {
    const { bulk, gates, over } = setup(3);
    gates[0]!.open();
    gates[1]!.refuse(new Error('It has ended'));
    gates[2]!.open();
    await over;
    expect(bulk.done()).toBe(3);
    expect(bulk.failures().map(({ row, problem }) => [row, problem.detail])).toEqual([
      [1, 'It has ended'],
    ]);
    expect(bulk.again().rows).toEqual([1]);
  });

  it('begins nothing new once it is stopped', async () => {
    const { bulk, gates, over } = setup(10);
    bulk.stop();
    gates.forEach(({ open }) => open());
    await over;
    expect([gates.length, bulk.done(), bulk.state()]).toEqual([4, 4, 'stopped']);
  });
});
