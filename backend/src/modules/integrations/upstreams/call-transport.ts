import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type JSONRPCMessage,
  type JSONRPCRequest,
  PROTOCOL_VERSION_META_KEY,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
  type TransportSendOptions,
  isJSONRPCRequest,
} from '@modelcontextprotocol/client';
import type { Dispatcher } from 'undici';
import { CallAnswer } from './call-answer.js';
import { connectionsTo } from './metadata-addresses.js';
import type { CarriesCalls } from './plain-calls.js';

interface CallTransportOptions extends StreamableHTTPClientTransportOptions {
  /** What the server is signed in to with, and whatever else goes with every request. */
  headers: Record<string, string>;
  /** Of one answer, or of one event of a stream of them; as unpacked. */
  maxBytes: number;
}

/**
 * Streamable HTTP whose requests for something to be done or read take a way of their own.
 *
 *     SDK client --any other message-----> fetch, web streams (the SDK's own transport)
 *                --calls, reads, lists---> request over a kept connection --> JSON: the answer
 *                                                                         --> events: each as it comes
 *
 * fetch and web streams cost several times what the rest of a call does, and a call needs neither; and of an answer that
 * is one to something else, or of a server that is busy, the SDK's transport tells nobody. What comes back is handed to the SDK's client message by message, as its own transport would: which answer belongs to which call, what a
 * question or a notification in the middle of it means, and what revision is spoken, is still decided there. Messages
 * of a stream are read in the asynchronous context of their call (see Flights).
 *
 * What the short way does not know goes on in the long one, with nothing lost: a server that answers 3xx or 4xx has
 * not run the tool, so the same message is sent again by the SDK, which knows what each of them means; a stream that
 * breaks off behind an event with an id is taken up there from that event.
 */
export class CallTransport extends StreamableHTTPClientTransport implements CarriesCalls {
  private readonly dispatcher: Dispatcher;

  constructor(
    private readonly address: URL,
    private readonly own: CallTransportOptions,
  ) {
    super(address, own);
    // The clock of a call is its Flight's.
    this.dispatcher = connectionsTo(address.origin);
  }

  override async send(
    message: JSONRPCMessage | JSONRPCMessage[],
    options?: TransportSendOptions,
  ): Promise<void> {
    if (!takesShortWay(message)) return super.send(message, options);
    if (await this.carry(message, options)) return;
    try {
      return await super.send(message, options);
    } catch (error) {
      const refusal = refusalIn(error);
      if (!refusal || String(refusal.id) !== String(message.id)) throw error;
      // As the SDK does for servers of the current revision: the status says nothing that the answer does not.
      this.onmessage?.({ jsonrpc: '2.0', id: message.id, error: refusal.error });
    }
  }

  /** Hands on what comes of a call. False when it takes the SDK's way; then the tool has not run. */
  async carry(call: JSONRPCRequest, options?: TransportSendOptions): Promise<boolean> {
    const headers = this.headersOf(call, options);
    if (!headers) return false;
    const answer = this.answer(call);
    await this.exchange(JSON.stringify(call), headers, options?.requestSignal, answer);
    if (answer.isRefused) return false;
    if (answer.hasAnswered || answer.status === 202) return true;
    if (answer.lastEventId === undefined)
      throw new SdkError(SdkErrorCode.ConnectionClosed, 'the stream ended without the answer');
    await super.send(call, { ...options, resumptionToken: answer.lastEventId });
    return true;
  }

  override async close(): Promise<void> {
    await super.close();
    await this.dispatcher.destroy();
  }

  /** Undefined when the message takes headers that only the SDK knows how to write. */
  private headersOf(
    { method, params }: JSONRPCRequest,
    options: TransportSendOptions | undefined,
  ): Record<string, string> | undefined {
    if (options?.resumptionToken || Object.keys(options?.headers ?? {}).length > 0)
      return undefined;
    const { sessionId } = this;
    const claimed = (params?._meta as Record<string, unknown> | undefined)?.[
      PROTOCOL_VERSION_META_KEY
    ];
    const headers: Record<string, string> = {
      ...this.own.headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      ...(sessionId === undefined ? {} : { 'mcp-session-id': sessionId }),
      ...(this.protocolVersion ? { 'mcp-protocol-version': this.protocolVersion } : {}),
    };
    if (typeof claimed !== 'string') return headers;
    const field = shortWay[method];
    const name = field && String(params?.[field]);
    // Any other name is written in base64, in a form of its own.
    if (name !== undefined && (!/^[!-~]+$/.test(name) || name.startsWith('=?'))) return undefined;
    return {
      ...headers,
      'mcp-protocol-version': claimed,
      'mcp-method': method,
      ...(name === undefined ? {} : { 'mcp-name': name }),
    };
  }

  private answer({ id }: JSONRPCRequest): CallAnswer {
    const inContext = AsyncLocalStorage.snapshot();
    return new CallAnswer(id, this.own.maxBytes, {
      onMessage: (message) => inContext(() => this.onmessage?.(message)),
      onFault: (error) => inContext(() => this.onerror?.(error)),
    });
  }

  /** Resolves when the whole answer was handed on. @throws what kept it from that. */
  private exchange(
    body: string,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
    answer: CallAnswer,
  ): Promise<void> {
    const { origin, pathname, search } = this.address;
    return new Promise((resolve, reject) => {
      let controller: Dispatcher.DispatchController | undefined;
      const done = () => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      };
      const fail = (error: Error) => {
        signal?.removeEventListener('abort', cancel);
        reject(error);
      };
      const cancel = () => {
        controller?.abort(signal!.reason as Error);
        fail(signal!.reason as Error);
      };
      const guarded = (read: () => void) => {
        try {
          read();
        } catch (error) {
          fail(error as Error);
          controller?.abort(error as Error);
        }
      };
      if (signal?.aborted) return cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      this.dispatcher.dispatch(
        { origin, path: pathname + search, method: 'POST', headers, body },
        {
          onRequestStart: (begun) => {
            controller = begun;
            if (signal?.aborted) controller.abort(signal.reason as Error);
          },
          onResponseStart: (_, status, received) => guarded(() => answer.begin(status, received)),
          onResponseData: (_, chunk) => guarded(() => answer.take(chunk)),
          onResponseEnd: () => void answer.end().then(done, fail),
          onResponseError: (_, error) =>
            // A stream may be taken up again where it broke off.
            answer.lastEventId === undefined ? fail(error) : done(),
        },
      );
    });
  }
}

/** What of its params the head names, to servers of the current revision. */
const shortWay: Record<string, 'name' | 'uri' | undefined> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'resources/subscribe': undefined,
  'resources/unsubscribe': undefined,
  'completion/complete': undefined,
  'tools/list': undefined,
  'prompts/list': undefined,
  'resources/list': undefined,
  'resources/templates/list': undefined,
};

const takesShortWay = (message: JSONRPCMessage | JSONRPCMessage[]): message is JSONRPCRequest =>
  !Array.isArray(message) && isJSONRPCRequest(message) && Object.hasOwn(shortWay, message.method);

interface Refusal {
  id?: unknown;
  error: { code: number; message: string; data?: unknown };
}

/**
 * What a server has refused a request with, where that came as the body of an HTTP 400. Such a body need not say which
 * request it is about, and a server that has forgotten the session says so in the same way.
 */
export function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof SdkHttpError) || error.status !== 400) return undefined;
  try {
    const body = JSON.parse(String(error.data.text)) as Partial<Refusal> | null;
    const isOne = Number.isInteger(body?.error?.code) && typeof body?.error?.message === 'string';
    return isOne ? (body as Refusal) : undefined;
  } catch {
    return undefined; // it is a page, or nothing
  }
}
