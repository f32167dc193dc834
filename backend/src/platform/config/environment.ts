import { Buffer } from 'node:buffer';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readEntry } from '../http/address-list.js';
import { otelVariables } from './otel-variables.js';

const roleNames = ['api', 'relay', 'worker'] as const;
type ProcessRole = (typeof roleNames)[number];

/** What the process was started with. Read once, in `main.ts`; everything else is handed its part. */
export interface Environment {
  port: number;
  host: string;
  dataDir: string;
  databaseUrl: string | undefined;
  /** `postgres`, or the URL of a broker. */
  bus: string;
  roles: ReadonlySet<ProcessRole>;
  ownerEmail: string | undefined;
  ownerPassword: string | undefined;
  masterKey: Buffer | undefined;
  demo: 'first-run' | 'off';
  /** Further origins (besides the one it listens on) that browsers may call from; comma separated. */
  publicUrl: string | undefined;
  /** Whose `X-Forwarded-For` is believed: addresses and ranges. */
  trustedProxies: readonly string[];
  /** Let in besides the list in the settings, for whoever has to mend that. */
  allowAddresses: readonly string[];
  /** Where the history is copied to, with user and password. */
  clickhouseUrl: string | undefined;
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}

/** A start that cannot go on. `message` is one line: what was wrong and what to do. Exit code 1. */
export class StartRefused extends Error {
  override name = 'StartRefused';
}

/** Every fault is reported at once, a line each, so that nobody mends them one start at a time. */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const faults: string[] = [];
  const read = <T>(name: string, takes: string, schema: z.ZodType<T>, fallback: T): T => {
    const raw = env[name];
    if (raw === undefined || raw === '') return fallback;
    const parsed = schema.safeParse(raw);
    if (parsed.success) return parsed.data;
    faults.push(`${name} is ${shown(name, raw)}; it takes ${takes}.`);
    return fallback;
  };

  const port = read('PORT', 'a port number from 0 to 65535', portSchema, 3000);
  const host = read(
    'HOST',
    'a host name or an address to listen on',
    z.string().regex(/^[^\s/]+$/),
    '127.0.0.1',
  );
  const databaseUrl = read<string | undefined>(
    'DATABASE_URL',
    'a URL such as postgres://user:password@host:5432/database',
    z.url({ protocol: /^postgres(ql)?$/ }),
    undefined,
  );
  const bus = read(
    'AOS_BUS',
    '"postgres", or a URL such as nats://user:password@host:4222 or redis://host:6379 (tls:// and rediss:// with TLS)',
    z.union([
      z.literal('postgres'),
      z
        .url({ protocol: /^(nats|tls|rediss?)$/ })
        .refine((text) => URL.canParse(text) && new URL(text).hostname !== ''),
    ]),
    'postgres',
  );
  const roles = read(
    'AOS_ROLES',
    `a comma-separated list of ${roleNames.join(', ')}`,
    z
      .string()
      .transform((text) => text.split(',').map((part) => part.trim()))
      .pipe(z.array(z.enum(roleNames)).min(1)),
    [...roleNames],
  );
  if (!databaseUrl && roles.length < roleNames.length && new Set(roles).size < roleNames.length)
    faults.push(
      `AOS_ROLES is "${roles.join(',')}"; the embedded database serves one process, which must do all of ${roleNames.join(',')}. Set DATABASE_URL to split roles.`,
    );
  if (!databaseUrl && bus !== 'postgres')
    faults.push(
      'AOS_BUS names a broker; the embedded database serves one process, which has nobody to talk to. Set DATABASE_URL, or unset AOS_BUS.',
    );
  const ownerEmail = read<string | undefined>(
    'AOS_OWNER_EMAIL',
    'an e-mail address',
    z.email(),
    undefined,
  );
  const ownerPassword = read<string | undefined>(
    'AOS_OWNER_PASSWORD',
    '12 to 1024 characters',
    z.string().min(12).max(1024),
    undefined,
  );
  const masterKey = read<Buffer | undefined>(
    'AOS_MASTER_KEY',
    '32 bytes in base64 (make one with: openssl rand -base64 32)',
    z
      .base64()
      .transform((text) => Buffer.from(text, 'base64'))
      .refine((key) => key.length === 32),
    undefined,
  );
  const demo = read('AOS_DEMO', '"first-run" or "off"', z.enum(['first-run', 'off']), 'first-run');
  const publicUrl = read<string | undefined>(
    'AOS_PUBLIC_URL',
    'the http(s) URL under which people reach it',
    z.url({ protocol: /^https?$/ }),
    undefined,
  );
  const trustedProxies = read<string[]>(
    'AOS_TRUSTED_PROXIES',
    `${addressesTaken}; no range of all addresses, from which anybody could say that they are somebody else`,
    addressesSchema.refine((entries) => !entries.some((entry) => entry.endsWith('/0'))),
    [],
  );
  const allowAddresses = read<string[]>('AOS_ALLOW_ADDRESSES', addressesTaken, addressesSchema, []);
  const logLevel = read(
    'AOS_LOG_LEVEL',
    'fatal, error, warn, info, debug, trace or silent',
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    'warn' as const,
  );
  const clickhouseUrl = read<string | undefined>(
    'CLICKHOUSE_URL',
    'a URL such as http://user:password@host:8123/database (https:// with TLS), without anything behind the database',
    z.url({ protocol: /^https?$/ }).refine(isOfClickHouse),
    undefined,
  );
  for (const name of Object.keys(env)) {
    const known = otelVariables.find(({ names }) => names.test(name));
    if (known) read(name, known.takes, known.schema, undefined);
  }
  if (faults.length > 0) throw new StartRefused(faults.join('\n'));

  return {
    port,
    host,
    dataDir: resolve(env['AOS_DATA_DIR'] || '.aos'),
    databaseUrl,
    bus,
    roles: new Set(roles),
    ownerEmail,
    ownerPassword,
    masterKey,
    demo,
    publicUrl,
    trustedProxies,
    allowAddresses,
    clickhouseUrl,
    logLevel,
  };
}

/** One name at most behind the host, and nothing that the client would take for a setting. */
function isOfClickHouse(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { hostname, pathname, search, hash } = new URL(text);
  return hostname !== '' && search === '' && hash === '' && /^\/[A-Za-z0-9_]*$/.test(pathname);
}

const portSchema = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .refine((port) => port <= 65_535);

const addressesTaken =
  'addresses and ranges with commas between them, such as 10.0.0.0/8,203.0.113.7,::1';
const addressesSchema = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine((entries) => entries.every((entry) => !('fault' in readEntry(entry))));

/** As much of a wrong value as is no secret: of an address no user, password, path or query. */
function shown(name: string, raw: string): string {
  if (/PASSWORD|KEY|HEADERS/.test(name)) return `set (${raw.length} characters)`;
  if (!/URL|BUS|ENDPOINT/.test(name)) return JSON.stringify(raw);
  const [, scheme = '', rest = ''] = /^((?:[a-z][\w+.-]*:)?\/*)(.*)$/is.exec(raw)!;
  const place = rest.slice(rest.lastIndexOf('@') + 1);
  const host = /^[^/?#]*/.exec(place)![0];
  return JSON.stringify(
    scheme + (place === rest ? '' : '…@') + host + (host === place ? '' : '/…'),
  );
}
