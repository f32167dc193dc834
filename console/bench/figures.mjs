export const RUNS = 100_000;
/** So many of them are under way, and are what the flood of events is about. */
export const BUSY = 50;
export const SPANS = 10_000;
export const TRACE = 'be'.repeat(16);

/** The share `q` of the values lies at or below this one. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * q) - 1)] ?? 0;
}
export const median = (values) => quantile(values, 0.5);
export const rounded = (value, digits = 0) => Number(value.toFixed(digits));
