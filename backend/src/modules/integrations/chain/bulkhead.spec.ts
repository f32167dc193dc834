import { BulkheadLink } from './bulkhead.js';
import type { CallEnd } from './ledger.js';
import type { Passage } from './link.js';

const link = () =>
  new BulkheadLink({ ofServer: () => Promise.resolve({ concurrent: 1 }) } as never);
const passage = (timeoutMs: number, signal?: AbortSignal) =>
  ({ target: { server: { name: 'x', limits: {} } }, timeoutMs, call: { signal } }) as Passage;
const done = { status: 'succeeded' } as CallEnd;

/** A call that has its place until the test ends it. */
async function held(bulkhead: BulkheadLink) {
  let end!: () => void;
  let over!: Promise<CallEnd>;
  await new Promise<void>((begun) => {
    over = bulkhead.pass(passage(60_000), () => {
      begun();
      return new Promise((resolve) => (end = () => resolve(done)));
    });
  });
  return { end: () => (end(), over) };
}

it('waits for a place no longer than for an answer, and is not made after that', async () => {
  const bulkhead = link();
  const first = await held(bulkhead);
  const next = jest.fn(() => Promise.resolve(done));
  await expect(bulkhead.pass(passage(10), next)).rejects.toMatchObject({ retryAfterSeconds: 1 });
  await first.end();
  await expect(bulkhead.pass(passage(60_000), () => Promise.resolve(done))).resolves.toBe(done);
  expect(next).not.toHaveBeenCalled();
});

it('waits for nobody who has left', async () => {
  const bulkhead = link();
  const first = await held(bulkhead);
  const caller = new AbortController();
  const next = jest.fn(() => Promise.resolve(done));
  const waiting = bulkhead.pass(passage(60_000, caller.signal), next);
  caller.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  await first.end();
  expect(next).not.toHaveBeenCalled();
});

it('gives a place that is free again to who has waited longest', async () => {
  const bulkhead = link();
  const first = await held(bulkhead);
  const order: number[] = [];
  const waiting = [1, 2].map((n) =>
    bulkhead.pass(passage(60_000), () => Promise.resolve((order.push(n), done))),
  );
  await first.end();
  await Promise.all(waiting);
  expect(order).toEqual([1, 2]);
});
