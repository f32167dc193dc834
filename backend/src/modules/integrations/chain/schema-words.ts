import { type Said, say } from '@aos/contracts';
import type { ErrorObject } from 'ajv';
import { TOO_LONG } from './schema-check.js';

/** The faults that are met often have sentences of their own; the rest is said as the checker says it. */
export function saidOfFault({ keyword, params: given, message }: ErrorObject): Said {
  const params = given as Record<string, unknown>;
  const limit = Number(params['limit']);
  switch (keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return say('schema-unknown-key', {
        key: String(params['additionalProperty'] ?? params['unevaluatedProperty']),
      });
    case 'required':
      return say('schema-lacks', { key: String(params['missingProperty']) });
    case 'enum': {
      const values = (params['allowedValues'] as unknown[]).map((value) => JSON.stringify(value));
      return say('schema-one-of', { values: values.join(', ') });
    }
    case 'type':
      return say('schema-type', { type: String(params['type']) });
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return say('schema-limit', { comparison: String(params['comparison']), limit });
    case 'minLength':
      return say('schema-few-characters', { limit });
    case 'maxLength':
      return say('schema-many-characters', { limit });
    case 'minItems':
      return say('schema-few-items', { limit });
    case 'maxItems':
      return say('schema-many-items', { limit });
    case 'pattern':
      return say('schema-pattern', { pattern: String(params['pattern']) });
    case 'uniqueItems':
      return say('schema-duplicates');
    case 'const':
      return say('schema-const');
    case 'format':
      return say('schema-format', { format: String(params['format']) });
    case 'multipleOf':
      return say('schema-multiple', { of: Number(params['multipleOf']) });
    case 'anyOf':
      return say('schema-any');
    case 'oneOf':
      return say('schema-one');
    case 'not':
      return say('schema-not');
    case 'false schema':
      return say('schema-never');
    case 'minProperties':
      return say('schema-few-keys', { limit });
    case 'maxProperties':
      return say('schema-many-keys', { limit });
    case 'dependencies':
    case 'dependentRequired':
      return say('schema-key-needs', {
        key: String(params['property']),
        needed: String(params['deps']),
      });
    case 'propertyNames':
      return say('schema-key-name', { key: String(params['propertyName']) });
    case 'if':
      return say('schema-if', { branch: String(params['failingKeyword']) });
    case 'contains': {
      const least = Number(params['minContains']);
      return params['maxContains'] === undefined
        ? say('schema-contains', { least })
        : say('schema-contains-between', { least, most: Number(params['maxContains']) });
    }
    case TOO_LONG:
      return say('schema-slow');
    default:
      return say('as-it-is', { what: message ?? `fails ${keyword}` });
  }
}
