import { type FieldFault, type Said, say } from '@aos/contracts';
import type { AosRequest } from './access.js';
import { faultAt } from './problem.js';

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
}: Pick<AosRequest, 'body' | 'query' | 'params'>): FieldFault[] {
  const places: FieldFault[] = [];
  const look = (value: unknown, path: string): void => {
    if (places.length >= MOST_PLACES) return;
    if (typeof value === 'string') {
      const said = faultOf(value);
      if (said) places.push(faultAt(path, said));
    } else if (value !== null && typeof value === 'object')
      for (const [key, item] of Object.entries(value)) {
        const below = path === '' ? key : `${path}.${key}`;
        const said = faultOf(key);
        if (said) places.push(faultAt(printable(below), say('in-key', { what: said })));
        else look(item, below);
      }
  };
  for (const part of [params, query, body]) look(part, '');
  return places;
}

function faultOf(text: string): Said | undefined {
  if (text.includes('\0')) return say('holds-nul');
  if (!text.isWellFormed()) return say('holds-half-pair');
  return undefined;
}

const printable = (path: string) => path.replaceAll('\0', '\\u0000').toWellFormed().slice(0, 200);
