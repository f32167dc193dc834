import { type FieldFault, type Said, say } from '@aos/contracts';
import type { AosRequest } from './access.js';
import { mayRound } from './exact-numbers.js';
import { keysTwiceIn } from './keys-twice.js';
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
  const places: Fault[] = [];
  for (const part of [params, query, body]) look(part, '', faultOf, places);
  return places;
}

/**
 * What would be something else by the time it is passed on. Half of a surrogate pair is no text: UTF-8 has another sign in
 * its place. A number like 1e400 is infinite once it is read, for which JSON has null. One of too many digits was marked when it
 * was read (see exact-numbers.ts).
 */
export function lossesIn(value: unknown): Fault[] {
  const places: Fault[] = [];
  look(value, '', lossOf, places);
  return places;
}

/** Of a body that came as this text: what reading it has lost, and what passing it on would lose. */
export const lossesOf = (json: string, value: unknown): Fault[] => [
  ...keysTwiceIn(json, MOST_PLACES).map((path) => faultAt(printable(path), say('key-twice'))),
  ...(mayLose(json) ? lossesIn(value) : []),
];

/** JSON that came as UTF-8 has them only so written: most need not be looked through. */
const mayLose = (json: string): boolean =>
  mayRound(json) || /\\u[dD][89a-fA-F]|[eE]\+?\d{2}/.test(json);

type Fault = ReturnType<typeof faultAt>;
type FaultOf = (part: string | number) => Said | undefined;

function look(value: unknown, path: string, faultOf: FaultOf, places: Fault[]): void {
  if (places.length >= MOST_PLACES) return;
  if (typeof value === 'string' || typeof value === 'number') {
    const said = faultOf(value);
    if (said) places.push(faultAt(path, said));
  } else if (value !== null && typeof value === 'object')
    for (const [key, item] of Object.entries(value)) {
      const below = path === '' ? key : `${path}.${key}`;
      const said = faultOf(key);
      if (said) places.push(faultAt(printable(below), say('in-key', { what: said })));
      else look(item, below, faultOf, places);
    }
}

const lossOf: FaultOf = (part) => {
  if (typeof part === 'string') return part.isWellFormed() ? undefined : say('holds-half-pair');
  if (Number.isNaN(part)) return say('number-rounded');
  return Number.isFinite(part) ? undefined : say('number-infinite');
};
const faultOf: FaultOf = (part) =>
  typeof part === 'string' && part.includes('\0') ? say('holds-nul') : lossOf(part);

const printable = (path: string) => path.replaceAll('\0', '\\u0000').toWellFormed().slice(0, 200);
