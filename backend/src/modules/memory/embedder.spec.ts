import type { Environment } from '../../platform/config/environment.js';
import type { Database } from '../../platform/database/database.js';
import type { Wakeups } from '../../platform/outbox/wakeups.js';
import { Embedder } from './embedder.js';
import type { Embeddings } from './embeddings.js';
import type { Points } from './points.js';

/** The rest of it is in meaning.spec.ts, with a database and a model. */
test('pauses grow while the model is away, a change of the settings ends them, and each reason is said once', async () => {
  jest.useFakeTimers();
  let looks = 0;
  let reason: string | undefined = 'refused';
  const warn = jest.fn();
  let change = () => undefined as void;
  const embedder = new Embedder(
    { kind: 'server' } as Database,
    {
      model: () => {
        looks++;
        return reason === undefined ? Promise.resolve('off') : Promise.reject(new Error(reason));
      },
    } as unknown as Embeddings,
    {} as Points,
    {
      on: (_: string, told: () => void) => ((change = told), () => undefined),
    } as unknown as Wakeups,
    { roles: new Set(['worker']) } as unknown as Environment,
  );
  Object.assign(embedder, { logger: { warn } });
  const after = async (seconds: number) => {
    await jest.advanceTimersByTimeAsync(seconds * 1000);
    return looks;
  };
  try {
    embedder.onApplicationBootstrap();
    expect(await after(2)).toBe(1);
    expect(await after(3)).toBe(1);
    expect(await after(1)).toBe(2);
    expect(await after(8)).toBe(3);
    change();
    expect(await after(2)).toBe(4);
    expect(await after(3)).toBe(4);
    expect(await after(1)).toBe(5);
    // One word for one reason, until it is over.
    expect(warn).toHaveBeenCalledTimes(1);
    reason = 'away';
    await after(60);
    expect(warn.mock.lastCall).toEqual([expect.stringContaining('away')]);
    reason = undefined;
    await after(120);
    reason = 'away';
    await after(120);
    expect(warn).toHaveBeenCalledTimes(3);
  } finally {
    await embedder.onModuleDestroy();
    jest.useRealTimers();
  }
});
