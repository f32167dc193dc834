import { hash } from 'node:crypto';

/** The same for the same value, whatever the order of its keys: the database keeps JSON without one. */
export function canonicalHash(value: unknown): string {
  return hash('sha256', canonical(value), 'hex');
}

export const canonical = (value: unknown): string => JSON.stringify(sorted(value)) ?? 'undefined';

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
