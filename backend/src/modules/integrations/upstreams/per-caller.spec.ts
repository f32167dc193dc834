import { actor } from '../testing.js';
import { PerCaller } from './per-caller.js';
import type { Upstream, UpstreamRequest } from './upstream.js';

/** Connections that tell when they are closed, and whose calls end when the test says so. */
function connections() {
  const made: (string | undefined)[] = [];
  const closed: (string | undefined)[] = [];
  let end = () => undefined as void;
  const until = new Promise<void>((resolve) => (end = resolve));
  const server = new PerCaller((as) => {
    made.push(as?.id);
    return {
      call: async ({ timeoutMs }: UpstreamRequest) => {
        if (timeoutMs === 1) await until;
        return { content: [] };
      },
      close: () => Promise.resolve(void closed.push(as?.id)),
    } as unknown as Upstream;
  });
  const call = (by = actor('operator'), timeoutMs = 2) =>
    server.call({ timeoutMs, caller: { ctx: by } } as UpstreamRequest);
  return { server, made, closed, call, end };
}
afterEach(() => jest.restoreAllMocks());

it('keeps one connection for each caller, and one of its own', async () => {
  const { made, call, server, closed } = connections();
  const [ada, bob] = [actor('operator'), actor('operator')];
  for (const by of [ada, bob, ada]) await call(by);
  expect(made).toEqual([undefined, ada.actor.id, bob.actor.id]);
  await server.close();
  expect(closed).toEqual(made);
});

describe('the connections of callers', () => {
  /** Stands still but for what a test lets pass. */
  let now: number;
  beforeEach(() => {
    now = 1_000_000;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  });
  const someone = () => actor('operator');

  it('are kept for ten minutes after their last use, and let go when another is made', async () => {
    const { closed, call } = connections();
    const [early, late] = [someone(), someone()];
    await call(early);
    now += 1;
    await call(late);
    now += 10 * 60_000 - 1;
    await call();
    expect(closed).toEqual([]);
    now += 1;
    await call();
    expect(closed).toEqual([early.actor.id]);
  });

  it('are kept longer by being used', async () => {
    const { made, closed, call } = connections();
    const [idle, used] = [someone(), someone()];
    for (const by of [idle, used]) await call(by);
    now += 9 * 60_000;
    await call(used);
    now += 60_001;
    await call();
    expect(closed).toEqual([idle.actor.id]);
    await call(used);
    expect(made.filter((id) => id === used.actor.id)).toHaveLength(1);
  });

  it('are two hundred: the one that was used longest ago goes for the next', async () => {
    const { closed, call } = connections();
    const first = someone();
    const second = someone();
    for (const by of [first, second, ...Array.from({ length: 198 }, someone)]) {
      now += 1;
      await call(by);
    }
    expect(closed).toEqual([]);
    now += 1;
    await call(first);
    now += 1;
    await call();
    expect(closed).toEqual([second.actor.id]);
  });

  it('are not let go while they are in use, however long and however many', async () => {
    const { closed, call, end } = connections();
    const busy = Array.from({ length: 201 }, someone);
    const running = busy.map((by) => call(by, 1));
    now += 11 * 60_000;
    await call();
    expect(closed).toEqual([]);
    end();
    await Promise.all(running);
    // The one that was made last is free, too; of 203 three are too many for the next to come.
    await call();
    expect(closed).toHaveLength(3);
  });
});
