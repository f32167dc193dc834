import { Ajv, type CodeKeywordDefinition, type ErrorObject, type KeywordCxt, _ } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { isDeeperThan } from '../../../platform/http/json-depth.js';
import { canonical } from '../../../platform/http/canonical-hash.js';

/**
 * Checks values against JSON Schemas that come from strangers (2020-12, or draft-07 where the schema says so).
 *
 * Whoever writes a schema must be able neither to stop this process with it nor to change what the schema of
 * somebody else means:
 *
 *   time       each check has a budget, spent by its patterns, by what loops over the value, and by each `$ref` that is
 *              followed: twenty definitions that each refer twice to the next are a million checks of one number.
 *              Patterns run on RE2, whose time is linear in the text; one that needs look-around or back-references
 *              is not checked here, and left to the tool. Whether items are unique is found out in linear time, too.
 *   size       of a schema, in bytes and in depth; `$ref`s are followed, never copied in place
 *   each other every schema is compiled by an Ajv of its own: `$id`, also that of a meta-schema, is known in it alone
 *   form       `$async` would turn the answer into a promise, which is true whatever comes of it: it is not read.
 *              What every object inherits (`constructor`, `toString`) is no property of the value.
 *
 * `code.process` and `code.source` of Ajv stay off: they write `$id` into a comment of the code as it is.
 */
export type SchemaCheck = (value: unknown) => ErrorObject[];

const MAX_SCHEMA_BYTES = 256 * 1024;
const MAX_SCHEMA_DEPTH = 200;
/** Where it asks for what is not evaluated, Ajv joins what each part evaluates: parts times properties. */
const MAX_UNEVALUATED_BYTES = 32 * 1024;
/** Instructions of patterns times characters they are tried on, and the like. Some tenths of a second. */
const MOST_STEPS = 40_000_000;
const STEPS = { ref: 50, item: 10, character: 1 };

/** @throws Error when the schema itself is not one. */
export function schemaCheck(schema: Record<string, unknown>): SchemaCheck {
  if (isDeeperThan(schema, MAX_SCHEMA_DEPTH))
    throw new Error(`the schema is nested deeper than ${MAX_SCHEMA_DEPTH} levels`);
  const text = JSON.stringify(schema);
  const [bytes, joins] = [Buffer.byteLength(text), text.includes('"unevaluated')];
  const most = joins ? MAX_UNEVALUATED_BYTES : MAX_SCHEMA_BYTES;
  if (bytes > most) throw new Error(`the schema has ${bytes} bytes; at most ${most} are taken`);
  const { $schema: dialect, $async: _async, ...rest } = schema;
  const is07 = typeof dialect === 'string' && /draft-0[467]/.test(dialect);
  const meta = is07 ? draft07 : current;
  if (!meta.validateSchema(rest))
    throw new Error(`schema is invalid: ${meta.errorsText(meta.errors)}`);
  const ajv = bounded(withFormats(is07 ? new Ajv(own) : new Ajv2020(own)));
  ajv.opts.unevaluated = joins;
  const validate = ajv.compile(rest);
  return (value) => {
    stepsLeft = MOST_STEPS;
    try {
      return validate(value) ? [] : (validate.errors ?? []);
    } catch (error) {
      // RangeError: it refers to itself without end, or its branches are nested too deep for the stack.
      if (error instanceof TooLong || error instanceof RangeError) return [tooLong];
      throw error;
    }
  };
}

class TooLong extends Error {}
/** Instead of a keyword, of a check that was given up. */
export const TOO_LONG = 'budget';
const tooLong: ErrorObject = {
  ...{ keyword: TOO_LONG, instancePath: '', schemaPath: '#', params: {} },
  message: 'takes too long to check',
};

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

const options = { strict: false, allErrors: true, logger: false as const, ownProperties: true };
/** These two look at schemas, and take none in. */
const current = withFormats(new Ajv2020(options));
const draft07 = withFormats(new Ajv(options));
const own = {
  ...options,
  inlineRefs: false,
  meta: false,
  validateSchema: false,
  code: { regExp: linearTime },
};

/** What goes through the value, or on to another place of the schema; all else is as long as the schema. */
const spending = [
  ...['$ref', '$dynamicRef', '$recursiveRef', 'items', 'additionalItems', 'contains'],
  ...['additionalProperties', 'patternProperties', 'propertyNames', 'unevaluatedItems'],
  ...['unevaluatedProperties', 'minLength', 'maxLength', 'format'],
];

function withFormats<T extends Ajv | Ajv2020>(ajv: T): T {
  addFormats.default(ajv as unknown as Ajv, { mode: 'fast' });
  return ajv;
}

function bounded(ajv: Ajv | Ajv2020): Ajv | Ajv2020 {
  for (const keyword of spending) {
    const definition = definitionOf(ajv, keyword);
    if (!definition) continue; // of the other dialect
    const cost = keyword.startsWith('$') ? STEPS.ref : 0;
    const { code } = definition;
    definition.code = (cxt, rule) => {
      const spendIt = cxt.gen.scopeValue('func', { ref: spend });
      cxt.gen.code(_`${spendIt}(${cxt.data}, ${cost})`);
      return code(cxt, rule);
    };
  }
  const unique = definitionOf(ajv, 'uniqueItems')!;
  unique.error = { message: 'must NOT have duplicate items' };
  unique.code = (cxt: KeywordCxt) => {
    if (cxt.schema === true)
      cxt.pass(_`${cxt.gen.scopeValue('func', { ref: areUnique })}(${cxt.data})`);
  };
  return ajv;
}

/** Ajv's own of this instance, and nobody else's. */
const definitionOf = (ajv: Ajv | Ajv2020, keyword: string): CodeKeywordDefinition | undefined => {
  const rule = ajv.RULES.all[keyword];
  return typeof rule === 'object' ? (rule.definition as CodeKeywordDefinition) : undefined;
};

function spend(value: unknown, steps: number): void {
  stepsLeft -= steps + sizeOf(value);
  if (stepsLeft < 0) throw new TooLong();
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length * STEPS.character;
  if (value === null || typeof value !== 'object') return 1;
  return (Array.isArray(value) ? value.length : Object.keys(value).length) * STEPS.item + 1;
}

function areUnique(items: unknown[]): boolean {
  const seen = new Set<string>();
  for (const item of items) {
    const text = canonical(item);
    spend(text, STEPS.item);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
}
