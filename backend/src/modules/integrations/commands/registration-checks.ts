import { type RegisterServer, say } from '@aos/contracts';
import ipaddr from 'ipaddr.js';
import type { Database } from '../../../platform/database/database.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { AosError, Forbidden } from '../../../platform/http/problem.js';
import { ServerUrlRefused } from '../integrations.errors.js';
import type { Launch } from '../upstreams/launch-templates.js';
import type { Launchable, Launches } from '../upstreams/launches.js';

/**
 * What is asked of a way to a server before anything is started or called: at registration, and at a trial of it.
 * Answers what would be started, for one that is.
 */
export async function requireRoute(
  input: Pick<RegisterServer, 'transport' | 'url'> & Launchable,
  launches: Launches,
): Promise<Launch | undefined> {
  if (input.transport === 'stdio') return launches.approve(input);
  const url = new URL(input.url ?? '');
  if (url.username || url.password) throw new ServerUrlRefused(say('url-holds-user'));
  if (url.hash) throw new ServerUrlRefused(say('url-holds-fragment'));
  if (isMetadata(url.hostname)) throw new ServerUrlRefused(say('url-metadata'));
  return undefined;
}

/**
 * The metadata services of clouds hand out credentials to whoever asks from within. They lie at link-local addresses,
 * and at a few others; an address of IPv4 is meant also where it is written within one of IPv6.
 */
function isMetadata(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
  if (host === 'metadata' || host === 'metadata.google.internal') return true;
  if (!ipaddr.isValid(host)) return false;
  const address = ipaddr.process(host);
  const inside = address.kind() === 'ipv6' ? embeddedIn(address.toByteArray()) : undefined;
  return [address, ...(inside ? [inside] : [])].some(
    (each) =>
      each.range() === 'linkLocal' ||
      metadataNets.some(([net, bits]) => net.kind() === each.kind() && each.match(net, bits)),
  );
}

const metadataNets = ['fd00:ec2::/32', 'fd20:ce::/32', '100.100.100.200/32', '192.0.0.192/32'].map(
  (net) => ipaddr.parseCIDR(net),
);

/** IPv4-compatible, -translated and NAT64 addresses end with it, one of 6to4 begins with it. */
function embeddedIn(bytes: number[]): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (bytes[0] === 0x20 && bytes[1] === 0x02) return ipaddr.fromByteArray(bytes.slice(2, 6));
  const isNat64 = bytes[0] === 0 && bytes[1] === 0x64 && bytes[2] === 0xff && bytes[3] === 0x9b;
  const isZero = bytes.slice(0, 8).every((byte) => byte === 0);
  return isNat64 || isZero ? ipaddr.fromByteArray(bytes.slice(12)) : undefined;
}

/** Who sends a secret to a new place could as well read it. */
export async function requireSecret(
  database: Database,
  ctx: Ctx,
  { auth }: Pick<RegisterServer, 'auth'>,
): Promise<void> {
  if (!auth) return;
  if (!isAllowed(ctx.actor, 'secret.write'))
    throw new Forbidden(
      'Giving a server a secret to sign in with takes the permission secret.write.',
    );
  const names = [auth.secret, ...('subjectSecret' in auth ? [auth.subjectSecret ?? ''] : [])];
  for (const name of names.filter((each) => each !== '')) {
    const known = await database.query(
      'SELECT 1 FROM secrets WHERE name = $1 AND project_id IS NULL',
      [name],
    );
    if (known.length === 0)
      throw new AosError('unknown_secret', say('no-secret-outside', { name }));
  }
}
