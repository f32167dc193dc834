import { Injectable, Logger } from '@nestjs/common';
import {
  type AuthInfo,
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type ClientCapabilities,
  LOG_LEVEL_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  SERVER_INFO_META_KEY,
  classifyInboundRequest,
} from '@modelcontextprotocol/server';
import type { Response } from 'express';
import type { AosRequest } from '../../../platform/http/access.js';
import type { Ctx } from '../../../platform/http/context.js';
import { CallsUnderWay, GivenUp } from '../calls-under-way.js';
import { mirrorsArguments } from '../upstreams/mirrored-arguments.js';
import { Aggregate } from './aggregate.js';
import { type Exchange, callerOf } from './exchange.js';
import { serverInfo, withoutInternals } from './mcp-server.js';
import { OlderSessions } from './older-sessions.js';
import { OpenStreams } from './open-streams.js';
import { type PlainCall, isPlainCall } from './plain-call.js';

const CURRENT = '2026-07-28';

/**
 * `tools/call`, by far the most frequent request, on a way of its own: from the parsed body through the one door to
 * the answer, without a web request, a web answer, their streams, and a server of the SDK made for one request.
 *
 *     body --plain call?--no---------------------------------> the SDK's handlers (AggregateController)
 *               |yes
 *               +-- current revision --> Aggregate.callTool --> JSON
 *               +-- older, in a session --> Aggregate.callTool --> JSON, or events (SessionTransport)
 *
 * Nothing is decided here that is decided elsewhere: who asks was seen by the guard, and rights, reach, chain and ledger
 * are those of every call. What is taken is only what has nothing to it: one call, with the headers that it has to have
 * and no others that say something, no wish for progress or log messages, no answers to earlier questions. All else is
 * left untouched for the SDK, which also says what is wrong with a request that is none. A client of the current
 * revision is asked by its answer (`input_required`), so that plain JSON is enough there; one of an older revision may
 * be asked in the middle, and the answer becomes a stream then.
 */
@Injectable()
export class DirectCalls {
  private readonly logger = new Logger(DirectCalls.name);

  constructor(
    private readonly aggregate: Aggregate,
    private readonly sessions: OlderSessions,
    private readonly streams: OpenStreams,
    private readonly underWay: CallsUnderWay,
  ) {}

  /** False when it is not a plain call: nothing was done. */
  async serve(
    request: AosRequest,
    response: Response,
    body: unknown,
    authInfo: AuthInfo,
  ): Promise<boolean> {
    if (!isPlainCall(body) || !takesBoth(request.headers.accept)) return false;
    const revision = revisionOf(request, body);
    if (revision === 'older')
      return this.sessions.serveDirectly(
        body,
        request,
        callerOf(request.ctx),
        authInfo,
        response,
        () => this.streams.add(request, response),
      );
    if (revision !== 'current' || (await this.takesHeaders(body))) return false;
    await this.answer(request.ctx, response, body);
    return true;
  }

  /** Arguments that travel in headers as well are held against them by the SDK. */
  private async takesHeaders({ params }: PlainCall): Promise<boolean> {
    const tool = (await this.aggregate.catalogue.tools()).get(params.name);
    return !!tool && mirrorsArguments(tool.definition);
  }

  private async answer(ctx: Ctx, response: Response, call: PlainCall): Promise<void> {
    const { id, params } = call;
    let status = 200;
    let answer: object;
    try {
      const result = await this.underWay.run(response, false, (signal) =>
        this.aggregate.callTool(exchangeOf(ctx, params, signal), params),
      );
      answer = { jsonrpc: '2.0', id, result: complete(result) };
    } catch (thrown) {
      if (thrown instanceof GivenUp) return void response.destroy(); // there is nobody to be told
      const error = withoutInternals(thrown, ctx, this.logger);
      if (!(error instanceof ProtocolError)) throw error;
      const { code, message, data } = error;
      if (Number(code) === Number(ProtocolErrorCode.MissingRequiredClientCapability)) status = 400;
      answer = {
        jsonrpc: '2.0',
        id,
        error: { code, message, ...(data === undefined ? {} : { data }) },
      };
    }
    if (response.destroyed) return;
    const text = JSON.stringify(answer);
    response
      .writeHead(status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      })
      .end(text);
  }
}

const takesBoth = (accept = '') =>
  accept.includes('application/json') && accept.includes('text/event-stream');

/** Envelopes that the SDK has found nothing amiss with: a client sends the same one with each request. */
const known = new Set<string>();
const MOST_KNOWN = 200;
const MOST_KNOWN_CHARS = 2_000;

/** Undefined when the SDK has something to say about it. */
function revisionOf({ headers }: AosRequest, body: PlainCall): 'current' | 'older' | undefined {
  const { 'mcp-protocol-version': version, 'mcp-method': method, 'mcp-name': name } = headers;
  const meta = body.params._meta ?? {};
  // What it says of its version in its head, the session holds against itself.
  if (!(PROTOCOL_VERSION_META_KEY in meta)) return 'older';
  const isInHead =
    version === CURRENT &&
    method === 'tools/call' &&
    name === body.params.name &&
    !body.params.name.startsWith('=?') &&
    meta[LOG_LEVEL_META_KEY] === undefined;
  if (!isInHead) return undefined;
  const envelope = JSON.stringify([
    meta[PROTOCOL_VERSION_META_KEY],
    meta[CLIENT_INFO_META_KEY],
    meta[CLIENT_CAPABILITIES_META_KEY],
  ]);
  if (known.has(envelope)) return 'current';
  const said = classifyInboundRequest({
    httpMethod: 'POST',
    body,
    protocolVersionHeader: version,
    mcpMethodHeader: method,
    mcpNameHeader: name,
  });
  // What the envelope says was held against the head by then: the same version, and nothing amiss.
  if (said.kind !== 'modern') return undefined;
  if (known.size >= MOST_KNOWN) known.clear();
  if (envelope.length <= MOST_KNOWN_CHARS) known.add(envelope);
  return 'current';
}

function exchangeOf(
  ctx: Ctx,
  { _meta: meta = {} }: PlainCall['params'],
  signal: AbortSignal,
): Exchange {
  const approval = meta['aos.dev/approval'];
  return {
    ctx,
    capabilities: (meta[CLIENT_CAPABILITIES_META_KEY] ?? {}) as ClientCapabilities,
    logLevel: undefined,
    signal,
    answers: undefined,
    approval: typeof approval === 'string' ? approval : undefined,
    state: undefined,
    ask: undefined,
    project: undefined,
    progress: undefined,
    log: () => undefined,
  };
}

/** As the revision wants a result: what kind it is, and who gives it. */
const complete = (result: object) => ({
  ...result,
  resultType: (result as { resultType?: string }).resultType ?? 'complete',
  _meta: { ...(result as { _meta?: object })._meta, [SERVER_INFO_META_KEY]: serverInfo },
});
