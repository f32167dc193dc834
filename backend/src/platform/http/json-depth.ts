/**
 * Whether arrays and objects are nested in each other more than `levels` times. It looks no deeper than that: what
 * is asked here comes from outside, and a recursive look at 20,000 levels ends in a stack overflow.
 */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (levels < 0) return true;
  if (value === null || typeof value !== 'object') return false;
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) if (isDeeperThan(fields[key], levels - 1)) return true;
  return false;
}
