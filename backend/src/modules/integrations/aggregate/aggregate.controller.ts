import { Controller, Delete, Get, Logger, Post, Req, Res, UseFilters } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import {
  type AuthInfo,
  type McpHttpHandler,
  ProtocolErrorCode,
  createMcpHandler,
  isLegacyRequest,
} from '@modelcontextprotocol/server';
import type { FieldFault } from '@aos/contracts';
import { toWebRequest } from '@modelcontextprotocol/node';
import type { Response as ExpressResponse } from 'express';
import { type AosRequest, SignedIn } from '../../../platform/http/access.js';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '../../../platform/http/api-notes.js';
import type { Principal } from '../../../platform/http/context.js';
import { parseJson, readBody, refuseType } from '../../../platform/http/json-body.js';
import { AosError, Forbidden } from '../../../platform/http/problem.js';
import { lossesOf } from '../../../platform/http/unstorable.js';
import { Aggregate, seesAll } from './aggregate.js';
import { DirectCalls } from './direct-calls.js';
import { callerOf } from './exchange.js';

import { McpErrors } from './mcp-errors.filter.js';
import { type Carried, makeServer } from './mcp-server.js';
import { OlderSessions } from './older-sessions.js';
import { OpenStreams } from './open-streams.js';

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MOST_WATCHED = 200;

/** What reaches a server, and so takes more than the right to look at lists. */
const callsOut = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'completion/complete',
]);

/**
 * The HTTP side of the aggregate endpoint. Host and Origin were checked before anything was read (see
 * configureHttp), and the guard has seen a valid token or session; only then is the body taken in, up to a
 * bound. What revision a request speaks is seen in itself: one with the envelope of the current revision
 * stands alone, all else belongs to the sessions of older clients.
 */
@ApiTags('integrations')
@Controller('mcp')
@UseFilters(McpErrors)
export class AggregateController implements BeforeApplicationShutdown {
  private readonly logger = new Logger(AggregateController.name);
  private readonly current: McpHttpHandler;
  private readonly stopListening: () => void;

  constructor(
    private readonly aggregate: Aggregate,
    private readonly sessions: OlderSessions,
    private readonly streams: OpenStreams,
    private readonly direct: DirectCalls,
  ) {
    this.current = createMcpHandler(() => makeServer(aggregate, this.logger), {
      legacy: 'reject',
      maxSubscriptions: 10_000,
      maxRequestBodySize: MAX_BODY_BYTES,
      onerror: (error) => this.logger.debug({ msg: 'a request to /mcp was refused', err: error }),
    });
    this.stopListening = aggregate.catalogue.listen(this.current.notify);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopListening();
    await this.current.close();
    this.streams.closeAll();
  }

  @Post()
  @SignedIn({ outside: true })
  @ApiOperation({
    summary: 'All tool servers as one MCP server (Streamable HTTP), in either revision',
    operationId: 'mcp',
  })
  @ApiBody({ schema: { type: 'object', additionalProperties: true, description: 'JSON-RPC 2.0' } })
  @ApiResponse({
    status: 200,
    description: 'A JSON-RPC answer, or a stream of messages that ends with it',
    content: {
      'application/json': { schema: { type: 'object', additionalProperties: true } },
      'text/event-stream': { schema: { type: 'string' } },
    },
  })
  async post(@Req() request: AosRequest, @Res() response: ExpressResponse): Promise<void> {
    const { body, faults } = await bodyOf(request);
    if (faults.length > 0) return refuseParams(body, faults, response);
    requireRight(request.ctx.actor, methodsOf(body));
    await this.aggregate.requireReach(request.ctx.actor, toolsIn(body));
    const authInfo = authInfoOf({ ctx: request.ctx, toolList: null });
    if (await this.direct.serve(request, response, body, authInfo)) return;
    await this.serve(request, response, body);
  }

  @Get()
  @SignedIn({ outside: true })
  @ApiOperation({
    summary: 'The stream of an older client: what the servers tell by themselves',
    operationId: 'mcpStream',
  })
  @ApiResponse({ status: 200, description: 'text/event-stream' })
  async get(@Req() request: AosRequest, @Res() response: ExpressResponse): Promise<void> {
    requireRight(request.ctx.actor, []);
    await this.serve(request, response, undefined);
  }

  @Delete()
  @SignedIn({ outside: true })
  @ApiOperation({ summary: 'Ends the session of an older client', operationId: 'mcpEnd' })
  @ApiResponse({ status: 200, description: 'It has ended' })
  async delete(@Req() request: AosRequest, @Res() response: ExpressResponse): Promise<void> {
    requireRight(request.ctx.actor, []);
    await this.serve(request, response, undefined);
  }

  private async serve(
    request: AosRequest,
    response: ExpressResponse,
    body: unknown,
  ): Promise<void> {
    const gone = new AbortController();
    const over = new Promise<void>((done) => response.once('close', done));
    void over.then(() => {
      if (!response.writableFinished) gone.abort(new Error('the client has gone'));
    });
    const web = await toWebRequest(request, body, { signal: gone.signal });
    const toolList = new URL(web.url).searchParams.get('tools');
    const authInfo = authInfoOf({ ctx: request.ctx, toolList });
    const isOlder = request.method !== 'POST' || (await isLegacyRequest(web, body));
    // A server for the request is made with the tools; that they cannot be read is told here, where there are words for it.
    if (!isOlder) await this.aggregate.catalogue.tools();
    const watched = isOlder ? undefined : await this.watch(body);
    void over.then(() => watched?.unwatch());
    const answer = isOlder
      ? await this.sessions.serve(web, callerOf(request.ctx), authInfo, body, over)
      : await this.current.fetch(web, { authInfo, parsedBody: watched?.body ?? body });
    if (answer.headers.get('content-type')?.startsWith('text/event-stream'))
      this.streams.add(request, response);
    await write(answer, response);
  }

  /**
   * A stream that is to tell of resources: their servers are asked to tell, as long as it is open. `body` asks for those
   * alone that will be told of, so that no other is acknowledged.
   */
  private async watch(body: unknown): Promise<{ body: unknown; unwatch: () => void } | undefined> {
    const uris = [...new Set(watchedBy(body))].slice(0, MOST_WATCHED);
    if (uris.length === 0) return undefined;
    const watched = await Promise.allSettled(uris.map((uri) => this.aggregate.watch(uri)));
    return {
      body: watching(
        body,
        uris.filter((_, i) => watched[i]!.status === 'fulfilled'),
      ),
      unwatch: () => {
        for (const each of watched) if (each.status === 'fulfilled') each.value();
      },
    };
  }
}

/** Read here and not before: a body that is none is answered in the protocol's own terms. */
async function bodyOf(request: AosRequest): Promise<{ body: unknown; faults: FieldFault[] }> {
  const type = (request.headers['content-type'] ?? '').toLowerCase();
  const refusal = refuseType(type, request.headers['content-encoding']);
  if (refusal) throw refusal;
  const text = await readBody(request, MAX_BODY_BYTES);
  const body = parseJson(text);
  return { body, faults: lossesOf(text, body) };
}

/** Of one request it is told to that; else there is nobody in the protocol to be told. */
function refuseParams(body: unknown, errors: FieldFault[], response: ExpressResponse): void {
  const { id } = (body ?? {}) as { id?: unknown };
  const { path, message } = errors[0]!;
  const words = `${path}: ${message}`;
  if (typeof id === 'string' ? !id.isWellFormed() : !Number.isFinite(id))
    throw new AosError('validation_failed', words, { errors });
  const error = {
    code: ProtocolErrorCode.InvalidParams,
    message: `Invalid params: ${words}`,
    data: { errors },
  };
  response.json({ jsonrpc: '2.0', id, error });
}

/** A stream that is to tell of resources takes what subscribing to them took before there were such streams. */
function methodsOf(body: unknown): unknown[] {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.map((message) =>
    watchedBy(message).length > 0
      ? 'resources/subscribe'
      : (message as { method?: unknown } | null)?.method,
  );
}

interface Listening {
  method?: unknown;
  params?: { notifications?: { resourceSubscriptions?: unknown } };
}

/** Addresses of the resources that a stream is to tell of. */
function watchedBy(message: unknown): string[] {
  const { method, params } = (message ?? {}) as Listening;
  const uris = params?.notifications?.resourceSubscriptions;
  return method === 'subscriptions/listen' && Array.isArray(uris)
    ? uris.filter((uri) => typeof uri === 'string')
    : [];
}

function watching(body: unknown, resourceSubscriptions: string[]): Listening {
  const { params, ...message } = body as Listening;
  const notifications = { ...params?.notifications, resourceSubscriptions };
  return { ...message, params: { ...params, notifications } };
}

/** @throws Forbidden; the filter adds which scopes it takes. */
function requireRight(actor: Principal, methods: readonly unknown[]): void {
  const has = (right: string, everywhere: boolean) =>
    actor.grants.some(
      (grant) => grant.permission === right && (!everywhere || grant.projectId === null),
    );
  if (!has('tool.read', false) && !has('tool.call', false))
    throw new Forbidden('This takes the permission tool.read or tool.call.');
  if (methods.some((method) => callsOut.has(String(method))) && !has('tool.call', true))
    throw new Forbidden('This takes the permission tool.call.');
  if (
    !seesAll(actor) &&
    methods.some((each) => each !== 'tools/call' && callsOut.has(String(each)))
  )
    throw new Forbidden('What was shown reaches some tools only; this takes the scope tool.call.');
}

/** Names of the tools that a body wants to call. */
function toolsIn(body: unknown): string[] {
  return [body].flat().flatMap((message) => {
    const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } };
    return method === 'tools/call' && typeof params?.name === 'string' ? [params.name] : [];
  });
}

const authInfoOf = (carried: Carried): AuthInfo => ({
  token: '', // the client's own goes no further than the guard
  clientId: carried.ctx.actor.id,
  scopes: [],
  extra: { carried },
});

/** A web answer onto the wire, no faster than the client reads. */
async function write(answer: Response, response: ExpressResponse): Promise<void> {
  if (response.destroyed) return void answer.body?.cancel();
  response.status(answer.status);
  answer.headers.forEach((value, name) => {
    if (name !== 'connection') response.setHeader(name, value); // that is the server's to say: the client may want it closed
  });
  response.flushHeaders();
  if (!answer.body) return void response.end();
  const reader = answer.body.getReader();
  response.once('close', () => void reader.cancel().catch(() => undefined)); // it may have ended
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || response.destroyed) break;
      if (!response.write(value)) await drained(response);
    }
    response.end();
  } catch {
    response.destroy(); // cutting it is the only way left to say that it is not whole
  }
}

const drained = (response: ExpressResponse) =>
  new Promise<void>((done) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      done();
    };
    response.on('drain', go).on('close', go);
  });
