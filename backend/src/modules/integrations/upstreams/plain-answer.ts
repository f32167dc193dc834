import type {
  CallToolResult,
  JSONRPCErrorResponse,
  JSONRPCResultResponse,
} from '@modelcontextprotocol/client';

export type Answer = JSONRPCResultResponse | JSONRPCErrorResponse;

/**
 * The answer that nearly every call gets: a result and nothing besides, with nothing said beside it (`_meta`). It is a
 * message of the protocol by its look, without the schemas of all kinds of messages being tried one after the other;
 * for one that looks different, ask `parseJSONRPCMessage`, which knows them all.
 */
export function isPlainAnswer(value: unknown): value is JSONRPCResultResponse {
  if (!isObject(value) || Object.keys(value).length !== 3) return false;
  const { jsonrpc, id, result } = value;
  return (
    jsonrpc === '2.0' &&
    (typeof id === 'string' || Number.isSafeInteger(id)) &&
    isObject(result) &&
    result['_meta'] === undefined
  );
}

/**
 * The result of a call in which the schemas of the protocol could find no fault: text, and perhaps structure. Undefined of
 * any other answer.
 */
export function plainResultOf(answer: Answer, isModern: boolean): CallToolResult | undefined {
  if (!isPlainAnswer(answer)) return undefined;
  const { resultType, ...result } = answer.result as Record<string, unknown>;
  const { content, isError, structuredContent } = result;
  const isPlain =
    resultType === (isModern ? 'complete' : undefined) &&
    (isError === undefined || typeof isError === 'boolean') &&
    (structuredContent === undefined || isObject(structuredContent)) &&
    Array.isArray(content) &&
    content.every(isPlainText);
  return isPlain ? (result as CallToolResult) : undefined;
}

function isPlainText(part: unknown): boolean {
  if (!isObject(part) || Object.keys(part).length !== 2) return false;
  return part['type'] === 'text' && typeof part['text'] === 'string';
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
