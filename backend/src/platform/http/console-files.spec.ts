import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { serveConsole } from './console-files.js';

@Module({})
class Empty {}

const script = 'export const answer = 42;';
const name = 'main-5BoUDlxC.js';
let folder: string;
let app: NestExpressApplication;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aos-console-files-'));
  await mkdir(join(folder, 'browser'));
  const write = (file: string, text: string | Buffer) => writeFile(join(folder, file), text);
  await write('secret.js.gz', gzipSync('not for the web'));
  await write('browser/index.html', '<aos-root ngcspnonce="__CSP_NONCE__">');
  await write(`browser/${name}`, script);
  await write(`browser/${name}.br`, brotliCompressSync(script));
  await write(`browser/${name}.gz`, gzipSync(script));
  await write('browser/theme.js', script);
  app = await NestFactory.create<NestExpressApplication>(Empty, { logger: false });
  serveConsole(app, join(folder, 'browser'));
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpServer().address() as AddressInfo).port;
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

function get(path: string, encodings?: string) {
  return new Promise<{ status?: number; headers: IncomingMessage['headers']; body: Buffer }>(
    (resolve, reject) => {
      const headers = encodings ? { 'accept-encoding': encodings } : {};
      request({ port, path, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({
            status: answer.statusCode,
            headers: answer.headers,
            body: Buffer.concat(chunks),
          }),
        );
      })
        .on('error', reject)
        .end();
    },
  );
}

describe('the files of the console', () => {
  it.each([
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
  ])('come compressed to a browser that takes %s', async (accepted, encoding, unpack) => {
    const { headers, body } = await get(`/console/${name}`, accepted);
    expect(unpack(body).toString()).toBe(script);
    expect(headers).toMatchObject({
      'content-encoding': encoding,
      'content-type': expect.stringContaining('text/javascript') as string,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: expect.stringMatching(/accept-encoding/i) as string,
    });
  });

  it.each([undefined, 'identity', 'br;q=0, gzip;q=0'])(
    'come as they are to one that says %s',
    async (accepted) => {
      const { headers, body } = await get(`/console/${name}`, accepted);
      expect(body.toString()).toBe(script);
      expect(headers['content-encoding']).toBeUndefined();
      expect(headers['vary']).toMatch(/accept-encoding/i);
    },
  );

  it('come as they are where the build made nothing smaller, and are asked for anew by name alone', async () => {
    const { headers, body } = await get('/console/theme.js', 'br');
    expect(body.toString()).toBe(script);
    expect(headers['cache-control']).toBe('no-cache');
  });

  it.each([
    ['/console/integrations/skills/csv.clean', 200],
    ['/console/agents/a', 200],
    ['/console/gone.js', 404],
    ['/console/media/gone.woff2', 404],
  ])('are told from the places of the console: %s', async (path, expected) => {
    const { status } = await get(path, 'gzip');
    expect(status).toBe(expected);
  });

  it.each(['/console/../secret.js', '/console/%2e%2e/secret.js', '/console/..%2fsecret.js'])(
    'are those of its folder only: %s',
    async (path) => {
      const { status, body } = await get(path, 'gzip');
      expect(status).not.toBe(200);
      expect(body.toString('latin1')).not.toContain('not for the web');
    },
  );
});
