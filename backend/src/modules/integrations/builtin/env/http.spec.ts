import dns from 'node:dns';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import type { BuiltinTool } from '../tool.js';
import { TestHost } from '../testing.js';
import { addressRule } from './addresses.js';
import { guardedAgent } from './http.js';
import { createEnv } from './index.js';

interface Fetched {
  url: string;
  status: number;
  body: string;
  encoding: string;
  headers: Record<string, string>;
  redirects: { status: number; url: string }[];
  savedAs?: string;
}

describe('http.fetch', () => {
  let host: TestHost;
  const servers: Server[] = [];

  beforeEach(async () => {
    host = await TestHost.start();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
    await host.stop();
  });

  async function serve(listener: RequestListener, address = '127.0.0.1') {
    const seen: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      seen.push(request);
      void listener(request, response);
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, address, done));
    const { port } = server.address() as AddressInfo;
    return { port, seen, url: `http://${address}:${port}` };
  }

  function fetcher(allowAddresses: string[], ...allowPorts: number[]) {
    host.allowedAddresses = allowAddresses;
    const fetchTool = createEnv({ allowPorts }).find(
      (tool) => tool.name === 'http.fetch',
    ) as BuiltinTool;
    return (args: Record<string, unknown>) => host.call<Fetched>(fetchTool, args);
  }

  it('fetches from an address that the operator allowed', async () => {
    const { url, port, seen } = await serve((request, response) => {
      response.setHeader('content-type', 'text/plain');
      response.setHeader('set-cookie', 'session=1');
      response.end(`hello ${request.method}`);
    });
    const answer = await fetcher(
      ['10.0.0.x', '127.0.0.1'],
      port,
    )({ url, headers: { 'X-Mine': '1' } });
    expect(answer).toMatchObject({ status: 200, body: 'hello GET', encoding: 'utf8' });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(seen[0]!.headers['x-mine']).toBe('1');
  });

  it.each([
    ['127.0.0.1'],
    ['0x7f.1'],
    ['0177.0.0.1'],
    ['2130706433'],
    ['127.1'],
    ['0'],
    ['0.0.0.0'],
    ['①②⑦.⓪.⓪.①'],
    ['[::1]'],
    ['[::]'],
    ['[::ffff:127.0.0.1]'],
    ['[::ffff:7f00:1]'],
    ['[::127.0.0.1]'],
    ['[64:ff9b::7f00:1]'],
    ['[2002:7f00:1::]'],
    ['[fe80::1]'],
    ['[fd00::1]'],
    ['localhost'],
    ['localhost.'],
    ['10.0.0.1'],
    ['172.16.0.1'],
    ['192.168.1.1'],
    ['169.254.169.254'],
    ['100.64.0.1'],
    ['198.18.0.1'],
    ['224.0.0.1'],
    ['255.255.255.255'],
    ['127.0.0.1.'],
    ['127.0.1'],
    ['0x7f000001'],
    ['017700000001'],
    ['0x7F.0.0x0.1'],
    ['%31%32%37.0.0.1'],
    ['127。0。0。1'],
    ['１２７.0.0.1'],
    ['ⓛⓞⓒⓐⓛⓗⓞⓢⓣ'],
    ['LOCALHOST'],
    ['any.localhost'],
    ['2852039166'],
    ['0xa9.0xfe.0xa9.0xfe'],
    ['0251.0376.0251.0376'],
    ['100.100.100.200'],
    ['192.0.0.192'],
    ['192.0.2.1'],
    ['203.0.113.1'],
    ['240.0.0.1'],
    ['[::ffff:169.254.169.254]'],
    ['[::ffff:0:127.0.0.1]'],
    ['[0:0:0:0:0:ffff:7f00:1]'],
    ['[64:ff9b:1::7f00:1]'],
    ['[2001:0:7f00:1::]'],
    ['[2001:db8::1]'],
    ['[fec0::1]'],
    ['[ff02::1]'],
  ])('does not send a byte to %s', async (name) => {
    const { port, seen } = await serve((_, response) => response.end('reached'));
    const request = fetcher([], port)({ url: `http://${name}:${port}/`, timeoutMs: 5_000 });
    await expect(request).rejects.toMatchObject({ code: 'address_refused' });
    expect(seen).toHaveLength(0);
  });

  it('lets public addresses pass, and what the operator allowed', () => {
    const isPublic = addressRule([]);
    expect(['8.8.8.8', '2606:4700::1111'].map(isPublic)).toEqual([true, true]);
    expect(['', 'name', '8.8.8.8/8', '8.8.8.8:80', '127.1'].map(isPublic)).toEqual([
      ...[false, false, false, false, false],
    ]);
    const withLan = addressRule(['10.0.0.0/8', 'fd00::/8']);
    expect(['10.1.2.3', 'fd00::1', '::ffff:10.1.2.3', '192.168.0.1'].map(withLan)).toEqual([
      ...[true, true, true, false],
    ]);
  });

  it.each([
    ['gopher://example.com/'],
    ['file:///etc/passwd'],
    ['data:text/plain,x'],
    ['ftp://example.com/'],
    ['http://user:pass@example.com/'],
    ['http://user@example.com/'],
    ['http://example.com:22/'],
    ['http://example.com:5432/'],
    ['http://example.com:6379/'],
    ['http://example.com/\r\nHost: x'],
    ['http://example.com/ x'],
    ['not a url'],
    ['nonsense'],
    ['http://'],
    ['http://[::1'],
    ['http://[fe80::1%25eth0]/'],
    ['http://example.com:99999/'],
    ['http://example.com:0/'],
    ['//example.com/'],
    ['javascript:1'],
    ['blob:http://example.com/x'],
    ['http://example.com/\u0000'],
    ['http://:pass@example.com/'],
    ['http://example.com:25/'],
    ['ws://example.com/'],
  ])('refuses %j', async (url) => {
    await expect(fetcher(['0.0.0.0/0'])({ url })).rejects.toMatchObject({ code: 'url_refused' });
  });

  it.each([
    ['Host', 'evil.example'],
    ['Connection', 'upgrade'],
    ['Transfer-Encoding', 'chunked'],
    ['Content-Length', '3'],
    ['Proxy-Authorization', 'x'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Ok', 'a\r\nX-Bad: 1'],
    ['X Bad', '1'],
    ['', '1'],
    ['X-Bad:', '1'],
    ['X-Ünicode', '1'],
    ['X-Ok', 'a\u0000b'],
    ['X-Ok', 'a\nHost: x'],
    ['hOsT', 'x'],
    ['Forwarded', 'for=127.0.0.1'],
    ['Upgrade', 'h2c'],
    ['Expect', '100-continue'],
    ['Trailer', 'x'],
    ['TE', 'trailers'],
    [':authority', 'x'],
  ])('refuses the header %s: %j', async (name, value) => {
    const headers = { [name]: value };
    await expect(
      fetcher(['0.0.0.0/0'])({ url: 'http://example.com/', headers }),
    ).rejects.toMatchObject({ code: 'header_refused' });
  });

  it('checks every hop of a redirect', async () => {
    const inner = await serve((_, response) => response.end('inner'), '127.0.0.2');
    const outer = await serve((_, response) =>
      response.writeHead(302, { location: inner.url }).end(),
    );
    const request = fetcher(['127.0.0.1'], inner.port, outer.port)({ url: outer.url });
    await expect(request).rejects.toMatchObject({ code: 'address_refused' });
    const toFile = await serve((_, response) =>
      response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    );
    await expect(fetcher(['127.0.0.1'], toFile.port)({ url: toFile.url })).rejects.toMatchObject({
      code: 'url_refused',
    });
    expect(inner.seen).toHaveLength(0);
  });

  it('tells another origin neither credentials nor anything else of the request', async () => {
    const second = await serve((_, response) => response.end('second'), '127.0.0.2');
    const first = await serve((request, response) =>
      request.url === '/same'
        ? response.end(String(request.headers.authorization))
        : response.writeHead(307, { location: request.url === '/' ? '/same' : second.url }).end(),
    );
    const fetch = fetcher(['127.0.0.0/8'], first.port, second.port);
    const headers = {
      Authorization: 'Bearer x',
      Cookie: 'a=b',
      'X-Api-Key': 'k',
      Accept: 'text/*',
    };
    expect(await fetch({ url: first.url, headers })).toMatchObject({ body: 'Bearer x' });
    const crossed = await fetch({ url: `${first.url}/cross`, headers });
    expect(crossed.redirects).toEqual([{ status: 307, url: `${second.url}/` }]);
    const { authorization, cookie, accept, host: asked } = second.seen[0]!.headers;
    expect({ authorization, cookie, accept, key: second.seen[0]!.headers['x-api-key'] }).toEqual({
      accept: 'text/*',
    });
    expect(asked).toBe(`127.0.0.2:${second.port}`);
    await expect(
      fetch({ url: `${first.url}/cross`, method: 'POST', body: 'secret' }),
    ).rejects.toMatchObject({ code: 'redirect_refused' });
  });

  it('tells another port of the same machine no more than any other stranger', async () => {
    const second = await serve((_, response) => response.end('second'));
    const first = await serve((_, response) =>
      response.writeHead(302, { location: second.url }).end(),
    );
    const fetch = fetcher(['127.0.0.1'], first.port, second.port);
    await fetch({ url: first.url, headers: { Authorization: 'Bearer x' } });
    expect(second.seen[0]!.headers.authorization).toBeUndefined();
  });

  it('turns what a redirect does not repeat into a GET, without the body or what it was', async () => {
    const { url, port, seen } = await serve((request, response) =>
      request.url === '/'
        ? response.writeHead(302, { location: '/next' }).end()
        : response.end('got it'),
    );
    const answer = fetcher(
      ['127.0.0.1'],
      port,
    )({
      ...{ url, method: 'POST', body: 'secret' },
      headers: { 'Content-Type': 'text/x' },
    });
    expect(await answer).toMatchObject({ body: 'got it' });
    const { method, headers } = seen[1]!;
    expect([method, headers['content-length'], headers['content-type']]).toEqual([
      ...['GET', undefined, undefined],
    ]);
  });

  it('refuses a body where there is none, and an answer packed twice', async () => {
    const { url, port } = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip, gzip');
      response.end(gzipSync(gzipSync('x')));
    });
    const fetch = fetcher(['127.0.0.1'], port);
    await expect(fetch({ url, body: 'x' })).rejects.toMatchObject({ code: 'bad_request' });
    await expect(fetch({ url })).rejects.toMatchObject({ code: 'bad_response' });
  });

  it('ends with the run', async () => {
    const asked = new Promise<void>((begun) => {
      void serve((_, response) => {
        response.write('some of it');
        begun();
      }).then(async ({ url, port }) => {
        ended = expect(fetcher(['127.0.0.1'], port)({ url })).rejects.toMatchObject({
          code: 'cancelled',
        });
      });
    });
    let ended: Promise<void> | undefined;
    await asked;
    host.cancel();
    await ended;
  });

  describe('a name', () => {
    afterEach(() => jest.restoreAllMocks());
    const resolving = (...addresses: string[]) =>
      jest.spyOn(dns, 'lookup').mockImplementation(((
        _name: string,
        _options: object,
        done: (error: null, found: dns.LookupAddress[]) => void,
      ) =>
        done(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        )) as never);

    it.each([
      ['a private address', ['127.0.0.1']],
      ['a public and a private one', ['127.0.0.1', '8.8.8.8']],
      ['a private one after a public one', ['8.8.8.8', '127.0.0.1']],
      ['a private one written as IPv6', ['::ffff:127.0.0.1']],
      ['none', []],
    ])('that stands for %s is not asked', async (_, addresses) => {
      const { port, seen } = await serve((__, response) => response.end('reached'));
      const lookup = resolving(...addresses);
      const request = fetcher([], port)({ url: `http://name.example:${port}/`, timeoutMs: 5_000 });
      await expect(request).rejects.toMatchObject({ code: 'address_refused' });
      expect(lookup).toHaveBeenCalled();
      expect(seen).toHaveLength(0);
    });

    it('has to stand for allowed addresses alone, not for one among others', async () => {
      const { port, seen } = await serve((_, response) => response.end('reached'), '127.0.0.2');
      resolving('127.0.0.2', '127.0.0.3');
      const fetch = fetcher(['127.0.0.2'], port);
      const url = `http://name.example:${port}/`;
      await expect(fetch({ url })).rejects.toMatchObject({ code: 'address_refused' });
      expect(seen).toHaveLength(0);
      resolving('127.0.0.2');
      expect(await fetch({ url })).toMatchObject({ body: 'reached' });
    });

    it('that stands for something else once it is connected is not asked either', async () => {
      const { port, seen } = await serve((_, response) => response.end('reached'));
      resolving('127.0.0.1');
      let looks = 0;
      const agent = guardedAgent(() => looks++ === 0); // at the lookup, and never again
      const asked = request(`http://name.example:${port}/`, { dispatcher: agent });
      await expect(asked).rejects.toMatchObject({ code: 'address_refused' });
      await agent.destroy();
      expect(looks).toBe(2);
      expect(seen).toHaveLength(0);
    });
  });

  it('takes no longer and no larger than it offers', async () => {
    const { url, port } = await serve((_, response) => response.end('x'));
    const fetchIt = fetcher(['127.0.0.1'], port);
    await fetchIt({ url, timeoutMs: 120_000, maxBytes: 16 * 1024 * 1024 });
    for (const more of [{ timeoutMs: 120_001 }, { maxBytes: 16 * 1024 * 1024 + 1 }])
      await expect(fetchIt({ url, ...more })).rejects.toMatchObject({ name: 'ZodError' });
  });

  it('reads little of what comes with a redirect, and leaves no connection open', async () => {
    const piece = Buffer.alloc(1024 * 1024);
    let pieces = 0;
    const closed: Promise<unknown>[] = [];
    const { url, port } = await serve((request, response) => {
      closed.push(new Promise((done) => request.socket.once('close', done)));
      response.setHeader('keep-alive', 'timeout=600');
      if (request.url === '/there') return void response.end('there');
      response.writeHead(302, { location: '/there' });
      const more = (): unknown =>
        response.destroyed || pieces === 64
          ? response.end()
          : (pieces++, response.write(piece, more));
      more();
    });
    servers[0]!.keepAliveTimeout = 0; // it closes none by itself
    expect(await fetcher(['127.0.0.1'], port)({ url })).toMatchObject({ body: 'there' });
    await Promise.all(closed);
    // The rest of what was sent was on its way already.
    expect(pieces).toBeLessThan(32);
  });

  it('reads headers as the UTF-8 that servers write them in', async () => {
    const { url, port } = await serve((request, response) => {
      const name = Buffer.from('zoë-日').toString('latin1');
      if (request.url === '/') response.writeHead(302, { location: `/${name}` }).end();
      else response.writeHead(200, { 'x-name': name, 'x-old': 'zo\xeb' }).end(request.url);
    });
    expect(await fetcher(['127.0.0.1'], port)({ url })).toMatchObject({
      body: '/zo%C3%AB-%E6%97%A5',
      headers: { 'x-name': 'zoë-日', 'x-old': 'zoë' },
    });
  });

  it('stops after five redirects', async () => {
    const { url, port, seen } = await serve((_, response) =>
      response.writeHead(302, { location: '/again' }).end(),
    );
    await expect(fetcher(['127.0.0.1'], port)({ url })).rejects.toMatchObject({
      code: 'too_many_redirects',
    });
    expect(seen).toHaveLength(6);
  });

  it('counts a body as it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const { url, port } = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(bomb);
    });
    expect(bomb.length).toBeLessThan(100_000);
    await expect(fetcher(['127.0.0.1'], port)({ url, maxBytes: 200_000 })).rejects.toMatchObject({
      code: 'response_too_large',
    });
  });

  it('stops a body that never ends at the limit of bytes', async () => {
    const { url, port } = await serve((_, response) => {
      let left = 1000; // 64 MB in all: a test must end even where nothing stops it
      const more = () => {
        while (left-- > 0 && response.write(Buffer.alloc(65_536))) continue;
      };
      response.on('drain', more);
      more();
    });
    await expect(fetcher(['127.0.0.1'], port)({ url, maxBytes: 1_000_000 })).rejects.toMatchObject({
      code: 'response_too_large',
    });
  });

  it('gives up on a server that does not finish', async () => {
    const { url, port } = await serve((_, response) => void response.write('one byte, then none'));
    await expect(fetcher(['127.0.0.1'], port)({ url, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'timeout',
    });
  });

  it('takes an answer without a body for one, whatever it says of how that would be packed', async () => {
    const { url, port } = await serve((request, response) => {
      const status = Number(request.url!.slice(1));
      response.writeHead(status, {
        'content-encoding': ['gzip', 'br', 'deflate'][status % 3],
        ...(status === 201 ? { 'content-length': 0 } : {}),
      });
      response.end();
    });
    const fetch = fetcher(['127.0.0.1'], port);
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
      ['POST', 201],
      // Of no length that was said before: gzip, brotli, deflate.
      ['GET', 207],
      ['GET', 202],
      ['GET', 200],
    ] as const)
      expect(await fetch({ url: `${url}/${status}`, method })).toMatchObject({ status, bytes: 0 });
  });

  it('unpacks, decodes, and saves to the workspace', async () => {
    const { url, port } = await serve((request, response) => {
      if (request.url === '/gz') response.setHeader('content-encoding', 'gzip');
      response.setHeader('content-type', 'text/plain; charset=gbk');
      const text = Buffer.from([0xc4, 0xe3, 0xba, 0xc3]);
      response.end(request.url === '/gz' ? gzipSync(text) : text);
    });
    const fetch = fetcher(['127.0.0.1'], port);
    expect(await fetch({ url: `${url}/gz` })).toMatchObject({ body: '你好' });
    expect(await fetch({ url, saveAs: 'in/a.txt' })).toMatchObject({
      savedAs: 'in/a.txt',
      body: '',
    });
    await expect(fetch({ url, saveAs: '../a.txt' })).rejects.toMatchObject({
      code: 'path_refused',
    });
  });
});
