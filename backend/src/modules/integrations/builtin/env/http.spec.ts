import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { BuiltinTool } from '../tool.js';
import { TestHost } from '../testing.js';
import { addressRule } from './addresses.js';
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
    const fetchTool = createEnv({ allowAddresses, allowPorts }).find(
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
    const answer = await fetcher(['127.0.0.1'], port)({ url, headers: { 'X-Mine': '1' } });
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
  ])('does not send a byte to %s', async (name) => {
    const { port, seen } = await serve((_, response) => response.end('reached'));
    const request = fetcher([], port)({ url: `http://${name}:${port}/`, timeoutMs: 5_000 });
    await expect(request).rejects.toMatchObject({ code: 'address_refused' });
    expect(seen).toHaveLength(0);
  });

  it('lets public addresses pass, and what the operator allowed', () => {
    const isPublic = addressRule([]);
    expect(['8.8.8.8', '2606:4700::1111'].map(isPublic)).toEqual([true, true]);
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
      const more = () => {
        while (response.write(Buffer.alloc(65_536))) continue;
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
