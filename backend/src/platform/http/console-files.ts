import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import express, { type NextFunction, type Request, type Response } from 'express';

/** Angular's build names files by their content: `main-5BoUDlxC.js`. Those may be kept for ever. */
const hashedName = /-[A-Za-z0-9_-]{8}\.(js|css|woff2|svg|png)$/;

/** What the build compresses beside the original; see `ops/scripts/lib/compress.mjs`. The smallest first. */
const packed = [
  { encoding: 'br', extension: '.br' },
  { encoding: 'gzip', extension: '.gz' },
];
const worthPacking = /^(?:\/[\w-]+)*\/[\w.-]+\.(?:m?js|css|svg)$/;

/** Answers with the compressed file where there is one and the browser takes it: a third of the bytes. */
function packedFiles(folder: string) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const { path } = request;
    if (!/^(GET|HEAD)$/.test(request.method) || !worthPacking.test(path)) return next();
    response.vary('accept-encoding');
    const choice = packed.find(
      ({ encoding, extension }) =>
        request.acceptsEncodings(encoding) && existsSync(join(folder, path + extension)),
    );
    if (!choice) return next();
    response.type(extname(path)).set('content-encoding', choice.encoding);
    keep(response, path);
    response.sendFile(path + choice.extension, { root: folder, cacheControl: false });
  };
}

function keep(response: Response, path: string): void {
  response.setHeader(
    'cache-control',
    hashedName.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
  );
}

/**
 * Serves the built console under `/console/`, with every path of its router answered by index.html. The
 * page carries the nonce of its own response's content security policy, so it is never cached.
 */
export function serveConsole(app: NestExpressApplication, folder: string): void {
  const server = app.getHttpAdapter().getInstance() as express.Express;
  server.get('/', (_request: Request, response: Response) => response.redirect(302, '/console/'));
  // An expression, as the string '/console' would match '/console/' too and redirect it to itself.
  server.get(/^\/console$/, (_request: Request, response: Response) =>
    response.redirect(302, '/console/'),
  );
  server.use('/console', packedFiles(folder));
  server.use(
    '/console',
    express.static(folder, { index: false, redirect: false, setHeaders: keep }),
  );
  // The build puts its files at the top and into media/; deeper down a dot belongs to a name, as in that of a tool.
  server.get(
    /^\/console\/(?!.*(?:\.|%2e){2})(?!(?:media\/)?[^/]*\.[a-z0-9]{2,5}$)/i,
    async (_request: Request, response: Response) => {
      const index = join(folder, 'index.html');
      if (!existsSync(index)) {
        response
          .status(503)
          .type('text/plain')
          .send('The console has not been built yet. Run: npm run build\n');
        return;
      }
      const html = await readFile(index, 'utf8');
      const nonce = (response.locals as { cspNonce?: string }).cspNonce ?? '';
      response
        .set({ 'cache-control': 'no-store', 'content-type': 'text/html; charset=utf-8' })
        .send(html.replaceAll('__CSP_NONCE__', nonce));
    },
  );
}
