import {
  type AuthInfo,
  type CallToolResult,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  type TransportSendOptions,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { DirectAnswer } from './direct-answer.js';
import { idOf, refused } from './json-rpc.js';

interface DirectCall {
  answer: DirectAnswer;
  under: AbortController;
}

/**
 * The connection of an older client, with a second way in for single calls: past web requests and streams, and past the
 * SDK's server as well, whose look at a call and its result costs more than the gateway's own.
 *
 *     call --> the one door --> a result? --yes--> that is the answer
 *                                  |no
 *                                  v
 *                      the SDK's server is given the call, and its handler what came of it (`outcomeOf`)
 *
 * So the call is made once, and how an error is written down has one author. What the gateway asks and tells in the middle
 * of a call goes through the SDK's server as ever, and comes back here by the number of the call. A call ends early when
 * the client cancels it, and with the session.
 *
 * An answer finds its request by the id alone. So a second request by the id of one that is under way is refused: it would
 * be given no answer, and the first one the answer to the other.
 */
export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  private readonly direct = new Map<RequestId, DirectCall>();
  /** What the SDK's server was given and has not answered. */
  private readonly given = new Set<RequestId>();
  private readonly outcomes = new Map<RequestId, Promise<CallToolResult>>();

  /** False when a request of that id is under way already: `handleRequest` refuses it. */
  serve(
    request: JSONRPCRequest,
    authInfo: AuthInfo,
    answer: DirectAnswer,
    call: (signal: AbortSignal) => Promise<CallToolResult>,
  ): boolean {
    const { id } = request;
    if (!this.onmessage || this.isUnderWay(id)) return false;
    const under = new AbortController();
    this.direct.set(id, { answer, under });
    const outcome = call(under.signal);
    outcome.then(
      (result) => {
        if (under.signal.aborted) return;
        this.direct.delete(id);
        answer.end({ result: { ...result }, jsonrpc: '2.0', id });
      },
      () => {
        if (under.signal.aborted) return; // nobody waits for it
        this.outcomes.set(id, outcome);
        this.onmessage?.(request, { authInfo });
      },
    );
    return true;
  }

  /** What has come of the call already, for the handler of the SDK's server. */
  outcomeOf(id: RequestId): Promise<CallToolResult> | undefined {
    const outcome = this.outcomes.get(id);
    this.outcomes.delete(id);
    return outcome;
  }

  /** A request that was cancelled is not answered: the client's wait for it ends here, and not with the session. */
  override async handleRequest(
    ...[request, options]: Parameters<WebStandardStreamableHTTPServerTransport['handleRequest']>
  ): Promise<Response> {
    const ids = requestsIn(options?.parsedBody);
    const taken = ids.find((id, i) => this.isUnderWay(id) || ids.indexOf(id) !== i);
    if (taken !== undefined)
      return refused(400, 'A request of this id is under way already.', {}, taken);
    for (const id of ids) this.given.add(id);
    const answer = await super.handleRequest(request, options);
    if (!answer.ok) {
      for (const id of ids) this.given.delete(id);
      return answer;
    }
    for (const { id, reason } of cancelledBy(options?.parsedBody)) {
      const call = this.direct.get(id);
      this.direct.delete(id);
      this.given.delete(id);
      call?.under.abort(reason);
      call?.answer.finish();
      this.closeSSEStream(id);
    }
    return answer;
  }

  override async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const id = 'method' in message ? options?.relatedRequestId : message.id;
    const call = id === undefined ? undefined : this.direct.get(id);
    if (!('method' in message) && id !== undefined) this.given.delete(id);
    if (!call) return super.send(message, options);
    if ('method' in message) return call.answer.tell(message);
    this.direct.delete(id!);
    call.answer.end(message);
  }

  private isUnderWay(id: RequestId): boolean {
    return this.direct.has(id) || this.given.has(id);
  }

  override async close(): Promise<void> {
    const open = [...this.direct.values()];
    this.direct.clear();
    this.given.clear();
    await super.close();
    for (const { under, answer } of open) {
      under.abort(new Error('the session has ended'));
      answer.cut();
    }
  }
}

const requestsIn = (body: unknown): RequestId[] =>
  [body].flat().flatMap((message) => idOf(message) ?? []);

const cancelledBy = (body: unknown): { id: RequestId; reason: unknown }[] =>
  [body].flat().flatMap((message) => {
    const { method, params } = (message ?? {}) as {
      method?: unknown;
      params?: { requestId?: RequestId; reason?: unknown };
    };
    return method === 'notifications/cancelled' && params?.requestId !== undefined
      ? [{ id: params.requestId, reason: params.reason }]
      : [];
  });
