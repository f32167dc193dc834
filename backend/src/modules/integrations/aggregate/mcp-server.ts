import { Logger } from '@nestjs/common';
import {
  type AuthInfo,
  CLIENT_CAPABILITIES_META_KEY,
  type CallToolResult,
  type ClientCapabilities,
  type InputRequest,
  type InputResponse,
  LOG_LEVEL_META_KEY,
  type LoggingLevel,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type RequestId,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { describeFailure } from '../../../platform/database/away.js';
import type { Ctx } from '../../../platform/http/context.js';
import { toAosError } from '../../../platform/http/problem.filter.js';
import { ANSWER_LIMIT_MS } from '../upstreams/flights.js';
import { severityOf } from '../upstreams/warm-client.js';
import type { Aggregate } from './aggregate.js';
import type { Exchange } from './exchange.js';
import { toProtocolError } from './failures.js';
import { tellInvalidParams } from './invalid-params.js';
import type { PlainCall } from './plain-call.js';
import type { Watches } from './watches.js';

/** How who asks, and what they wish, travels beside a request through the SDK. */
export interface Carried {
  ctx: Ctx;
  /** `tools=` of the URL: the list whole, or narrowed to a search. */
  toolList: string | null;
}

/** What an older client has told once for its whole session. */
export interface SessionState {
  logLevel: LoggingLevel | undefined;
  watched: Watches;
  /** Of a call that was made already (see SessionTransport). */
  outcomeOf(id: RequestId): Promise<CallToolResult> | undefined;
}

export const serverInfo = { name: 'aos', title: 'AOS gateway', version: '0.1.0' };
const INSTRUCTIONS =
  'All tool servers that are registered here, behind one door. Tools are named <server>__<tool>; calls are checked, recorded and may need approval.';
/** Lists are the reader's own. They may be kept for a moment; who listens hears of changes. */
const hint = { ttlMs: 5000, cacheScope: 'private' } as const;
const cacheHints = {
  'server/discover': hint,
  'tools/list': hint,
  'prompts/list': hint,
  'resources/list': hint,
  'resources/templates/list': hint,
};

/** Of what one call tells besides its answer: progress and log messages. */
const MOST_TOLD_CHARS = 4 * 1024 * 1024;

/** Knows the input schemas, so that the SDK can hold `Mcp-Param-*` headers against the arguments. */
class GatewayServer extends McpServer {
  constructor(private readonly schemaOf: (name: string) => Record<string, unknown> | undefined) {
    super(serverInfo, {
      instructions: INSTRUCTIONS,
      cacheHints,
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
      },
    });
    tellInvalidParams(this);
  }

  override toolInputSchemaJson(name: string): Record<string, unknown> | undefined {
    return this.schemaOf(name);
  }
}

/** An SDK server for one request of the current revision, or (with a session) for one older client. */
export async function makeServer(
  aggregate: Aggregate,
  logger: Logger,
  session?: SessionState,
): Promise<McpServer> {
  const tools = session ? undefined : await aggregate.catalogue.tools();
  const product = new GatewayServer((name) => tools?.get(name)?.definition.inputSchema);
  const { server } = product;
  const serve =
    <P, R>(work: (exchange: Exchange, params: P, carried: Carried) => Promise<R>) =>
    async (request: { params?: P }, sdk: ServerContext): Promise<R> => {
      const carried = carriedBy(sdk.http?.authInfo);
      try {
        const exchange = exchangeOf(sdk, carried.ctx, server, session);
        return await work(exchange, request.params ?? ({} as P), carried);
      } catch (error) {
        throw withoutInternals(error, carried.ctx, logger);
      }
    };
  server.setRequestHandler(
    'tools/list',
    serve((exchange, params: { cursor?: string | undefined }, { toolList }) =>
      aggregate.listTools(exchange, params, toolList),
    ),
  );
  const callTool = serve((exchange, params: Parameters<Aggregate['callTool']>[1]) =>
    aggregate.callTool(exchange, params),
  );
  server.setRequestHandler(
    'tools/call',
    (request, sdk) => session?.outcomeOf(sdk.mcpReq.id) ?? callTool(request, sdk),
  );
  server.setRequestHandler(
    'prompts/list',
    serve((exchange, params: { cursor?: string | undefined }) =>
      aggregate.listPrompts(exchange, params),
    ),
  );
  server.setRequestHandler(
    'prompts/get',
    serve((exchange, params: Parameters<Aggregate['getPrompt']>[1]) =>
      aggregate.getPrompt(exchange, params),
    ) as never, // the SDK's type is the intersection of both revisions' results
  );
  server.setRequestHandler(
    'resources/list',
    serve((exchange, params: { cursor?: string | undefined }) =>
      aggregate.listResources(exchange, params),
    ),
  );
  server.setRequestHandler(
    'resources/templates/list',
    serve((exchange, params: { cursor?: string | undefined }) =>
      aggregate.listTemplates(exchange, params),
    ),
  );
  server.setRequestHandler(
    'resources/read',
    serve(async (exchange, params: { uri: string }) => ({
      ...(await aggregate.readResource(exchange, params)),
      ...(session ? {} : hint),
    })) as never, // as above
  );
  server.setRequestHandler(
    'completion/complete',
    serve((exchange, params: Parameters<Aggregate['complete']>[1]) =>
      aggregate.complete(exchange, params),
    ),
  );
  if (session) serveSession(product, aggregate, serve, session);
  return product;
}

/** What only older clients ask for: the current revision has a field or a stream in its place. */
function serveSession(
  { server }: McpServer,
  aggregate: Aggregate,
  serve: <P, R>(
    work: (exchange: Exchange, params: P, carried: Carried) => Promise<R>,
  ) => (request: { params?: P }, sdk: ServerContext) => Promise<R>,
  session: SessionState,
): void {
  server.setRequestHandler(
    'logging/setLevel',
    serve((_exchange, params: { level: LoggingLevel }) => {
      session.logLevel = params.level;
      return Promise.resolve({});
    }),
  );
  server.setRequestHandler(
    'resources/subscribe',
    serve(async (_exchange, { uri }: { uri: string }) => {
      await session.watched.add(uri, () => aggregate.watch(uri));
      return {};
    }),
  );
  server.setRequestHandler(
    'resources/unsubscribe',
    serve((_exchange, { uri }: { uri: string }) => {
      session.watched.remove(uri);
      return Promise.resolve({});
    }),
  );
}

/** A plain call of an older client, past the SDK's server, to which its questions and words go all the same. */
export async function callInSession(
  aggregate: Aggregate,
  logger: Logger,
  session: SessionState & { server: McpServer },
  { call, authInfo, signal }: { call: PlainCall; authInfo: AuthInfo; signal: AbortSignal },
): Promise<CallToolResult> {
  const { server } = session.server;
  const { id, params } = call;
  const { ctx } = carriedBy(authInfo);
  const { logLevel } = session;
  const tell = teller(
    (notification) => server.notification(notification, { relatedRequestId: id }),
    logLevel,
  );
  const approval = params._meta?.['aos.dev/approval'];
  try {
    const result = await aggregate.callTool(
      {
        ctx,
        capabilities: server.getClientCapabilities() ?? {},
        logLevel,
        signal,
        answers: undefined,
        approval: typeof approval === 'string' ? approval : undefined,
        state: undefined,
        project: (answer, schema) => server.projectCallToolResult(answer, schema),
        ask: (question, until) =>
          askOlder(
            (request, options) => server.request(request, { ...options, relatedRequestId: id }),
            question,
            until,
          ),
        progress: undefined,
        log: logTo(tell, logLevel),
      },
      params,
    );
    return result as CallToolResult; // whoever can be asked is not sent questions
  } catch (error) {
    throw signal.aborted ? error : withoutInternals(error, ctx, logger);
  }
}

function carriedBy(authInfo: AuthInfo | undefined): Carried {
  const carried = authInfo?.extra?.['carried'] as Carried | undefined;
  if (!carried) throw new Error('a request came past the controller');
  return carried;
}

/** The SDK has checked it; its type leaves the keys open. */
interface Envelope {
  [LOG_LEVEL_META_KEY]?: LoggingLevel;
  [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities;
}

function exchangeOf(
  sdk: ServerContext,
  ctx: Ctx,
  server: McpServer['server'],
  session: SessionState | undefined,
): Exchange {
  const { mcpReq } = sdk;
  const envelope = (mcpReq.envelope ?? {}) as Envelope;
  const token = mcpReq._meta?.progressToken;
  const approval = mcpReq._meta?.['aos.dev/approval'];
  const logLevel = session ? session.logLevel : envelope[LOG_LEVEL_META_KEY];
  const tell = teller((notification) => mcpReq.notify(notification), logLevel);
  return {
    ctx,
    capabilities:
      (session ? server.getClientCapabilities() : envelope[CLIENT_CAPABILITIES_META_KEY]) ?? {},
    logLevel,
    signal: mcpReq.signal,
    answers: mcpReq.inputResponses as Exchange['answers'],
    approval: typeof approval === 'string' ? approval : undefined,
    state: session ? undefined : mcpReq.requestState<string>(),
    ask:
      session &&
      ((question, signal) =>
        askOlder((request, options) => mcpReq.send(request, options), question, signal)),
    project: session && ((answer, schema) => server.projectCallToolResult(answer, schema)),
    progress:
      token === undefined
        ? undefined
        : (progress) =>
            tell({
              method: 'notifications/progress',
              params: { ...progress, progressToken: token },
            }),
    log: logTo(tell, logLevel),
  };
}

type AnyRequest = { method: InputRequest['method']; params?: Record<string, unknown> };
type Notify = ServerContext['mcpReq']['notify'];
type Tell = (notification: Parameters<Notify>[0]) => void;

/**
 * A client that has gone cannot be told anything; that it has is seen by the signal. One that does not read has all that
 * it is told kept for it: so there is an end to that, and not only to the answer.
 */
function teller(notify: Notify, logLevel: LoggingLevel | undefined): Tell {
  let left = MOST_TOLD_CHARS;
  return (notification) => {
    if (left < 0) return;
    left -= JSON.stringify(notification).length;
    if (left < 0 && logLevel === undefined) return;
    void notify(left < 0 ? leftOut : notification).catch(() => undefined);
  };
}

const logTo =
  (tell: Tell, logLevel: LoggingLevel | undefined): Exchange['log'] =>
  (params) => {
    if (logLevel && severityOf(params.level) >= severityOf(logLevel))
      tell({ method: 'notifications/message', params });
  };

const leftOut = {
  method: 'notifications/message' as const,
  params: {
    level: 'warning' as const,
    logger: 'aos',
    data: 'This call tells too much; the rest but its answer is left out.',
  },
};

async function askOlder(
  send: (
    request: AnyRequest,
    options: { signal: AbortSignal; timeout: number },
  ) => Promise<unknown>,
  question: InputRequest,
  signal: AbortSignal,
): Promise<InputResponse> {
  const options = { signal, timeout: ANSWER_LIMIT_MS };
  const { method, params } = question;
  const answer = await send({ method, ...(params ? { params } : {}) } as AnyRequest, options);
  return answer as InputResponse;
}

/** What a handler throws reaches the client as it is, so only what was meant for it may be thrown. */
export function withoutInternals(error: unknown, ctx: Ctx, logger: Logger): unknown {
  if (error instanceof ProtocolError) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  // Lists ask the database as well; that it is away is nobody's secret.
  if (toAosError(error).code === 'unavailable') {
    logger.warn(`a request to /mcp failed: ${describeFailure(error)}`);
    return toProtocolError(error, {}, ctx.traceId, (value) => value, 'request');
  }
  logger.error({ msg: 'a request to /mcp failed', traceId: ctx.traceId, err: error });
  return new ProtocolError(ProtocolErrorCode.InternalError, 'Internal error', {
    traceId: ctx.traceId,
  });
}
