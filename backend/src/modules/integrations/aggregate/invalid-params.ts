import { type McpServer, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { validatorWords } from '../validator-words.js';

type Handler = (request: unknown, context: unknown) => unknown;

/** The hook of the SDK's servers for what stands around each handler; see `Protocol._wrapHandler` there. */
interface Hooked {
  _wrapHandler(method: string, handler: Handler): Handler;
}

/**
 * Of params that do not fit their method the SDK makes an internal error (of all methods but one), and says so in the
 * JSON of its validator. They are the client's fault, which has a code of its own, and words.
 * To be called before the handlers are registered.
 */
export function tellInvalidParams({ server }: McpServer): void {
  const hooked = server as unknown as Hooked;
  const wrap = hooked._wrapHandler.bind(server);
  hooked._wrapHandler = (method, handler) => {
    const wrapped = wrap(method, handler);
    return async (request, context) => {
      try {
        return await wrapped(request, context);
      } catch (error) {
        throw inWords(error);
      }
    };
  };
}

function inWords(error: unknown): unknown {
  const faults = error instanceof Error ? validatorWords(error.message) : undefined;
  return faults === undefined
    ? error
    : new ProtocolError(ProtocolErrorCode.InvalidParams, `Invalid params: ${faults}`);
}
