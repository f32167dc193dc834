import type { ErrorObject } from 'ajv';
import { type SchemaCheck, schemaCheck } from '../integrations/index.js';

/**
 * Checks values against the JSON Schemas that tools declare (see schemaCheck). Unknown keywords are ignored, and a
 * schema that cannot be compiled is itself reported as the fault.
 */
export interface SchemaFault {
  path: string;
  message: string;
}

const MAX_COMPILED = 500;
const compiled = new Map<string, SchemaCheck | string>();

/** `placeholders` are JSON pointers whose values are not known yet: whatever is wrong there passes. */
export function checkAgainstSchema(
  schema: Record<string, unknown>,
  value: unknown,
  placeholders: readonly string[] = [],
): SchemaFault[] {
  const check = compile(schema);
  if (typeof check === 'string') return [{ path: '', message: check }];
  const faults = new Map<string, SchemaFault>();
  for (const error of check(value)) {
    if (mayComeRight(error, placeholders)) continue;
    const fault = { path: error.instancePath, message: describe(error) };
    faults.set(`${fault.path} ${fault.message}`, fault);
  }
  return [...faults.values()];
}

function compile(schema: Record<string, unknown>): SchemaCheck | string {
  const key = JSON.stringify(schema);
  const known = compiled.get(key);
  if (known !== undefined) return known;
  let result: SchemaCheck | string;
  try {
    result = schemaCheck(schema);
  } catch (error) {
    result = `the schema of the tool cannot be used: ${(error as Error).message}`;
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

function describe(error: ErrorObject): string {
  const { keyword, params, message } = error as {
    keyword: string;
    params: Record<string, unknown>;
    message?: string;
  };
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties')
    return `has an unknown key "${String(params['additionalProperty'] ?? params['unevaluatedProperty'])}"`;
  if (keyword === 'required') return `lacks "${String(params['missingProperty'])}"`;
  if (keyword === 'enum')
    return `must be one of ${(params['allowedValues'] as unknown[]).map((v) => JSON.stringify(v)).join(', ')}`;
  return message ?? `fails ${keyword}`;
}
