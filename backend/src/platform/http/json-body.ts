import type { NextFunction, Response } from 'express';
import { say } from '@aos/contracts';
import type { AosRequest } from './access.js';
import { parseExactly } from './exact-numbers.js';
import { isDeeperThan } from './json-depth.js';
import { AosError } from './problem.js';
import { lossesOf } from './unstorable.js';

const MEGABYTE = 1024 * 1024;
/** Deeper than any document here, and far from what recursive code behind it can still walk. */
const MAX_DEPTH = 100;

/**
 * A route that refuses large bodies for a reason of its own, in its own words, has to see them first. Capitals make no
 * difference, as they make none to the router.
 */
const roomier: [RegExp, number][] = [
  [/^\/config\/runtime\/secrets\//i, 4 * MEGABYTE],
  [/^\/mcp\/registry(\/import(\/openapi)?)?$/i, 4 * MEGABYTE],
];

/**
 * Documents of others name the largest number of 64 bits as a bound; a neighbour of that does as well. And of a key that stands
 * twice in them the last one counts, as for whoever else reads them.
 */
const holdsBounds = /^\/mcp\/registry\/import\/openapi\/?$/i;

/** Speaks a protocol of its own, in which it also says that a body is none; so it reads bodies itself. */
const readsItself = /^\/mcp\/?$/i;

/**
 * Reads JSON bodies, and answers the others. A body that is announced as too large is refused before a
 * byte of it is read, one that turns out too large as soon as it is; Node then discards the rest, so that
 * the client gets its answer and the connection stays usable. Multipart bodies are left to the route that
 * takes files; everything else is 415, which also keeps plain HTML forms (the classic CSRF) out.
 */
export function jsonBody(limit = MEGABYTE) {
  return (request: AosRequest, _response: Response, next: NextFunction): void => {
    const announced = Number(request.headers['content-length'] ?? 0);
    const isChunked = request.headers['transfer-encoding'] !== undefined;
    if ((announced === 0 && !isChunked) || readsItself.test(request.path)) return next();
    const type = (request.headers['content-type'] ?? '').toLowerCase();
    if (type.startsWith('multipart/form-data')) return next();
    const refusal = refuseType(type, request.headers['content-encoding']);
    if (refusal) return next(refusal);
    const bounds = holdsBounds.test(request.path);
    const allowed = roomier.find(([path]) => path.test(request.path))?.[1] ?? limit;
    readBody(request, allowed).then(
      (text) => {
        try {
          request.body =
            text.trim() === ''
              ? undefined
              : parseJson(text, bounds ? (given) => JSON.parse(given) as unknown : undefined);
          if (!bounds) refuseLosses(text, request.body);
        } catch (error) {
          return next(error);
        }
        next();
      },
      (error: unknown) => next(error),
    );
  };
}

/** @throws AosError validation_failed of what would be something else than was sent. */
function refuseLosses(text: string, body: unknown): void {
  const errors = lossesOf(text, body);
  if (errors.length > 0)
    throw new AosError('validation_failed', `${errors[0]!.path}: ${errors[0]!.message}`, {
      errors,
    });
}

/** @throws AosError when it is no JSON, or nested so deep that looking at it is dangerous. */
export function parseJson(text: string, parse: (text: string) => unknown = parseExactly): unknown {
  let body: unknown;
  try {
    body = parse(text);
  } catch (cause) {
    throw new AosError('malformed_body', say('body-no-json'), { cause });
  }
  if (isDeeperThan(body, MAX_DEPTH))
    throw new AosError('malformed_body', say('body-deep', { most: MAX_DEPTH }));
  return body;
}

export function refuseType(type: string, encoding: string | undefined): AosError | undefined {
  const match = /^application\/(?:json|[a-z0-9.+-]+\+json)\s*(;.*)?$/.exec(type);
  if (!match) return new AosError('unsupported_media_type', say('send-json'));
  const charset = /charset\s*=\s*"?([^";\s]+)/.exec(match[1] ?? '')?.[1];
  if (charset && charset !== 'utf-8' && charset !== 'utf8')
    return new AosError('unsupported_media_type', say('json-charset'));
  if (encoding && encoding !== 'identity')
    return new AosError('unsupported_media_type', say('body-compressed'));
  return undefined;
}

/** @throws AosError when it is too large, cut off, or no UTF-8. */
export function readBody(request: AosRequest, limit: number): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > limit)
    return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        stop();
        request.resume();
        return reject(tooLarge(limit));
      }
      chunks.push(chunk);
    };
    const onEnd = () => {
      stop();
      const bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      try {
        resolve(utf8.decode(bytes));
      } catch (cause) {
        reject(new AosError('malformed_body', say('body-no-utf8'), { cause }));
      }
    };
    const onClose = () => {
      stop();
      reject(new AosError('malformed_body', say('body-cut')));
    };
    const stop = () =>
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

const tooLarge = (limit: number) =>
  new AosError('payload_too_large', say('body-large', { most: limit / MEGABYTE }));
