/**
 * How many of which size, in classes that grow by a fifth: a percentile read from them is within a tenth of the true
 * one, they add up over processes and time, and they stay small however much was counted.
 */
const GROWTH = 1.2;
const CLASSES = 110;

export type Sizes = Record<string, number>;

const classOf = (value: number): number =>
  Math.min(CLASSES, Math.max(0, Math.ceil(Math.log(Math.max(value, 1)) / Math.log(GROWTH))));

/** The middle of a class. */
const valueOf = (index: number): number => GROWTH ** (index - 0.5);

export function count(sizes: Sizes, value: number): void {
  const key = String(classOf(value));
  sizes[key] = (sizes[key] ?? 0) + 1;
}

export function addUp(into: Sizes, from: Sizes): void {
  for (const [key, number] of Object.entries(from)) into[key] = (into[key] ?? 0) + number;
}

/** @returns null of nothing. */
export function percentile(sizes: Sizes, part: number): number | null {
  const classes = Object.keys(sizes)
    .map(Number)
    .sort((a, b) => a - b);
  const total = classes.reduce((sum, key) => sum + sizes[key]!, 0);
  if (total === 0) return null;
  let left = Math.ceil(total * part);
  for (const key of classes) {
    left -= sizes[key]!;
    if (left <= 0) return key === 0 ? 1 : Math.round(valueOf(key) * 10) / 10;
  }
  return null;
}
