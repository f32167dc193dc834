import type { JSONRPCResultResponse } from '@modelcontextprotocol/client';

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

export const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
