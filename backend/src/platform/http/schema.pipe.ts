import { StandardSchemaValidationPipe } from '@nestjs/common';
import { AosError } from './problem.js';

type Issues = Parameters<
  NonNullable<
    NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>['exceptionFactory']
  >
>[0];

/** More than anyone reads; an answer must not grow with the request. */
const MOST_ERRORS = 50;

/**
 * Parses what a route declares with `{ schema }`. Unknown keys are refused by the contract's strictObject,
 * and each fault is named by its path.
 */
export const schemaPipe = () =>
  new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => {
      const errors = issues.flatMap(toErrors);
      const more = errors.length - MOST_ERRORS;
      const first = errors[0];
      return new AosError(
        'validation_failed',
        first
          ? `${first.path || 'The request'}: ${first.message}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''}`
          : 'The request does not fit its schema.',
        {
          errors: [
            ...errors.slice(0, MOST_ERRORS),
            ...(more > 0 ? [{ path: '', message: `${more} more are left out` }] : []),
          ],
        },
      );
    },
  });

/** zod reports all unknown keys of an object as one issue at the object; each deserves its own path. */
function toErrors(issue: Issues[number]): { path: string; message: string }[] {
  const path = (issue.path ?? [])
    .map((part) => String(typeof part === 'object' ? part.key : part))
    .join('.');
  const { code, keys } = issue as unknown as { code?: string; keys?: string[] };
  if (code === 'unrecognized_keys' && keys)
    return keys.map((key) => ({
      path: clip(path ? `${path}.${key}` : key),
      message: 'is not known here',
    }));
  return [{ path: clip(path), message: clip(issue.message, 500) }];
}

const clip = (text: string, length = 200) =>
  text.length > length ? `${text.slice(0, length)}…` : text;
