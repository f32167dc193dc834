import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

const PAGE_SIZE = 250;

/**
 * One page of a list that is sorted by key. The cursor holds the last key that was given, so a list that
 * changes between two pages loses nothing that was there all the time, and repeats nothing.
 */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  cursor: string | undefined,
  size = PAGE_SIZE,
): { items: T[]; nextCursor?: string } {
  const after = cursor === undefined ? undefined : decode(cursor);
  const rest = after === undefined ? items : items.filter((item) => keyOf(item) > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return rest.length > size && last !== undefined
    ? { items: page, nextCursor: encode(keyOf(last)) }
    : { items: page };
}

const encode = (key: string) => Buffer.from(JSON.stringify([key])).toString('base64url');

function decode(cursor: string): string {
  try {
    const [key] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    if (typeof key === 'string' && encode(key) === cursor) return key;
  } catch {
    // Said below, as for any other cursor that is not ours.
  }
  throw new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    'The cursor is not one that this list gave out.',
  );
}
