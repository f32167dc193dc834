import { type McpServer, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

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

interface Issue {
  path: (string | number)[];
  message: string;
}

const MOST_TOLD = 5;

function inWords(error: unknown): unknown {
  const issues = error instanceof Error ? issuesIn(error.message) : undefined;
  if (!issues) return error;
  const faults = issues
    .slice(0, MOST_TOLD)
    .map(({ path, message }) => `${path.join('.') || 'the request'}: ${message}`);
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `Invalid params: ${faults.join('; ')}`);
}

/** The list that the validator's message is, alone or behind a few words of the SDK's. */
function issuesIn(message: string): Issue[] | undefined {
  const [list] = /\[\n[\s\S]*\]$/.exec(message) ?? [];
  try {
    return list === undefined ? undefined : (JSON.parse(list) as Issue[]);
  } catch {
    return undefined; // it only looks like one
  }
}
