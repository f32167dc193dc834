import { type Said, inEnglish, oneByOne, say } from '@aos/contracts';
import {
  type CallToolResult,
  type InputRequiredResult,
  isInputRequiredResult,
} from '@modelcontextprotocol/client';
import { isDeeperThan } from '../../../platform/http/json-depth.js';
import type { FailureKind } from './error-fingerprint.js';
import type { StoredResult } from './ledger.js';
import { mapStrings } from './secret-references.js';
import type { ToolSchemas } from './tool-schema.js';

/** An answer larger than this belongs into a file. */
const MAX_RESULT_BYTES = 1024 * 1024;
/** Of anything that a server says: what lies deeper cannot be written out any more. */
export const MAX_DEPTH = 64;
const MAX_FAULTS_TOLD = 10;

/** An answer that cannot be taken, although the tool has run. */
export class ResultRefused extends Error {
  override name = 'ResultRefused';
  constructor(
    readonly kind: Extract<FailureKind, 'result_invalid' | 'result_too_large'>,
    readonly said: Said,
  ) {
    super(inEnglish(said));
  }
}

/** @throws ResultRefused */
export function checkResult(
  answer: CallToolResult | InputRequiredResult,
  outputSchema: Record<string, unknown> | null,
  schemas: ToolSchemas,
): StoredResult {
  if (isDeeperThan(answer, MAX_DEPTH))
    throw new ResultRefused('result_invalid', say('answer-deep', { most: MAX_DEPTH }));
  const bytes = Buffer.byteLength(JSON.stringify(answer));
  if (bytes > MAX_RESULT_BYTES)
    throw new ResultRefused(
      'result_too_large',
      say('answer-large', { bytes, most: MAX_RESULT_BYTES }),
    );
  if (isInputRequiredResult(answer)) return { ...questioned(answer), structuredContent: null };
  const isError = answer.isError === true;
  const structured = answer.structuredContent as unknown;
  if (outputSchema && !isError) {
    if (structured === undefined)
      throw new ResultRefused('result_invalid', say('answer-no-structure'));
    const faults = faultsOf(outputSchema, structured, schemas);
    if (faults.length > 0)
      throw new ResultRefused(
        'result_invalid',
        say('answer-misfit', {
          faults: oneByOne(
            faults.map(({ path, said }) =>
              path
                ? say('at-argument', { path, what: said })
                : say('answer-itself', { what: said }),
            ),
            MAX_FAULTS_TOLD,
          ),
        }),
      );
  }
  return storable({
    content: answer.content as Record<string, unknown>[],
    structuredContent: toObject(structured),
    isError,
    ...(structured === undefined || structured === null || isObject(structured)
      ? {}
      : { isWrapped: true as const }),
    ...metaOf(answer),
  });
}

/** @throws ResultRefused of a schema that is none: then nobody can say whether the answer is what was promised. */
function faultsOf(schema: Record<string, unknown>, value: unknown, schemas: ToolSchemas) {
  try {
    return schemas.faults(schema, value);
  } catch (error) {
    throw new ResultRefused(
      'result_invalid',
      say('own-schema-unusable', { why: (error as Error).message }),
    );
  }
}

/** The record says that the tool asked, and for what; the questions themselves go to the client alone. */
const questioned = ({ inputRequests = {} }: InputRequiredResult) => ({
  content: [
    {
      type: 'text',
      text: `The tool asks first: ${Object.values(inputRequests)
        .map(({ method }) => method)
        .join(', ')}`,
    },
  ],
  isError: false,
});

/** Postgres keeps neither NUL nor half a surrogate pair in JSON; a tool's answer may hold both, in keys too. */
export function storable<T>(value: T): T {
  const clean = mapStrings(value, cleanText);
  return hasUnstorableKey(clean) ? withCleanKeys(clean) : clean;
}

function hasUnstorableKey(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(hasUnstorableKey);
  return Object.entries(value).some(
    ([key, item]) => cleanText(key) !== key || hasUnstorableKey(item),
  );
}

function withCleanKeys<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item) => withCleanKeys(item as unknown)) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([key, item]) => [
      cleanText(key),
      withCleanKeys(item),
    ]),
  ) as T;
}

// With the flag `u` a half of a pair matches only where it stands alone.
const unstorable = /[\u0000\uD800-\uDFFF]/gu;
const cleanText = (text: string) =>
  text.isWellFormed() && !text.includes('\0') ? text : text.replace(unstorable, '\uFFFD');

/** Structured content may be any JSON; a step's result is an object. */
function toObject(value: unknown): Record<string, unknown> | null {
  if (value === undefined || value === null) return null;
  return isObject(value) ? value : { value };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Words of the protocol are between us and the server, and ours are not the server's to say. */
const notHandedOn = /^(io\.modelcontextprotocol|aos\.dev)\/|^progressToken$/;

function metaOf({ _meta }: CallToolResult): { meta?: Record<string, unknown> } {
  const said = Object.entries(_meta ?? {}).filter(([key]) => !notHandedOn.test(key));
  return said.length > 0 ? { meta: Object.fromEntries(said) } : {};
}
