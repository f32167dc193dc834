import type { NestExpressApplication } from '@nestjs/platform-express';
import express, { type Request, type Response } from 'express';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildOpenApi } from './openapi.js';

const assets = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/**
 * `/api/openapi.json`, and a page to browse it. The page is our own few lines around Swagger UI, because
 * Swagger's own set-up writes inline scripts, which the content security policy forbids here as anywhere.
 * All it loads comes from this server.
 */
export function serveApiDocs(app: NestExpressApplication): void {
  const server = app.getHttpAdapter().getInstance() as express.Express;
  let document: string | undefined; // made at the first call: routes are known only after the start
  server.get('/api/openapi.json', async (_request: Request, response: Response) => {
    document ??= JSON.stringify(await buildOpenApi(app));
    response.type('application/json').send(document);
  });
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  server.get('/api/docs', (_request: Request, response: Response) => {
    response.type('html').send(page);
  });
  server.get('/api/docs/start.js', (_request: Request, response: Response) => {
    response.type('js').send(start);
  });
  server.get('/api/docs/:asset', (request: Request, response: Response, next) => {
    const asset = String(request.params['asset']);
    if (!assets.includes(asset)) return next();
    response.sendFile(join(folder, asset), { maxAge: '1h' });
  });
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AOS API</title>
<link rel="icon" href="/api/docs/favicon-32x32.png">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
`;

/** Whoever is signed in to the console can try routes out: changes take the session's CSRF token along. */
const start = `'use strict';
let csrfToken;
fetch('/auth/me').then((answer) => (answer.ok ? answer.json() : {})).then((me) => { csrfToken = me.csrfToken; }, () => {});
SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#ui',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor(request) {
    if (csrfToken) request.headers['x-csrf-token'] = csrfToken;
    return request;
  },
});
`;
