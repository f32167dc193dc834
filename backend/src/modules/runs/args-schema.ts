import { type Said, inEnglish, say } from '@aos/contracts';
import type { ErrorObject } from 'ajv';
import { lossesIn } from '../../platform/http/unstorable.js';
import { type SchemaCheck, saidOfFault, schemaCheck } from '../integrations/index.js';

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

/**
 * What would be something else once it is stored or passed on is a fault, whatever the schema says.
 * `placeholders` are JSON pointers whose values are not known yet: whatever is wrong there passes.
 */
export function checkAgainstSchema(
  schema: Record<string, unknown>,
  value: unknown,
  placeholders: readonly string[] = [],
): SchemaFault[] {
  const losses = lossesIn(value);
  if (losses.length > 0)
    return losses.map((loss) => ({ ...loss, path: `/${loss.path.replaceAll('.', '/')}` }));
  const check = compile(schema);
  if (typeof check !== 'function') return [{ path: '', message: inEnglish(check), said: check }];
  const faults = new Map<string, SchemaFault>();
  for (const error of check(value)) {
    if (mayComeRight(error, placeholders)) continue;
    const said = saidOfFault(error);
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
