import type { Said } from '@aos/contracts';
import ipaddr from 'ipaddr.js';
import { BlockList, SocketAddress, isIP } from 'node:net';

/** An address or a range as somebody wrote it, read strictly, or why it is none: of two readings the other may be meant. */
export type Entry = { net: string; bits: number; family: 'ipv4' | 'ipv6' } | { fault: Said };

export function readEntry(text: string): Entry {
  const [address = '', bitsText, more] = text.split('/');
  // Node's own reading: `10.1`, `0x7f.1` and `010.0.0.1`, which others take for addresses, are none.
  const version = isIP(address);
  if (version === 0 || more !== undefined) return { fault: { code: 'address-none' } };
  if (address.includes('%')) return { fault: { code: 'address-zone' } };
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress())
    return {
      fault: { code: 'address-mapped', params: { plain: parsed.toIPv4Address().toString() } },
    };
  const most = version === 4 ? 32 : 128;
  if (bitsText !== undefined && !(/^(0|[1-9]\d{0,2})$/.test(bitsText) && Number(bitsText) <= most))
    return { fault: { code: 'address-bits', params: { most } } };
  const bits = bitsText === undefined ? most : Number(bitsText);
  const alone = parsed.toString();
  const kind = version === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const net = kind.networkAddressFromCIDR(`${alone}/${bits}`).toString();
  if (net !== alone)
    return { fault: { code: 'address-beyond', params: { range: `${net}/${bits}`, alone } } };
  return { net, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** What cannot be read is in no list: it lets nobody in. */
export class AddressList {
  private readonly list = new BlockList();

  constructor(entries: readonly string[]) {
    for (const text of entries) {
      const entry = readEntry(text);
      if (!('fault' in entry)) this.list.addSubnet(entry.net, entry.bits, entry.family);
    }
  }

  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}

/**
 * One way of writing each address: IPv4 that arrives at a socket of IPv6 (`::ffff:10.0.0.1`) is IPv4, and a zone is gone.
 * Null for what is no address. Node writes it, since ipaddr.js takes `::10.0.0.1`, too, for IPv4.
 */
export function plainAddress(text: string | undefined): string | null {
  const address = text?.split('%')[0] ?? '';
  const version = isIP(address);
  if (version !== 6) return version === 4 ? address : null;
  const written = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:([\d.]+)$/.exec(written)?.[1] ?? written;
}
