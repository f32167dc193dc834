import type { BulkheadPolicy } from 'cockatiel';

/** No place was free in time. */
export class NoPlace extends Error {}

/** Waits for a place no longer than that, and no longer than whoever wants one is there. @throws NoPlace */
export async function inTurn<T>(
  gate: BulkheadPolicy,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  if (gate.executionSlots > 0) return gate.execute(work);
  let giveUp: (why: Error) => void = () => undefined;
  const tooLate = new Promise<never>((_, reject) => (giveUp = reject));
  let left: Error | undefined;
  const leave = (why: Error) => giveUp((left = why));
  const gone = () => leave(signal!.reason as Error);
  const timer = setTimeout(() => leave(new NoPlace()), timeoutMs);
  const over = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', gone);
  };
  signal?.addEventListener('abort', gone, { once: true });
  if (signal?.aborted) gone();
  const turn = gate.execute(() => {
    over();
    if (left) throw left;
    return work();
  });
  turn.catch(() => undefined); // who has left was told
  try {
    return await Promise.race([turn, tooLate]);
  } finally {
    over();
  }
}
