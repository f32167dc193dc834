import { type Said, inEnglish, say } from '@aos/contracts';
import type { ErrorObject } from 'ajv';
import { type SchemaCheck, schemaCheck } from '../integrations/index.js';

/**
 * Checks values against the JSON Schemas that tools declare (see schemaCheck). Unknown keywords are ignored, and a
 * schema that cannot be compiled is itself reported as the fault.
 */
export interface SchemaFault {
  path: string;
  /** What `said` says, in English. */
  message: string;
  said: Said;
}

const MAX_COMPILED = 500;
const compiled = new Map<string, SchemaCheck | Said>();

/** `placeholders` are JSON pointers whose values are not known yet: whatever is wrong there passes. */
export function checkAgainstSchema(
  schema: Record<string, unknown>,
  value: unknown,
  placeholders: readonly string[] = [],
): SchemaFault[] {
  const check = compile(schema);
  if (typeof check !== 'function') return [{ path: '', message: inEnglish(check), said: check }];
  const faults = new Map<string, SchemaFault>();
  for (const error of check(value)) {
    if (mayComeRight(error, placeholders)) continue;
    const said = describe(error);
    const fault = { path: error.instancePath, message: inEnglish(said), said };
    faults.set(`${fault.path} ${fault.message}`, fault);
  }
  return [...faults.values()];
}

function compile(schema: Record<string, unknown>): SchemaCheck | Said {
  const key = JSON.stringify(schema);
  const known = compiled.get(key);
  if (known !== undefined) return known;
  let result: SchemaCheck | Said;
  try {
    result = schemaCheck(schema);
  } catch (error) {
    result = say('schema-unusable', { why: (error as Error).message });
  }
  if (compiled.size >= MAX_COMPILED) compiled.delete(compiled.keys().next().value!);
  compiled.set(key, result);
  return result;
}

function mayComeRight(error: ErrorObject, placeholders: readonly string[]): boolean {
  const at = error.instancePath;
  return placeholders.some((placeholder) => {
    if (at === placeholder || at.startsWith(`${placeholder}/`)) return true;
    // Above a placeholder only what does not depend on the unknown value counts.
    const isAbove = placeholder.startsWith(`${at}/`);
    return (
      isAbove &&
      (dependsOnContent.has(error.keyword) ||
        /\/(anyOf|oneOf|not|if|then|else)\b/.test(error.schemaPath))
    );
  });
}

const dependsOnContent = new Set([
  'anyOf',
  'oneOf',
  'not',
  'if',
  'contains',
  'uniqueItems',
  'const',
  'enum',
]);

/** The faults that are met often have sentences of their own; the rest is said as the checker says it. */
function describe({ keyword, params: given, message }: ErrorObject): Said {
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
    default:
      return say('as-it-is', { what: message ?? `fails ${keyword}` });
  }
}
