import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import express, { type Request, type Response } from 'express';

/** Angular's build names files by their content: `main-5BoUDlxC.js`. Those may be kept for ever. */
const hashedName = /-[A-Za-z0-9_-]{8}\.(js|css|woff2|svg|png)$/;

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
  server.use(
    '/console',
    express.static(folder, {
      index: false,
      redirect: false,
      setHeaders(response, path) {
        response.setHeader(
          'cache-control',
          hashedName.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
        );
      },
    }),
  );
  server.get(
    /^\/console\/(?!.*\.[a-z0-9]{2,5}$)/i,
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
