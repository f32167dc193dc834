import { serverNow } from '../../shared/ui/clock';
import { momentIn } from '../../shared/ui/filters';

/** A stretch of time in the address: `since=1h`, or from and to as exact moments. */
export const sinces = { '15m': 900_000, '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 };
export type Since = keyof typeof sinces;

export const toSince = (word: string | undefined): Since | null =>
  (Object.keys(sinces) as Since[]).find((name) => name === word) ?? null;

export function timeWindow(
  since: string | undefined,
  from: string | undefined,
  to: string | undefined,
  now = serverNow(),
): { from?: string; to?: string } {
  const back = toSince(since);
  if (back) return { from: new Date(now - sinces[back]).toISOString() };
  return { from: momentIn(from) || undefined, to: momentIn(to) || undefined };
}
