import { Injectable } from '@nestjs/common';
import { Ajv } from 'ajv';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';

export interface SchemaFault {
  /** Where, as `a.b[0]`; empty for the whole. */
  path: string;
  message: string;
}

/** Schemas come from strangers: what one of them may cost is bounded. */
const MAX_SCHEMA_BYTES = 256 * 1024;
const MAX_COMPILED = 500;
const MAX_FAULTS = 50;
/** Of one check: instructions of its patterns times characters they are tried on. Some tenths of a second. */
const MOST_STEPS = 40_000_000;

/**
 * Checks values against the JSON Schema of a tool (2020-12, or draft-07 where the schema says so).
 *
 * A schema is written by whoever wrote the tool. Its regular expressions run on RE2, whose time is linear
 * in the text, since one bad pattern on the native engine can stop the event loop for seconds. RE2 has no
 * look-around and no back-references: a pattern that needs them is not checked here, and left to the tool.
 * Linear is still too long for a large pattern on a large text, so one check has a budget for its patterns; what
 * lies beyond does not fit.
 * Faults name the path and the rule, never the value: a value may be a secret.
 */
@Injectable()
export class ToolSchemas {
  private readonly current = withFormats(new Ajv2020(options));
  private readonly draft07 = withFormats(new Ajv(options));
  private readonly compiled = new Map<string, ValidateFunction>();
  /** The same by the schema itself, which the registry keeps: a large one need not be written out at every call. */
  private readonly known = new WeakMap<object, ValidateFunction>();

  /** @throws Error when the schema itself is not one. */
  faults(schema: Record<string, unknown>, value: unknown): SchemaFault[] {
    const validate = this.validatorOf(schema);
    stepsLeft = MOST_STEPS;
    if (validate(value)) return [];
    return (validate.errors ?? []).filter(tellsMore).slice(0, MAX_FAULTS).map(toFault);
  }

  private validatorOf(schema: Record<string, unknown>): ValidateFunction {
    let validate = this.known.get(schema);
    if (!validate) this.known.set(schema, (validate = this.validatorByText(schema)));
    return validate;
  }

  private validatorByText(schema: Record<string, unknown>): ValidateFunction {
    const key = JSON.stringify(schema);
    const known = this.compiled.get(key);
    if (known) return known;
    if (key.length > MAX_SCHEMA_BYTES)
      throw new Error(`the schema has ${key.length} bytes; at most ${MAX_SCHEMA_BYTES} are taken`);
    const { $schema: dialect, ...rest } = schema;
    const ajv =
      typeof dialect === 'string' && /draft-0[67]/.test(dialect) ? this.draft07 : this.current;
    const validate = ajv.compile(rest);
    ajv.removeSchema(rest); // this class keeps it; Ajv's own cache would never let it go
    if (this.compiled.size >= MAX_COMPILED)
      this.compiled.delete(this.compiled.keys().next().value!);
    this.compiled.set(key, validate);
    return validate;
  }
}

/** Of the check under way; none is ever interrupted by another. */
let stepsLeft = 0;

/** `code` would matter only for stand-alone code, which is not written here. */
const linearTime = Object.assign(
  (pattern: string, _flags: string) => {
    const compiled = compileLinear(pattern);
    return {
      test: (text: string) => {
        if (compiled === undefined) return true;
        stepsLeft -= compiled.programSize() * text.length;
        return stepsLeft >= 0 && compiled.matcher(text).find();
      },
      // Ajv tells patterns apart by their text; without it they would all be the first one.
      toString: () => `/${pattern}/u`,
    };
  },
  { code: 'linearTime' },
);

function compileLinear(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch {
    return undefined; // not expressible in RE2: see the note above
  }
}

const options = {
  strict: false,
  allErrors: true,
  // Strangers choose `$id` freely; two of them may choose the same.
  addUsedSchema: false,
  logger: false as const,
  code: { regExp: linearTime },
};

function withFormats<T extends Ajv | Ajv2020>(ajv: T): T {
  addFormats.default(ajv as unknown as Ajv, { mode: 'fast' });
  return ajv;
}

/** `if`, `anyOf` and `oneOf` repeat in general what their branches say in detail. */
const tellsMore = (error: ErrorObject) => error.keyword !== 'if';

function toFault(error: ErrorObject): SchemaFault {
  const parameters = error.params as Record<string, unknown>;
  const path = toPath(error.instancePath);
  const child = (name: unknown) => (path ? `${path}.${String(name)}` : String(name));
  switch (error.keyword) {
    case 'required':
      return { path: child(parameters['missingProperty']), message: 'is missing' };
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return {
        path: child(parameters['additionalProperty'] ?? parameters['unevaluatedProperty']),
        message: 'is not known to the tool',
      };
    case 'enum':
      return {
        path,
        message: `must be one of ${JSON.stringify(parameters['allowedValues']).slice(0, 500)}`,
      };
    default:
      return { path, message: error.message ?? 'does not fit' };
  }
}

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
