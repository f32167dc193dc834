import { actor } from '../testing.js';
import { controlledClock } from '../chain/testing.js';
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

it('lets go of those that nobody has used for a while, and of the oldest when there are too many', async () => {
  const clock = controlledClock();
  const { closed, call, end } = connections();
  const [busy, idle] = [actor('operator'), actor('operator')];
  const running = call(busy, 1);
  await call(idle);
  clock.pass(11 * 60_000);
  await call();
  expect(closed).toEqual([idle.actor.id]);
  for (let i = 0; i < 250; i++) await call();
  expect(closed.length).toBeGreaterThanOrEqual(52);
  expect(closed).not.toContain(busy.actor.id);
  end();
  await running;
});
