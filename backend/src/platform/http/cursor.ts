import { say } from '@aos/contracts';
import { AosError } from './problem.js';

/** A cursor is the sort key of the last row, opaque to clients. Values are strings or numbers. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws AosError `invalid_cursor` unless the cursor holds `length` strings or numbers. */
export function decodeCursor(
  cursor: string | undefined,
  length: number,
): (string | number)[] | undefined {
  if (cursor === undefined) return undefined;
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (cause) {
    throw new AosError('invalid_cursor', say('cursor-as-given'), { cause });
  }
  const fits =
    Array.isArray(key) &&
    key.length === length &&
    key.every((part) => typeof part === 'string' || Number.isSafeInteger(part));
  if (!fits) throw new AosError('invalid_cursor', say('cursor-as-given'));
  return key as (string | number)[];
}

/** Cuts the one row too many that a list asks for, and says where the next page starts. */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  keyOf: (row: Row) => (string | number)[],
  toItem: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(toItem),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null,
  };
}
