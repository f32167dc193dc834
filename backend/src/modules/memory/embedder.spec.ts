import type { Environment } from '../../platform/config/environment.js';
import type { Database } from '../../platform/database/database.js';
import type { Wakeups } from '../../platform/outbox/wakeups.js';
import { Embedder } from './embedder.js';
import type { Embeddings } from './embeddings.js';
import type { Points } from './points.js';

/** The rest of it is in meaning.spec.ts, with a database and a model. */
test('pauses grow while the model is away, and a change of the settings ends them', async () => {
  jest.useFakeTimers();
  let looks = 0;
  let change = () => undefined as void;
  const embedder = new Embedder(
    { kind: 'server' } as Database,
    {
      model: () => {
        looks++;
        return Promise.reject(new Error('refused'));
      },
    } as unknown as Embeddings,
    {} as Points,
    {
      on: (_: string, told: () => void) => ((change = told), () => undefined),
    } as unknown as Wakeups,
    { roles: new Set(['worker']) } as unknown as Environment,
  );
  Object.assign(embedder, { logger: { warn: () => undefined } });
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
  } finally {
    await embedder.onModuleDestroy();
    jest.useRealTimers();
  }
});
