import { StandardSchemaValidationPipe } from '@nestjs/common';
import { type FieldFault, type Said, fieldRules, inEnglish, say, sentences } from '@aos/contracts';
import { AosError, faultAt } from './problem.js';

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
export const schemaPipe = () => new SchemaPipe({ exceptionFactory: refuse });

/**
 * Nest takes `__proto__`, `prototype` and `constructor` out of what it parses without a word. Here the first
 * is refused like any key that is not known, since zod would pass over it in silence; the other two are
 * keys like any other: the schema refuses them where it does not know them, and a tool may have an argument
 * of such a name.
 */
class SchemaPipe extends StandardSchemaValidationPipe {
  protected override stripProtoKeys(value: unknown): void {
    const path = pathOfProto(value);
    if (path) throw refuse([{ path, message: inEnglish(say('field-unknown')) }]);
  }
}

function refuse(issues: Issues): AosError {
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
        ...(more > 0 ? [faultAt('', say('more-left-out', { count: more }))] : []),
      ],
    },
  );
}

/** Where a key `__proto__` stands. Bodies are at most a hundred levels deep (see json-body.ts). */
function pathOfProto(value: unknown): string[] | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return [key];
    const below = pathOfProto((value as Record<string, unknown>)[key]);
    if (below) return [key, ...below];
  }
  return undefined;
}

/** zod reports all unknown keys of an object as one issue at the object; each deserves its own path. */
function toErrors(issue: Issues[number]): FieldFault[] {
  const path = (issue.path ?? [])
    .map((part) => String(typeof part === 'object' ? part.key : part))
    .join('.');
  const { code, keys } = issue as unknown as { code?: string; keys?: string[] };
  if (code === 'unrecognized_keys' && keys)
    return keys.map((key) => faultAt(clip(path ? `${path}.${key}` : key), say('field-unknown')));
  const said = saidOf(issue as unknown as Issue);
  return [{ path: clip(path), message: clip(issue.message, 500), ...(said ? { said } : {}) }];
}

/** Of what zod tells of a fault, as far as it is told by a code here. */
interface Issue {
  code?: string;
  message: string;
  expected?: string;
  origin?: string;
  minimum?: number | bigint;
  maximum?: number | bigint;
  inclusive?: boolean;
  values?: unknown[];
  format?: string;
}

/** The faults that are met often. `message` stays as zod, or the schema itself, puts it. */
function saidOf(issue: Issue): Said | undefined {
  const { code, message, expected, origin = '', values, format } = issue;
  const own = codesByText.get(message);
  if (own) return say(own);
  switch (code) {
    case 'invalid_type':
      return / undefined$/.test(message)
        ? say('field-missing')
        : say('schema-type', { type: expected ?? '' });
    case 'invalid_value':
      return say('schema-one-of', {
        values: (values ?? []).map((value) => JSON.stringify(value)).join(', '),
      });
    case 'too_small':
    case 'too_big': {
      const isSmall = code === 'too_small';
      const limit = Number(isSmall ? issue.minimum : issue.maximum);
      if (origin === 'string')
        return say(isSmall ? 'schema-few-characters' : 'schema-many-characters', { limit });
      if (origin === 'array' || origin === 'set')
        return say(isSmall ? 'schema-few-items' : 'schema-many-items', { limit });
      const comparison = `${isSmall ? '>' : '<'}${issue.inclusive === false ? '' : '='}`;
      return say('schema-limit', { comparison, limit });
    }
    case 'invalid_format':
      return say('field-format', { format: format ?? '' });
    default:
      return undefined;
  }
}

/** What the schemas of the contract say in words of their own; a schema takes a text, and no code. */
const codesByText = new Map<string, 'field-unknown' | (typeof fieldRules)[number]>(
  (['field-unknown', ...fieldRules] as const).map((code) => [sentences[code], code]),
);

const clip = (text: string, length = 200) =>
  text.length > length ? `${text.slice(0, length)}…` : text;
