import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { boundedFetch } from './bounded-fetch.js';

const MOST = 10_000;
const bounded = boundedFetch(MOST);
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

async function serve(listener: RequestListener, address = '127.0.0.1') {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    void listener(request, response);
  }).listen(0, address);
  servers.push(server);
  await new Promise((done) => server.once('listening', done));
  return { url: `http://${address}:${(server.address() as AddressInfo).port}`, seen };
}
const read = async (url: string, init?: RequestInit) => (await bounded(url, init)).text();

it('passes on an answer within the bound', async () => {
  const { url } = await serve((_, response) => response.end('x'.repeat(MOST)));
  expect(await read(url)).toHaveLength(MOST);
});

it.each([
  ['a large one', (text: string) => ({ body: Buffer.from(text), headers: {} })],
  [
    'one that is small until it is unpacked',
    (text: string) => ({ body: gzipSync(text), headers: { 'content-encoding': 'gzip' } }),
  ],
])('ends %s with an error', async (_, pack) => {
  const { body, headers } = pack('x'.repeat(50 * MOST));
  const { url } = await serve((__, response) => response.writeHead(200, headers).end(body));
  await expect(read(url)).rejects.toThrow(/larger than 10000 bytes/);
});

describe('a stream of events', () => {
  const events = { 'content-type': 'text/event-stream' };
  it('may be of any length', async () => {
    const event = `data: ${'x'.repeat(6_000)}\n\n`;
    const { url } = await serve((_, response) => {
      response.writeHead(200, events);
      for (let i = 0; i < 5; i++) response.write(event);
      response.end();
    });
    expect(await read(url)).toHaveLength(5 * event.length);
  });

  it.each([
    ['CR', '\r'],
    ['CR and LF', '\r\n'],
  ])(
    'may be of any length also where its lines end with %s, which is read as LF',
    async (_, end) => {
      const event = `data: ${'x'.repeat(6_000)}\n\n`;
      const { url } = await serve((__, response) => {
        response.writeHead(200, events);
        for (let i = 0; i < 5; i++) response.write(event.replaceAll('\n', end));
        response.end();
      });
      expect(await read(url)).toBe(event.repeat(5));
    },
  );

  it('is ended by one event that is too large', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, events);
      response.end(`data: ok\n\ndata: ${'x'.repeat(50 * MOST)}\n\n`);
    });
    await expect(read(url)).rejects.toThrow(/larger/);
  });
});

describe('a redirect', () => {
  const to =
    (location: string, status = 307): RequestListener =>
    (request, response) =>
      request.url === '/end'
        ? response.end('there')
        : response.writeHead(status, { location }).end();

  it('within the origin is followed with what was sent', async () => {
    const { url, seen } = await serve(to('/end'));
    expect(await read(`${url}/begin`, { method: 'POST', body: '{}' })).toBe('there');
    expect(seen).toEqual(['POST /begin', 'POST /end']);
  });

  it('is followed three times, and no more', async () => {
    const { url, seen } = await serve(to('/again'));
    await expect(read(url)).rejects.toThrow(/elsewhere/);
    expect(seen).toHaveLength(4);
  });

  it.each([301, 302, 303])('that would change the method (%d) is not followed', async (status) => {
    const { url, seen } = await serve(to('/end', status));
    await expect(read(`${url}/begin`)).rejects.toThrow(/elsewhere/);
    expect(seen).toHaveLength(1);
  });

  it.each(['another port', 'another name'])('to %s is not followed', async (which) => {
    const other = await serve((_, response) => response.end('other'));
    const { port } = new URL(other.url);
    const target = which === 'another port' ? other.url : `http://localhost:${port}`;
    const { url } = await serve(to(target));
    await expect(read(url, { headers: { authorization: 'Bearer x' } })).rejects.toThrow(
      /elsewhere/,
    );
    expect(other.seen).toEqual([]);
  });
});
