import dns from 'node:dns';
import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { guardedAgent } from '../builtin/env/http.js';
import { type GatewayParts, startGateway } from '../testing.js';
import { AddressRefused } from './guarded-fetch.js';

let parts: GatewayParts;
const servers: Server[] = [];
beforeAll(async () => {
  parts = await startGateway({});
});
afterAll(() => parts.stop());
beforeEach(() => parts.configure({ httpAllowAddresses: ['127.0.0.1'] }));
afterEach(async () => {
  jest.restoreAllMocks();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

async function serve(listener: RequestListener, address = '127.0.0.1') {
  const seen: string[] = [];
  const server = createServer((incoming, response) => {
    seen.push(incoming.url!);
    void listener(incoming, response);
  }).listen(0, address);
  servers.push(server);
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as AddressInfo;
  return { url: `http://${address}:${port}`, port, seen };
}

/** Names that a stranger's name server answers for as it likes. */
function namesLeadTo(...addresses: string[]): void {
  jest.spyOn(dns, 'lookup').mockImplementation(((
    _name: string,
    _options: object,
    done: (error: null, found: dns.LookupAddress[]) => void,
  ) =>
    done(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    )) as never);
}

it('asks what is allowed by name, on any port', async () => {
  const { url } = await serve((_, response) => response.end('{"a":1}'));
  expect(await parts.outside.json(url)).toEqual({ a: 1 });
});

it.each([
  'http://169.254.169.254/latest/meta-data',
  'http://127.0.0.2/',
  'http://10.0.0.1/',
  'http://[::1]/',
  'http://[::ffff:10.0.0.1]/',
  'http://0x7f.0.0.2/',
  'http://8.8.8.8:5432/',
  'http://8.8.8.8:22/',
  'http://u:p@8.8.8.8/',
  'javascript:alert(1)',
  'file:///etc/passwd',
  'http://a/$(calc) x',
])('refuses %s before a packet is sent', async (address) => {
  await expect(parts.outside.check(address)).rejects.toBeInstanceOf(AddressRefused);
  await expect(parts.outside.request(address)).rejects.toBeInstanceOf(AddressRefused);
});

it.each([[['127.0.0.2']], [['93.184.216.34', '127.0.0.2']], [['169.254.169.254']]])(
  'refuses a name that leads to %j',
  async (addresses) => {
    const { port, seen } = await serve((_, response) => response.end('{}'), '127.0.0.2');
    await parts.configure({ httpAllowAddresses: [] });
    namesLeadTo(...addresses);
    await expect(parts.outside.request('http://rebind.example/')).rejects.toBeInstanceOf(
      AddressRefused,
    );
    expect([port > 0, seen]).toEqual([true, []]);
  },
);

it('judges the far side of a connection once more, whatever was said of it before', async () => {
  const { url, seen } = await serve((_, response) => response.end('reached'));
  // For a literal address no name is looked up, and here nobody has looked at the URL.
  const agent = guardedAgent(() => false);
  await expect(request(url, { dispatcher: agent })).rejects.toMatchObject({
    code: 'address_refused',
  });
  await agent.destroy();
  expect(seen).toEqual([]);
});

it('follows no redirect: what was asked was meant for the first address', async () => {
  const inner = await serve((_, response) => response.end('inner'), '127.0.0.1');
  const outer = await serve((_, response) =>
    response.writeHead(307, { location: inner.url }).end(),
  );
  expect(await parts.outside.request(outer.url)).toMatchObject({ status: 307 });
  expect(inner.seen).toEqual([]);
});

it('reads no more than its bound', async () => {
  const { url } = await serve((_, response) => response.end('x'.repeat(2_000_000)));
  await expect(parts.outside.request(url)).rejects.toThrow(/larger than 1048576/);
});

it('gives up on an answer that does not come', async () => {
  const { url } = await serve(() => undefined);
  await expect(parts.outside.request(url, { timeoutMs: 50 })).rejects.toThrow(/timeout/i);
});
