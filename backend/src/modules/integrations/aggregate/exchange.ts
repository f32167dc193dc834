import type {
  CallToolResult,
  ClientCapabilities,
  InputRequest,
  InputResponse,
  InputResponses,
  LoggingLevel,
  LoggingMessageNotification,
  Progress,
  Tool,
} from '@modelcontextprotocol/server';
import type { Ctx } from '../../../platform/http/context.js';

/**
 * Whose a session, a state or a parked call is. A grant stands for its holder and can do less: what was begun
 * with one is not the other's.
 */
export const callerOf = ({ actor: { id, capability } }: Ctx): string =>
  capability?.kind === 'grant' ? `${id} ${capability.id}` : id;

/** One request of a client to the aggregate endpoint, whatever revision it came in. */
export interface Exchange {
  ctx: Ctx;
  capabilities: ClientCapabilities;
  /** Undefined: the client wants no log messages. */
  logLevel: LoggingLevel | undefined;
  /** Ends when the client cancels or, in the current revision, goes away. */
  signal: AbortSignal;
  /** What a client of the current revision brings along when it comes back. */
  answers: InputResponses | undefined;
  state: string | undefined;
  /** The handle of an approval that an earlier answer gave out. */
  approval: string | undefined;
  /** Only of an older client: a request to it, on the stream of its own request. */
  ask: ((question: InputRequest, signal: AbortSignal) => Promise<InputResponse>) | undefined;
  /** Only of an older client, to whom structured content is an object: as its list of tools has said it. */
  project:
    ((answer: CallToolResult, outputSchema: Tool['outputSchema']) => CallToolResult) | undefined;
  /** Undefined: it did not ask for progress. */
  progress: ((progress: Progress) => void) | undefined;
  log(params: LoggingMessageNotification['params']): void;
}
