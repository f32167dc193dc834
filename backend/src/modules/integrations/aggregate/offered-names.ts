import { createHash } from 'node:crypto';
import { aggregateName } from '../aggregate-name.js';

/** What has a name of its own at its server, and wants one among those of all servers. */
export interface Nameable {
  server: string;
  name: string;
  usesPrefix: boolean;
  /** Of the server. */
  registeredAt: Date;
}

const PLAIN = /^[A-Za-z0-9_.-]{1,64}$/;

/** What the endpoint itself offers (see ToolSearch). */
export const OWN_NAMES = { search: 'search_tools', call: 'call_tool' } as const;

/** `__` parts a server from its tool: with it in its own name a tool could pass for another server's. */
const isMisleading = (name: string) =>
  name.includes('__') || Object.values<string>(OWN_NAMES).includes(name.toLowerCase());

/**
 * Gives everything a name that nothing else has, whatever the servers call their own. Two names that differ
 * by case alone count as one: models and people mix them up.
 *
 * Who comes first keeps the plain form, and first are the prefixed ones, then the servers in the order in which
 * they were registered (a later one cannot take a name away). The others get their prefix, or a hash at the end;
 * so does, at a server without a prefix, a name that could be taken for another server's tool, whether that server
 * is there or not, or for one of the endpoint's own.
 */
export function offeredNames<T extends Nameable>(items: readonly T[]): Map<string, T> {
  const taken = new Set<string>();
  const named = new Map<string, T>();
  for (const item of items.toSorted(byRank)) {
    const name = candidates(item).find((each) => !taken.has(each.toLowerCase()));
    if (name === undefined) continue; // the same name twice at one server: the first is meant
    taken.add(name.toLowerCase());
    named.set(name, item);
  }
  return new Map([...named].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const byRank = (a: Nameable, b: Nameable): number =>
  Number(b.usesPrefix) - Number(a.usesPrefix) ||
  a.registeredAt.getTime() - b.registeredAt.getTime() ||
  (`${a.server}\n${a.name}` < `${b.server}\n${b.name}` ? -1 : 1);

function candidates({ server, name, usesPrefix }: Nameable): string[] {
  const prefixed = aggregateName(server, name);
  const hash = createHash('sha256').update(`${server}\n${name}`).digest('hex').slice(0, 8);
  const hashed = `${prefixed.slice(0, 55)}_${hash}`;
  return usesPrefix || !PLAIN.test(name) || isMisleading(name)
    ? [prefixed, hashed]
    : [name, prefixed, hashed];
}
