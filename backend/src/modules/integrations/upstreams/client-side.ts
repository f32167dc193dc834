import type {
  ClientCapabilities,
  InputRequest,
  InputRequests,
  InputResponse,
  InputResponses,
  LoggingLevel,
  LoggingMessageNotification,
  Progress,
  ProtocolError,
} from '@modelcontextprotocol/client';

/**
 * The other side of a request: the MCP client on whose behalf a server is asked, with what it can do for that
 * server while it works. One object per request; what the server says in the protocol's own terms is left
 * here (`questions`, `refusal`), since the gateway's results know only of content.
 */
export interface ClientSide {
  readonly capabilities: ClientCapabilities;
  /** What the client was asked before and answers now, and the server's own note about it. */
  readonly answers?: InputResponses | undefined;
  readonly state?: string | undefined;
  /** Undefined: it wants no log messages. */
  readonly logLevel?: LoggingLevel | undefined;
  /** It takes questions as an answer, and comes back with the answers (2026-07-28 and later). */
  readonly takesQuestions: boolean;
  /** Puts one question to it and waits. Rejects when it cannot be asked, or is gone. */
  ask(question: InputRequest, signal: AbortSignal): Promise<InputResponse>;
  onLog?(params: LoggingMessageNotification['params']): void;
  onProgress?(progress: Progress): void;
  /**
   * Left by the gateway: the handle of the approval that this call has taken. With the questions of a server it comes
   * back in the next round, which is the same call.
   */
  approved?: string | undefined;
  /** Left by the connection: the questions of a server that waits for no answer. */
  questions?: { inputRequests: InputRequests; requestState: string | undefined };
  /** Left by the connection: the protocol's own error, with its code and data. */
  refusal?: ProtocolError;
}

/** Which capability a question takes. */
export function isAskable(
  capabilities: ClientCapabilities,
  { method, params }: InputRequest,
): boolean {
  switch (method) {
    case 'sampling/createMessage':
      return (
        capabilities.sampling !== undefined &&
        (params.tools === undefined || capabilities.sampling.tools !== undefined)
      );
    case 'roots/list':
      return capabilities.roots !== undefined;
    case 'elicitation/create': {
      const { elicitation } = capabilities;
      if (params.mode === 'url') return elicitation?.url !== undefined;
      // An empty object says "forms": that is how the first revision with elicitation said it.
      return (
        elicitation !== undefined &&
        (elicitation.form !== undefined || elicitation.url === undefined)
      );
    }
  }
}
