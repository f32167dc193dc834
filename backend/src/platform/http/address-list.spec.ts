import type { Said } from '@aos/contracts';
import type { IncomingMessage } from 'node:http';
import { AddressList, plainAddress, readEntry } from './address-list.js';
import { ClientAddress } from './client-address.js';

describe('an entry of a list of addresses', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7', 32],
    ['10.0.0.0/8', '10.0.0.0', 8],
    ['0.0.0.0/0', '0.0.0.0', 0],
    ['2001:DB8::/32', '2001:db8::', 32],
    ['::1', '::1', 128],
  ])('%s is taken', (text, net, bits) => {
    expect(readEntry(text)).toMatchObject({ net, bits });
  });

  it.each<[string, Said]>([
    ['10.0.0.0/33', { code: 'address-bits', params: { most: 32 } }],
    ['10.0.0.0/08', { code: 'address-bits', params: { most: 32 } }],
    ['10.0.0.0/', { code: 'address-bits', params: { most: 32 } }],
    ['2001:db8::/129', { code: 'address-bits', params: { most: 128 } }],
    ['10.0.0.0/8/8', { code: 'address-none' }],
    ['10.0.0.0/255.0.0.0', { code: 'address-bits', params: { most: 32 } }],
    ...['office.example', 'localhost', '10.1/8', '10.1', '0x7f.1', '010.0.0.1', '2130706433'].map(
      (text): [string, Said] => [text, { code: 'address-none' }],
    ),
    ...['', '*', '10.0.0.1-10.0.0.9', ' 10.0.0.1', '10.0.0.1\n', '１０.0.0.1', '[::1]'].map(
      (text): [string, Said] => [text, { code: 'address-none' }],
    ),
    ['fe80::1%eth0', { code: 'address-zone' }],
    ['fe80::%eth0/10', { code: 'address-zone' }],
    ['::ffff:10.0.0.1', { code: 'address-mapped', params: { plain: '10.0.0.1' } }],
    ['::ffff:0a00:1/104', { code: 'address-mapped', params: { plain: '10.0.0.1' } }],
    ['10.1.2.3/8', { code: 'address-beyond', params: { range: '10.0.0.0/8', alone: '10.1.2.3' } }],
    [
      '2001:db8::1/32',
      { code: 'address-beyond', params: { range: '2001:db8::/32', alone: '2001:db8::1' } },
    ],
  ])('%j is refused, and it is said why', (text, fault) => {
    expect(readEntry(text)).toEqual({ fault });
    expect(new AddressList([text]).has('10.0.0.1')).toBe(false);
  });

  it.each([
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['::ffff:10.0.0.1', true],
    ['::ffff:a00:1', true],
    ['2001:db8:ffff::9', true],
    ['2001:db9::', false],
    ['::10.0.0.1', false],
    ['64:ff9b::10.0.0.1', false],
    ['office.example', false],
  ])('%s in 10.0.0.0/8 and 2001:db8::/32: %s', (address, isIn) => {
    const plain = plainAddress(address);
    expect(plain !== null && new AddressList(['10.0.0.0/8', '2001:db8::/32']).has(plain)).toBe(
      isIn,
    );
  });
});

describe('the address of a client', () => {
  const client = new ClientAddress({ trustedProxies: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'] });
  const from = (remoteAddress: string | undefined, header?: string) =>
    ({
      headers: header === undefined ? {} : { 'x-forwarded-for': header },
      socket: { remoteAddress },
    }) as unknown as Pick<IncomingMessage, 'headers' | 'socket'>;

  it.each([
    // who is connected, what the header says, whom it comes from, whether the header is passed over
    ['198.51.100.1', undefined, '198.51.100.1', false],
    ['198.51.100.1', '203.0.113.7', '198.51.100.1', true],
    ['11.0.0.1', '203.0.113.7', '11.0.0.1', true],
    ['::ffff:198.51.100.1', '127.0.0.1', '198.51.100.1', true],
    ['127.0.0.1', undefined, '127.0.0.1', false],
    ['127.0.0.1', ' ', '127.0.0.1', false],
    ['127.0.0.1', '203.0.113.7', '203.0.113.7', false],
    ['::ffff:127.0.0.1', '203.0.113.7', '203.0.113.7', false],
    // What a client wrote itself stands to the left of what the proxy wrote.
    ['127.0.0.1', '10.0.0.1, 203.0.113.7', '203.0.113.7', false],
    ['127.0.0.1', '203.0.113.7, 198.51.100.1, 10.0.0.2', '198.51.100.1', false],
    ['127.0.0.1', '10.0.0.3,10.0.0.2', '10.0.0.3', false],
    ['fd00::1', '2001:DB8:0::1', '2001:db8::1', false],
    ['127.0.0.1', '::ffff:203.0.113.7', '203.0.113.7', false],
    ['127.0.0.1', '203.0.113.7:51312', '203.0.113.7', false],
    ['127.0.0.1', '[2001:db8::1]:51312', '2001:db8::1', false],
    ['127.0.0.1', '203.0.113.7, unknown', null, false],
    ['127.0.0.1', '203.0.113.7, 010.0.0.1', null, false],
    ['127.0.0.1', '203.0.113.7,', null, false],
    [undefined, '203.0.113.7', null, true],
  ])('%s with %j is %s', (peer, header, address, ignored) => {
    expect(client.of(from(peer, header))).toBe(address);
    expect(client.ignoresHeaderOf(from(peer, header))).toBe(ignored);
  });
});
