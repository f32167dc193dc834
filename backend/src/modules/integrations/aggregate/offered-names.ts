import { createHash } from 'node:crypto';

/** What has a name of its own at its server, and wants one among those of all servers. */
export interface Nameable {
  server: string;
  name: string;
  usesPrefix: boolean;
  /** Of the server. */
  registeredAt: Date;
}

const LONGEST = 64;
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
  const seen = new Set<string>();
  const named = new Map<string, T>();
  for (const item of items.toSorted(byRank)) {
    const own = `${item.server}\n${item.name}`;
    if (seen.has(own)) continue; // the same name twice at one server: the first is meant
    seen.add(own);
    const name = firstOf(item, (each) => !taken.has(each.toLowerCase()));
    taken.add(name.toLowerCase());
    named.set(name, item);
  }
  return new Map([...named].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const byRank = (a: Nameable, b: Nameable): number =>
  Number(b.usesPrefix) - Number(a.usesPrefix) ||
  a.registeredAt.getTime() - b.registeredAt.getTime() ||
  byText(a.server, b.server) ||
  byText(a.name, b.name);

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function firstOf({ server, name, usesPrefix }: Nameable, isFree: (name: string) => boolean) {
  const keeps = !usesPrefix && PLAIN.test(name) && !isMisleading(name);
  if (keeps && isFree(name)) return name;
  const prefixed = withPrefix(server, name);
  let offered = prefixed;
  // More than once only where a server calls a tool just as another would be with its hash.
  for (let of = `${server}\n${name}`; !isFree(offered); of += '\n')
    offered = withHash(prefixed, of);
  return offered;
}

/** `<server>__<tool>` in the letters that every model API takes; a name too long keeps its head and gets a hash. */
function withPrefix(server: string, name: string): string {
  const prefixed = `${server}__${name}`.replace(/[^A-Za-z0-9_-]/g, '_');
  return prefixed.length <= LONGEST ? prefixed : withHash(prefixed, `${server}.${name}`);
}

const withHash = (name: string, of: string): string =>
  `${name.slice(0, LONGEST - 9)}_${createHash('sha256').update(of).digest('hex').slice(0, 8)}`;
