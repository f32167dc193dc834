import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';

/**
 * Checks values against the JSON Schemas that tools declare. The schemas come from outside: their regular
 * expressions run on RE2 (linear time, so that no schema can stop the event loop), unknown keywords are
 * ignored, and a schema that cannot be compiled is itself reported as the fault.
 */
export interface SchemaFault {
  path: string;
  message: string;
}

const options = {
  strict: false,
  allErrors: true,
  addUsedSchema: false,
  logger: false,
  code: {
    regExp: Object.assign(
      (pattern: string) => {
        const matches = compilePattern(pattern);
        // Ajv tells patterns apart by their text.
        return { test: matches, toString: () => `/${pattern}/u` };
      },
      { code: 'new RegExp' },
    ),
  },
} as const;
const current = new Ajv2020(options);
const older = new Ajv(options);
for (const ajv of [current, older]) addFormats.default(ajv as Ajv, { mode: 'fast' });

const MAX_COMPILED = 500;
const compiled = new Map<string, ValidateFunction | string>();

/** `placeholders` are JSON pointers whose values are not known yet: whatever is wrong there passes. */
export function checkAgainstSchema(
  schema: Record<string, unknown>,
  value: unknown,
  placeholders: readonly string[] = [],
): SchemaFault[] {
  const validate = compile(schema);
  if (typeof validate === 'string') return [{ path: '', message: validate }];
  if (validate(value)) return [];
  const faults = new Map<string, SchemaFault>();
  for (const error of validate.errors ?? []) {
    if (mayComeRight(error, placeholders)) continue;
    const fault = { path: error.instancePath, message: describe(error) };
    faults.set(`${fault.path} ${fault.message}`, fault);
  }
  return [...faults.values()];
}

function compile(schema: Record<string, unknown>): ValidateFunction | string {
  const { $schema, $id: _, ...body } = schema;
  const key = JSON.stringify(schema);
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const ajv = typeof $schema === 'string' && /draft-0[467]/.test($schema) ? older : current;
  let result: ValidateFunction | string;
  try {
    result = ajv.compile(body);
  } catch (error) {
    result = `the schema of the tool cannot be used: ${(error as Error).message}`;
  }
  if (compiled.size >= MAX_COMPILED) compiled.delete(compiled.keys().next().value!);
  compiled.set(key, result);
  return result;
}

function compilePattern(pattern: string): (text: string) => boolean {
  try {
    const expression = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return (text) => expression.matcher(text).find();
  } catch {
    return () => true; // look-around and back-references are not RE2's: the tool itself has the last word
  }
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
