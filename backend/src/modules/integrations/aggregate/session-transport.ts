import {
  type AuthInfo,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  type TransportSendOptions,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { DirectAnswer } from './direct-answer.js';

/**
 * The connection of an older client, with a second way in for single calls: past web requests and streams, straight to
 * the SDK's server and back. What that server does with a request (answer it, ask in the middle of it, report, stop
 * when it is cancelled or the session ends) is the same either way; only who writes it down differs.
 */
export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  private readonly direct = new Map<RequestId, DirectAnswer>();

  /** False when a call of that id is under way already: what that means is the SDK's to say. */
  serve(request: JSONRPCRequest, authInfo: AuthInfo, answer: DirectAnswer): boolean {
    if (!this.onmessage || this.direct.has(request.id)) return false;
    this.direct.set(request.id, answer);
    this.onmessage(request, { authInfo });
    return true;
  }

  /** A request that was cancelled is not answered: the client's wait for it ends here, and not with the session. */
  override async handleRequest(
    ...[request, options]: Parameters<WebStandardStreamableHTTPServerTransport['handleRequest']>
  ): Promise<Response> {
    const answer = await super.handleRequest(request, options);
    if (!answer.ok) return answer;
    for (const id of cancelledBy(options?.parsedBody)) {
      this.direct.get(id)?.finish();
      this.direct.delete(id);
      this.closeSSEStream(id);
    }
    return answer;
  }

  override async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const id = 'method' in message ? options?.relatedRequestId : message.id;
    const answer = id === undefined ? undefined : this.direct.get(id);
    if (!answer) return super.send(message, options);
    if ('method' in message) return answer.tell(message);
    this.direct.delete(id!);
    answer.end(message);
  }

  override async close(): Promise<void> {
    const open = [...this.direct.values()];
    this.direct.clear();
    await super.close();
    for (const answer of open) answer.cut();
  }
}

const cancelledBy = (body: unknown): RequestId[] =>
  [body].flat().flatMap((message) => {
    const { method, params } = (message ?? {}) as {
      method?: unknown;
      params?: { requestId?: RequestId };
    };
    return method === 'notifications/cancelled' && params?.requestId !== undefined
      ? [params.requestId]
      : [];
  });
