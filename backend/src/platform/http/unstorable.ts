import type { AosRequest } from './access.js';

/** More than anyone mends at once. */
const MOST_PLACES = 20;

/**
 * Postgres keeps neither NUL nor half of a surrogate pair in text. Which of the values of a request it
 * refused, it does not say; so the request is looked through, once that has happened and not before.
 */
export function unstorableIn({
  body,
  query,
  params,
}: Pick<AosRequest, 'body' | 'query' | 'params'>): { path: string; message: string }[] {
  const places: { path: string; message: string }[] = [];
  const look = (value: unknown, path: string): void => {
    if (places.length >= MOST_PLACES) return;
    if (typeof value === 'string') {
      const message = faultOf(value);
      if (message) places.push({ path, message });
    } else if (value !== null && typeof value === 'object')
      for (const [key, item] of Object.entries(value)) {
        const below = path === '' ? key : `${path}.${key}`;
        const message = faultOf(key);
        if (message) places.push({ path: printable(below), message: `the key ${message}` });
        else look(item, below);
      }
  };
  for (const part of [params, query, body]) look(part, '');
  return places;
}

function faultOf(text: string): string | undefined {
  if (text.includes('\0')) return 'holds a NUL character, which cannot be stored';
  if (!text.isWellFormed()) return 'holds half of a surrogate pair, which is no character';
  return undefined;
}

const printable = (path: string) => path.replaceAll('\0', '\\u0000').toWellFormed().slice(0, 200);
