import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type CallToolResult,
  type Client,
  type InputRequiredResult,
  type JSONRPCMessage,
  type JSONRPCRequest,
  PROTOCOL_VERSION_META_KEY,
  SdkError,
  SdkErrorCode,
  type Tool,
  type Transport,
  type TransportSendOptions,
} from '@modelcontextprotocol/client';
import { clientInfo } from './client-info.js';
import { type Answer, plainResultOf } from './plain-answer.js';

/** A transport that knows a shorter way for a call than `send`, which tells nobody what has become of the request. */
export interface CarriesCalls {
  /** False when the tool has certainly not run and the SDK knows better what to do: then nobody waits for an answer. */
  carry(call: JSONRPCRequest, options: TransportSendOptions): Promise<boolean>;
}

export interface PlainCall extends Record<string, unknown> {
  name: string;
  arguments: Record<string, unknown>;
  _meta: Record<string, unknown>;
}

/** The SDK's client counts its requests from 0; this is far from it, and every server can hold it. */
const FIRST_ID = 1_000_000_000;

/**
 * Calls of tools over a connection that the SDK's client has made, past that client.
 *
 *     call --> transport --> server --answer--> a result and nothing besides? --yes--> that is it
 *       |                                                 |no
 *       +--not carried (the tool has not run)--+          |
 *                                              v          v
 *                                          Client.callTool, which sends it, or is given the answer that has come
 *
 * What the client does with a call (a dozen objects, three schemas, a clock of its own) costs more than all that the
 * gateway decides about it, and nearly every call needs none of it. What a call means stays the client's to say in all
 * other cases: errors, questions, results with anything but text and structure in them. It then makes the call by
 * itself, and where an answer is there already, its request is met with that answer instead of going out a second time;
 * so a tool runs once, and there is one author of what is wrong with an answer.
 *
 * Requests are told apart by their numbers. Whatever else comes over the connection (questions of the server,
 * notifications, answers to the client's own requests) goes to the client as ever.
 *
 * The end. A call ends with its answer, with the failure of its request, with the caller's signal (then the server is
 * told, by the end of the stream where each request has one, else by a notification), or with the connection.
 */
export class PlainCalls {
  private readonly waiting = new Map<number, Waiting>();
  /** Answers that the client is about to ask for, by the number of the request that they were given to. */
  private readonly kept = new Map<number, Answer>();
  private nextId = FIRST_ID;
  private readonly isModern: boolean;
  private readonly send: Transport['send'];

  /** `client` is connected over `transport`; from now on this stands between the two. */
  constructor(
    private readonly client: Client,
    private readonly transport: Transport & Partial<CarriesCalls>,
  ) {
    this.isModern = client.getProtocolEra() === 'modern';
    const { onmessage, onclose } = transport;
    this.send = transport.send.bind(transport);
    transport.send = (message, options) =>
      this.isMet(message, options) ? Promise.resolve() : this.send(message, options);
    transport.onmessage = (message, extra) => {
      if (!this.take(message)) onmessage?.(message, extra);
    };
    transport.onclose = () => {
      onclose?.();
      this.end();
    };
  }

  /** As `Client.callTool`, of a call that wants no progress and answers no questions. */
  async call(
    call: PlainCall,
    definition: Tool,
    options: { signal: AbortSignal; timeout: number },
  ): Promise<CallToolResult | InputRequiredResult> {
    const id = this.nextId++;
    const answer = await this.ask(id, call, options.signal);
    const result = answer && plainResultOf(answer, this.isModern);
    if (result) return result;
    if (answer) this.kept.set(id, answer);
    try {
      return await this.client.callTool(
        { ...call },
        {
          ...options,
          // Without its output schema: see WarmClient.
          toolDefinition: { ...definition, outputSchema: undefined },
          allowInputRequired: true,
          ...(answer ? { relatedRequestId: id } : {}),
        },
      );
    } finally {
      this.kept.delete(id);
    }
  }

  /** Undefined when it was not carried out. @throws what kept it from that; the reason of the signal. */
  private ask(id: number, call: PlainCall, signal: AbortSignal): Promise<Answer | undefined> {
    return new Promise((done, fail) => {
      if (signal.aborted) return fail(signal.reason as Error);
      const over = () => {
        this.waiting.delete(id);
        signal.removeEventListener('abort', leave);
      };
      const leave = () => {
        refuse(signal.reason as Error);
        if (!this.hasOwnStreams) this.tellCancelled(id, signal.reason);
      };
      const settle = (answer: Answer | undefined) => {
        over();
        done(answer);
      };
      const refuse = (error: Error) => {
        over();
        fail(error);
      };
      signal.addEventListener('abort', leave);
      this.waiting.set(id, { settle, refuse });
      this.carry(
        { jsonrpc: '2.0', id, method: 'tools/call', params: this.inEnvelope(call) },
        this.hasOwnStreams ? { requestSignal: signal } : {},
      ).then((isCarried) => {
        if (!isCarried) settle(undefined);
      }, refuse);
    });
  }

  private async carry(call: JSONRPCRequest, options: TransportSendOptions): Promise<boolean> {
    if (this.transport.carry) return this.transport.carry(call, options);
    await this.send(call, options);
    return true;
  }

  /** Then the server sees by the end of its stream that nobody waits for a request any more. */
  private get hasOwnStreams(): boolean {
    return this.isModern && this.transport.hasPerRequestStream === true;
  }

  private tellCancelled(id: number, reason: unknown): void {
    this.send({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: this.inEnvelope({ requestId: id, reason: String(reason) }),
    }).catch(() => undefined); // a server that cannot be told does not answer either
  }

  /** As the client writes it: in the current revision each message says in which it is, and of whom. */
  private inEnvelope(params: Record<string, unknown>): Record<string, unknown> {
    if (!this.isModern) return params;
    const _meta = {
      [PROTOCOL_VERSION_META_KEY]: this.client.getNegotiatedProtocolVersion(),
      [CLIENT_INFO_META_KEY]: clientInfo,
      [CLIENT_CAPABILITIES_META_KEY]: {},
      ...(params['_meta'] as Record<string, unknown> | undefined),
    };
    return { ...params, _meta };
  }

  /** Whether the message was the answer to one of these calls. */
  private take(message: JSONRPCMessage): boolean {
    if ('method' in message) return false;
    const call = this.waiting.get(Number(message.id)); // some write the number that they were given as text
    call?.settle(message);
    return call !== undefined;
  }

  /** Whether the client's request is met with an answer that is there already. */
  private isMet(
    message: JSONRPCMessage | JSONRPCMessage[],
    options: TransportSendOptions | undefined,
  ): boolean {
    const answer = this.kept.get(Number(options?.relatedRequestId));
    if (!answer || Array.isArray(message) || !('id' in message) || !('method' in message))
      return false;
    this.kept.delete(Number(options?.relatedRequestId));
    this.transport.onmessage?.({ ...answer, id: message.id });
    return true;
  }

  private end(): void {
    for (const { refuse } of this.waiting.values())
      refuse(new SdkError(SdkErrorCode.ConnectionClosed, 'Connection closed'));
  }
}

interface Waiting {
  settle: (answer: Answer | undefined) => void;
  refuse: (error: Error) => void;
}
