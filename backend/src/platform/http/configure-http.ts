import { randomBytes } from 'node:crypto';
import type { Abstract } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Response } from 'express';
import helmet from 'helmet';
import { say } from '@aos/contracts';
import type { Environment } from '../config/environment.js';
import { LogStore } from '../telemetry/log-store.js';
import { Redactor } from '../telemetry/redactor.js';
import { AccessGuard } from './access.guard.js';
import type { AosRequest } from './access.js';
import { AddressGate } from './address-gate.js';
import { serveApiDocs } from './api-docs.js';
import { Authenticator } from './authenticator.js';
import { ClientAddress } from './client-address.js';
import { CursorInterceptor } from './cursor.interceptor.js';
import { Denials } from './denials.js';
import { HttpMetrics } from './http-metrics.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';
import { jsonBody } from './json-body.js';
import { OutsideTokens } from './outside-tokens.js';
import { OwnAddress, namedTwice } from './own-address.js';
import { AosError } from './problem.js';
import { ProblemFilter } from './problem.filter.js';
import { QueryKeysInterceptor } from './query-keys.interceptor.js';
import { answerUnparsed } from './raw-answer.js';
import { requestStart } from './request-start.js';
import { schemaPipe } from './schema.pipe.js';
import { ShortWay, shortWay } from './short-way.js';

/**
 * A client that keeps its connection sends the next request on it without asking whether it still stands. By Node's 5 s a
 * busy server closes many a one on which a request has just come in, and the client hears of a reset. This is longer than
 * clients and proxies commonly keep one that lies idle (60 s), so that it is they who close it.
 */
const IDLE_CONNECTION_MS = 75_000;

/**
 * Everything that stands around the routes, in the order in which a request meets it:
 *
 *   start (trace) -> security headers (nonce) -> Host -> Origin -> address --> guard -> the one route of ShortWay
 *     -> JSON body -> guard (who, CSRF, permission) -> query keys -> idempotency -> schema -> handler;  whatever is thrown -> problem+json
 *
 * Called before `listen`, on an application made with `bodyParser: false`, by main.ts and by tests alike.
 * What is served beside the routes (the console's files) is added after it.
 */
export function configureHttp(app: NestExpressApplication, environment: Environment): OwnAddress {
  const own = new OwnAddress(environment, app.getHttpServer());
  const reflector = app.get(Reflector);
  answerUnparsed(app.getHttpServer());
  app.getHttpServer().keepAliveTimeout = IDLE_CONNECTION_MS;
  app.disable('x-powered-by');
  app.set('etag', false); // an ETag here is a version of a document, not a hash of an answer
  app.set('query parser', 'simple'); // a=1&a=2 is a list; a[b]=1 makes no objects
  app.use(requestStart(app.get(HttpMetrics), app.get(LogStore), app.get(ClientAddress)));
  app.use(securityHeaders(environment.publicUrl?.startsWith('https:') ?? false));
  app.use(refuseForeigners(own));
  const outside = optional<OutsideTokens>(app, OutsideTokens);
  const guard = new AccessGuard(reflector, app.get(Authenticator, { strict: false }), outside);
  const frequent = optional<ShortWay>(app, ShortWay);
  app.use(
    app
      .get(AddressGate)
      .guard((error, request, response) =>
        isMcp.test(request.path) ? frequent?.refuse(error, request, response) : undefined,
      ),
  );
  if (frequent) app.use(shortWay(frequent, guard));
  app.use(jsonBody());
  app.useGlobalFilters(new ProblemFilter(app.get(Denials), app.get(Redactor)));
  app.useGlobalGuards(guard);
  app.useGlobalInterceptors(
    new QueryKeysInterceptor(reflector),
    app.get(IdempotencyInterceptor),
    new CursorInterceptor(reflector),
  );
  app.useGlobalPipes(schemaPipe());
  serveApiDocs(app);
  return own;
}

function refuseForeigners(own: OwnAddress) {
  return (request: AosRequest, _response: Response, next: NextFunction): void => {
    const { host, origin } = request.headers;
    const twice = namedTwice(request);
    if (twice) return next(new AosError('malformed_request', say(`${twice}-twice`)));
    const coding = request.headers['transfer-encoding'];
    // Node undoes the last coding and says nothing of the others: whoever stands in front may have read another body.
    if (coding !== undefined && coding.toLowerCase() !== 'chunked')
      return next(new AosError('malformed_request', say('transfer-coding')));
    const target = request.url.startsWith('/') ? undefined : wholeTarget(request.url);
    if (target) request.url = target.pathname + target.search;
    if (target && !own.ownsHost(target.host))
      return next(new AosError('origin_refused', say('host-elsewhere')));
    if (!own.ownsHost(host)) return next(new AosError('origin_refused', say('host-unknown')));
    if (origin !== undefined && !own.ownsOrigin(origin, host))
      return next(new AosError('origin_refused', say('origin-elsewhere')));
    next();
  };
}

/** `http://host/path` in place of a path, as proxies are asked: the host in it counts, too. */
const wholeTarget = (url: string): URL | undefined =>
  /^https?:\/\//i.test(url) && URL.canParse(url) ? new URL(url) : undefined;

/**
 * The console needs nothing from elsewhere, and no inline script. Its component styles are inline and carry
 * the nonce of the answer that brought them.
 */
function securityHeaders(isHttps: boolean) {
  const ofPages = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'script-src': ["'self'"],
        'style-src': [
          "'self'",
          (_request, response) => `'nonce-${(response as Response).locals['cspNonce'] as string}'`,
        ],
        'img-src': ["'self'", 'data:', 'blob:'],
        'font-src': ["'self'"],
        'connect-src': ["'self'"],
        'object-src': ["'none'"],
        'base-uri': ["'self'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
      },
    },
    crossOriginEmbedderPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: isHttps,
    xFrameOptions: { action: 'deny' },
  });
  const ofData = Object.entries({
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...(isHttps ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  });
  return (request: AosRequest, response: Response, next: NextFunction): void => {
    if (!isMcp.test(request.path)) {
      response.locals['cspNonce'] = randomBytes(16).toString('base64');
      return ofPages(request, response, next);
    }
    for (const [name, value] of ofData) response.setHeader(name, value);
    next();
  };
}

/** Answers to programs, never a page; and what is asked most by far, so that a dozen headers show. */
const isMcp = /^\/mcp\/?$/i;

/** Only where the tools are served. */
function optional<T>(app: NestExpressApplication, token: Abstract<T>): T | undefined {
  try {
    return app.get<T>(token, { strict: false });
  } catch {
    return undefined;
  }
}
