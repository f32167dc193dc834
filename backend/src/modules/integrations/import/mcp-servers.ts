import { type ImportServers, type Said, say } from '@aos/contracts';
import { AosError } from '../../../platform/http/problem.js';

/** An entry as far as it can be registered. */
export interface ReadEntry {
  name: string;
  refused?: Said;
  /** The variable or header that wants a secret. */
  wants?: string;
  route: {
    transport: 'http' | 'sse' | 'stdio';
    url: string | null;
    command: string | null;
    args: string[];
  };
}

type Json = Record<string, unknown>;

const MOST_ENTRIES = 200;

/** @throws AosError when there are too many. */
export function readEntries({ mcpServers, servers }: ImportServers): [string, unknown][] {
  const entries = Object.entries(mcpServers ?? servers ?? {});
  if (entries.length > MOST_ENTRIES)
    throw new AosError('validation_failed', say('document-many-servers', { most: MOST_ENTRIES }));
  return entries;
}

export function readEntry(entry: string, value: unknown): ReadEntry {
  const read: ReadEntry = {
    name: nameOf(entry),
    route: { transport: 'http', url: null, command: null, args: [] },
  };
  const server = asObject(value);
  if (!server) return { ...read, refused: say('import-no-object') };
  if (read.name === '') return { ...read, refused: say('import-no-name') };
  if (server['disabled'] === true) return { ...read, refused: say('import-off') };
  return typeof server['command'] === 'string'
    ? readProcess(read, server)
    : readAddress(read, server);
}

/** Small letters, digits, _ and -, beginning with a letter. */
const nameOf = (entry: string) =>
  entry
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .replace(/-+$/, '')
    .slice(0, 40);

function readProcess(read: ReadEntry, server: Json): ReadEntry {
  const args = server['args'] ?? [];
  if (!Array.isArray(args) || args.some((arg) => typeof arg !== 'string'))
    return { ...read, refused: say('import-args-no-text') };
  const route = {
    transport: 'stdio' as const,
    url: null,
    command: server['command'] as string,
    args: args as string[],
  };
  if (server['envFile'] !== undefined) return { ...read, refused: say('import-env-file') };
  const names = Object.keys(asObject(server['env']) ?? {});
  if (names.length > 1)
    return {
      ...read,
      refused: say('import-many-variables', {
        count: names.length,
        names: names.join(', ').slice(0, 300),
      }),
    };
  const placeholder = (args as string[]).find((arg) => /\$\{[^}]*\}/.test(arg));
  if (placeholder !== undefined) return { ...read, refused: say('import-placeholder-in-args') };
  if ((args as string[]).some(looksSecret))
    return { ...read, refused: say('import-secret-in-args') };
  return { ...read, route, ...(names[0] === undefined ? {} : { wants: names[0] }) };
}

function readAddress(read: ReadEntry, server: Json): ReadEntry {
  const url = server['url'] ?? server['serverUrl'] ?? server['httpUrl'];
  if (typeof url !== 'string') return { ...read, refused: say('import-no-way') };
  const transport = isSse(server['type'] ?? server['transport'] ?? server['transportType'], url)
    ? ('sse' as const)
    : ('http' as const);
  if (/\$\{[^}]*\}/.test(url)) return { ...read, refused: say('import-placeholder-in-url') };
  // Such signs would be dropped: another address would be kept than the one that is shown.
  if (/[\u0000-\u0020\u007f]/.test(url)) return { ...read, refused: say('url-blanks') };
  if (URL.canParse(url) && [...new URL(url).searchParams].some(([, value]) => looksSecret(value)))
    return { ...read, refused: say('import-secret-in-url') };
  const names = Object.keys(asObject(server['headers']) ?? {});
  const others = names.filter((name) => name.toLowerCase() !== 'authorization');
  if (others.length > 0)
    return {
      ...read,
      refused: say('import-header', { header: others[0]!.slice(0, 100) }),
    };
  const given = asObject(server['headers'])?.[names[0] ?? ''];
  if (names.length > 0 && !(typeof given === 'string' && /^bearer\b/i.test(given)))
    return { ...read, refused: say('import-no-bearer') };
  return {
    ...read,
    route: { transport, url, command: null, args: [] },
    ...(names[0] === undefined ? {} : { wants: 'Authorization' }),
  };
}

/** Where an entry says nothing of it, the program tries both; the address of the older one ends so by custom. */
const isSse = (said: unknown, url: string): boolean =>
  said === undefined
    ? URL.canParse(url) && /\/sse\/?$/.test(new URL(url).pathname)
    : said === 'sse';

/** Known beginnings of keys, and long runs that mix letters and digits. */
const looksSecret = (text: string) =>
  /^(--?[\w-]*(key|token|secret|password)[\w-]*=.+|sk-|ghp_|gho_|github_pat_|xox[abp]-|AKIA|eyJ)/i.test(
    text,
  ) ||
  (/^[A-Za-z0-9_+/=-]{32,}$/.test(text) && /\d/.test(text) && /[A-Za-z]/.test(text));

const asObject = (value: unknown): Json | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Json)
    : undefined;
