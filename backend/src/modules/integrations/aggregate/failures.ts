import { type CallToolResult, ProtocolError } from '@modelcontextprotocol/server';
import { AosError } from '../../../platform/http/problem.js';
import { toAosError, toProblem } from '../../../platform/http/problem.filter.js';
import type { GatewayResult } from '../call.js';
import { ApprovalRequired, InsufficientScope, LimitReached } from '../integrations.errors.js';
import type { ClientSide } from '../upstreams/client-side.js';
import { UpstreamFault } from '../upstreams/upstream.js';

type Redact = <T>(value: T) => T;

/** What a failure of a tool is told as: a model can read it, and do better. */
const toldToModel = new Set([
  'tool_failed',
  'tool_timeout',
  'tool_args_invalid',
  'server_unreachable',
  'unknown_secret',
]);
const INVALID_PARAMS = -32602;
const REQUEST_FAILED = -32000;
const FORBIDDEN = -32003;
const MOST_MESSAGE_CHARS = 10_000;

/** As a client of the current revision is told. */
export function answerOf(result: GatewayResult): CallToolResult {
  const { structuredContent, isError, isWrapped } = result;
  const answer = {
    content: result.content as CallToolResult['content'],
    _meta: { ...result.meta, 'aos.dev/callId': result.callId },
    ...(isError ? { isError } : {}),
  };
  if (structuredContent === null) return answer;
  return {
    ...answer,
    structuredContent: isWrapped ? structuredContent['value'] : structuredContent,
  } as CallToolResult;
}

/**
 * What kept a call from its answer, in the protocol's terms. An error of the server's own keeps its code and
 * data, so that a client sees what it would see without a gateway in between. Of a tool the rest is a result;
 * `request` asks for an error in any case. Internals stay in the log.
 */
export function toProtocolError(
  thrown: unknown,
  client: Pick<ClientSide, 'refusal'>,
  traceId: string,
  redact: Redact,
): ProtocolError | CallToolResult;
export function toProtocolError(
  thrown: unknown,
  client: Pick<ClientSide, 'refusal'>,
  traceId: string,
  redact: Redact,
  of: 'request',
): ProtocolError;
export function toProtocolError(
  thrown: unknown,
  client: Pick<ClientSide, 'refusal'>,
  traceId: string,
  redact: Redact,
  of?: 'request',
): ProtocolError | CallToolResult {
  if (thrown instanceof ProtocolError) return thrown;
  const { refusal } = client;
  if (refusal && isOf(thrown))
    return new ProtocolError(
      refusal.code,
      redact(refusal.message).slice(0, MOST_MESSAGE_CHARS),
      redact(refusal.data),
    );
  if (thrown instanceof UpstreamFault)
    return new ProtocolError(REQUEST_FAILED, redact(thrown.message), {
      code: thrown.kind === 'timeout' ? 'tool_timeout' : 'server_unreachable',
      traceId,
      ...(thrown.retryAfterSeconds === undefined
        ? {}
        : { retryAfterSeconds: thrown.retryAfterSeconds }),
    });
  const error = toAosError(thrown);
  const data = {
    ...toProblem(error, traceId),
    ...(error.retryAfterSeconds === undefined
      ? {}
      : { retryAfterSeconds: Math.ceil(error.retryAfterSeconds) }),
    ...(error instanceof LimitReached ? { rateLimit: { ...error.rateLimit, remaining: 0 } } : {}),
    ...(error instanceof ApprovalRequired && error.asked ? { approval: error.asked } : {}),
    ...(error instanceof InsufficientScope ? { scopes: error.scopes } : {}),
  };
  if (of === undefined && toldToModel.has(error.code)) return readable(error, data);
  return new ProtocolError(codeOf(error), error.message, data);
}

/** The server's refusal is what was thrown, and not something that happened after it. */
const isOf = (thrown: unknown) =>
  thrown instanceof UpstreamFault || (thrown instanceof AosError && thrown.code === 'tool_failed');

function readable(error: AosError, data: object): CallToolResult {
  const faults = (error.errors ?? []).map(({ path, message }) => `${path || 'it'} ${message}`);
  return {
    isError: true,
    content: [{ type: 'text', text: [error.message, ...faults].join('\n') }],
    _meta: { 'aos.dev/problem': data },
  };
}

function codeOf({ status }: AosError): number {
  if (status === 403) return FORBIDDEN;
  if (status === 400 || status === 404 || status === 422) return INVALID_PARAMS;
  return status >= 500 && status !== 503 && status !== 502 && status !== 504
    ? -32603
    : REQUEST_FAILED;
}
