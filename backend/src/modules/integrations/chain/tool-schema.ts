import { Injectable } from '@nestjs/common';
import type { ErrorObject } from 'ajv';
import { type Said, inEnglish, say } from '@aos/contracts';
import { type SchemaCheck, schemaCheck } from './schema-check.js';
import { saidOfFault } from './schema-words.js';

export interface SchemaFault {
  /** Where, as `a.b[0]`; empty for the whole. */
  path: string;
  /** What `said` says, in English. */
  message: string;
  said: Said;
}

const MAX_COMPILED = 500;
const MAX_FAULTS = 50;

/**
 * Checks values against the JSON Schema of a tool; see schemaCheck for what its author can do with it, and what not.
 * Faults name the path and the rule, never the value: a value may be a secret.
 */
@Injectable()
export class ToolSchemas {
  private readonly compiled = new Map<string, SchemaCheck>();
  /** The same by the schema itself, which the registry keeps: a large one need not be written out at every call. */
  private readonly known = new WeakMap<object, SchemaCheck>();

  /** @throws Error when the schema itself is not one. */
  faults(schema: Record<string, unknown>, value: unknown): SchemaFault[] {
    return this.checkOf(schema)(value).filter(tellsMore).slice(0, MAX_FAULTS).map(toFault);
  }

  private checkOf(schema: Record<string, unknown>): SchemaCheck {
    let check = this.known.get(schema);
    if (!check) this.known.set(schema, (check = this.checkByText(schema)));
    return check;
  }

  private checkByText(schema: Record<string, unknown>): SchemaCheck {
    const key = JSON.stringify(schema);
    const known = this.compiled.get(key);
    if (known) return known;
    const check = schemaCheck(schema);
    if (this.compiled.size >= MAX_COMPILED)
      this.compiled.delete(this.compiled.keys().next().value!);
    this.compiled.set(key, check);
    return check;
  }
}

/** `if`, `anyOf` and `oneOf` repeat in general what their branches say in detail. */
const tellsMore = (error: ErrorObject) => error.keyword !== 'if';

function toFault(error: ErrorObject): SchemaFault {
  const parameters = error.params as Record<string, unknown>;
  const path = toPath(error.instancePath);
  const child = (name: unknown) => (path ? `${path}.${String(name)}` : String(name));
  switch (error.keyword) {
    case 'required':
      return faultOf(child(parameters['missingProperty']), say('field-missing'));
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return faultOf(
        child(parameters['additionalProperty'] ?? parameters['unevaluatedProperty']),
        say('tool-key-unknown'),
      );
    case 'enum':
      return faultOf(
        path,
        say('schema-one-of', { values: JSON.stringify(parameters['allowedValues']).slice(0, 500) }),
      );
    default:
      return faultOf(path, saidOfFault(error));
  }
}

const faultOf = (path: string, said: Said): SchemaFault => ({
  path,
  message: inEnglish(said),
  said,
});

/** `/a/0/b~1c` as `a[0].b/c`. */
function toPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(
      (path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${part}` : part),
      '',
    );
}
