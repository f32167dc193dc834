import type { Response } from 'express';
import { say } from '@aos/contracts';
import type { AosRequest } from './access.js';
import { ApiHeader } from './api-notes.js';
import { AosError } from './problem.js';

/** Names If-Match in the OpenAPI document, so that clients made from it can send it. */
export const TakesIfMatch = ({ required = true } = {}) =>
  ApiHeader({
    name: 'If-Match',
    required,
    description: 'The ETag of the version that was changed',
    schema: { type: 'string' },
  });

/**
 * The version of a changeable document, as HTTP says it. What stands beside the document (its state, its load)
 * changes without a new version, so no cache may take an equal version for an equal answer.
 */
export function setVersion(response: Response, version: number | string): void {
  response.setHeader('etag', `"${version}"`);
  response.setHeader('cache-control', 'no-store');
}

/**
 * The ETag that a change was made against, from If-Match, without its quotes. A weak tag matches nothing (RFC 9110, 13.1.1), and
 * since proxies that compress weaken the tags that they pass on, the refusal says so. `*` is refused: it would
 * overwrite whatever is there.
 *
 * @throws AosError precondition_required without one, precondition_failed when it is none.
 */
export function requiredTag(request: AosRequest): string {
  const header = request.headers['if-match'];
  if (header === undefined) throw new AosError('precondition_required', say('if-match-missing'));
  if (/^\s*W\//.test(header)) throw new AosError('precondition_failed', say('if-match-weak'));
  const match = /^\s*"([\x21\x23-\x7e]{1,100})"\s*$/.exec(header);
  if (!match) throw unknownTag();
  return match[1]!;
}

/**
 * As `requiredTag`, of a document whose ETag is its version.
 *
 * @throws AosError precondition_failed also when it cannot be a version.
 */
export function requiredVersion(request: AosRequest): number {
  const tag = requiredTag(request);
  if (!/^\d{1,9}$/.test(tag)) throw unknownTag();
  return Number(tag);
}

const unknownTag = () => new AosError('precondition_failed', say('if-match-unknown'));

/** @throws AosError precondition_failed unless the version is the present one. */
export function requireVersion(expected: number, present: number): void {
  if (expected === present) return;
  throw new AosError('precondition_failed', say('version-moved', { present, base: expected }));
}
