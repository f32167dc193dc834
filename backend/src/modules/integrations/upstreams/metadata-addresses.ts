import { type LookupAddress, lookup as resolveName } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, Dispatcher1Wrapper, EnvHttpProxyAgent, Pool } from 'undici';
import { inEnglish, say } from '@aos/contracts';

/**
 * The metadata services of clouds hand out credentials to whoever asks from within. They lie at link-local addresses,
 * and at a few others; an address of IPv4 is meant also where it is written within one of IPv6.
 */
export function isMetadata(hostname: string): boolean {
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

/**
 * A server may be on this machine or in its network, so what its name leads to is not held to the addresses of the
 * internet. But a name can lead to a metadata service as well, at once or later on: it is judged with each connection,
 * by the very answer that is connected to.
 */
const lookup: LookupFunction = (hostname, options, done) => {
  resolveName(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error) return done(error, []);
    if (found.some(({ address }) => isMetadata(address))) {
      const why = `${hostname} ${inEnglish(say('url-metadata'))}`;
      return done(Object.assign(new Error(why), { code: 'EHOSTUNREACH' }), []);
    }
    if (options.all) return done(null, found);
    done(null, found[0]!.address, found[0]!.family);
  });
};
const connect = { lookup };

const isProxied = () => process.env['NODE_USE_ENV_PROXY'] === '1';

/** Kept connections to one server, for requests whose time is kept elsewhere. */
export function connectionsTo(origin: string): Pool | EnvHttpProxyAgent {
  const options = { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000, connect };
  return isProxied() ? new EnvHttpProxyAgent(options) : new Pool(origin, options);
}

/** For `fetch`, whose own dispatcher is of an older form. */
export const dispatcherOfFetch = new Dispatcher1Wrapper(
  isProxied() ? new EnvHttpProxyAgent({ connect }) : new Agent({ connect }),
);
