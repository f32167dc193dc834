import { type JSONRPCRequest, RELATED_TASK_META_KEY } from '@modelcontextprotocol/server';
import { isObject } from '../upstreams/plain-answer.js';

export interface PlainCall extends JSONRPCRequest {
  params: { name: string; arguments?: Record<string, unknown>; _meta?: Record<string, unknown> };
}

/** What a call may have besides; whatever else is there, the SDK knows what it means. */
const plainParams = new Set(['name', 'arguments', '_meta']);

/** By its look, which is narrower than the schema of a request. */
export function isPlainCall(body: unknown): body is PlainCall {
  if (!isObject(body) || Object.keys(body).length !== 4) return false;
  const { jsonrpc, id, method, params } = body;
  if (jsonrpc !== '2.0' || method !== 'tools/call' || !isObject(params)) return false;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return false;
  const { name, arguments: args, _meta: meta } = params;
  return (
    Object.keys(params).every((key) => plainParams.has(key)) &&
    typeof name === 'string' &&
    (args === undefined || isObject(args)) &&
    (meta === undefined ||
      (isObject(meta) && meta['progressToken'] === undefined && !(RELATED_TASK_META_KEY in meta)))
  );
}
