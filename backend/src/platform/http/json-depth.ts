/**
 * Whether arrays and objects are nested in each other more than `levels` times. Without recursion: what is
 * asked here comes from outside, and a recursive look at 20,000 levels ends in a stack overflow.
 */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let layer: unknown[] = [value];
  for (let depth = 0; layer.length > 0; depth++) {
    if (depth > levels) return true;
    layer = layer.flatMap((item) =>
      item !== null && typeof item === 'object' ? Object.values(item) : [],
    );
  }
  return false;
}
