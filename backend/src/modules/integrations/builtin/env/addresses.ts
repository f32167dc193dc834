import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.parse>;
type Range = [Address, number];

/** The only part of IPv6 that is handed out for the public internet, less what is cut from it. */
const PUBLIC_V6 = ipaddr.parseCIDR('2000::/3');

/**
 * Answers whether an address may be connected to: public unicast, or allowed by name. Everything
 * else is refused without a list of what it is: loopback, private, link-local (cloud metadata),
 * carrier-grade NAT, documentation, multicast, and every way of writing IPv4 inside IPv6.
 */
export function addressRule(allow: readonly string[]): (address: string) => boolean {
  const allowed: Range[] = allow
    .filter((range) => ipaddr.isValid(range) || ipaddr.isValidCIDR(range)) // what is none opens nothing
    .map((range) =>
      range.includes('/') ? ipaddr.parseCIDR(range) : [ipaddr.process(range), fullLength(range)],
    );
  return (address) => {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address); // ::ffff:127.0.0.1 becomes 127.0.0.1
    if (allowed.some(([net, bits]) => net.kind() === parsed.kind() && parsed.match(net, bits))) {
      return true;
    }
    if (parsed.range() !== 'unicast') return false;
    return parsed.kind() === 'ipv4' || parsed.match(PUBLIC_V6[0], PUBLIC_V6[1]);
  };
}

function fullLength(address: string): number {
  return ipaddr.process(address).kind() === 'ipv4' ? 32 : 128;
}
