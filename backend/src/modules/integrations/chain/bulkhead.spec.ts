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

describe('a call that leaves its place for a while', () => {
  /** Goes on when the test says so, and tells when it has its place again. */
  async function away(bulkhead: BulkheadLink, timeoutMs = 60_000, signal?: AbortSignal) {
    let goOn!: () => void;
    let isBack!: () => void;
    let over!: Promise<CallEnd>;
    const back = new Promise<void>((resolve) => (isBack = resolve));
    await new Promise<void>((left) => {
      const its = passage(timeoutMs, signal);
      over = bulkhead.pass(its, async () => {
        its.place!.leave();
        await new Promise<void>((resolve) => {
          goOn = resolve;
          left();
        });
        await its.place!.comeBack();
        isBack();
        return done;
      });
      over.catch(() => undefined);
    });
    return { goOn, back, over };
  }

  it('gives it to another, and waits for one before it goes on', async () => {
    const bulkhead = link();
    const order: string[] = [];
    const asking = await away(bulkhead);
    const other = await held(bulkhead);
    expect(bulkhead.inFlight('x')).toBe(1);
    void asking.back.then(() => order.push('back'));
    asking.goOn();
    await expect(bulkhead.pass(passage(10), () => Promise.resolve(done))).rejects.toThrow();
    order.push('the other ends');
    await other.end();
    await asking.over;
    expect(order).toEqual(['the other ends', 'back']);
    expect(bulkhead.inFlight('x')).toBe(0);
  });

  it('waits although so many wait already that no new call would', async () => {
    const bulkhead = link();
    const asking = await away(bulkhead);
    const other = await held(bulkhead);
    const crowd = Array.from({ length: 20 }, () =>
      bulkhead.pass(passage(60_000), () => Promise.resolve(done)),
    );
    await expect(bulkhead.pass(passage(60_000), () => Promise.resolve(done))).rejects.toMatchObject(
      { retryAfterSeconds: 1 },
    );
    asking.goOn();
    await new Promise(setImmediate); // it stands in the line
    await other.end();
    await expect(asking.over).resolves.toBe(done);
    await Promise.all(crowd);
  });

  it('is told when none is free in time, as of a call that did not go out', async () => {
    const bulkhead = link();
    const asking = await away(bulkhead, 10);
    const other = await held(bulkhead);
    asking.goOn();
    await expect(asking.over).rejects.toMatchObject({
      ...{ kind: 'unreachable', mayHaveHappened: false, retryAfterSeconds: 1 },
      message: 'all 1 places were taken when it was to go on; make it again',
    });
    await other.end();
    expect(bulkhead.inFlight('x')).toBe(0);
  });

  it('gives nothing back twice', async () => {
    const bulkhead = link();
    const asking = await away(bulkhead);
    const others = await held(bulkhead);
    const next = bulkhead.pass(passage(60_000), () => Promise.resolve(done));
    asking.goOn();
    await others.end();
    await Promise.all([asking.over, next]);
    const last = await held(bulkhead);
    expect(bulkhead.inFlight('x')).toBe(1);
    await last.end();
  });

  it('has one that it did not leave', async () => {
    const bulkhead = link();
    const its = passage(60_000);
    await bulkhead.pass(its, async () => {
      await its.place!.comeBack();
      expect(bulkhead.inFlight('x')).toBe(1);
      return done;
    });
    expect(bulkhead.inFlight('x')).toBe(0);
  });
});
