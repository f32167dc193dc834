import type { IncomingHttpHeaders } from 'node:http';
import type { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import {
  type JSONRPCMessage,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  parseJSONRPCMessage,
} from '@modelcontextprotocol/client';
import { type EventSourceParser, createParser } from 'eventsource-parser';
import { say } from '@aos/contracts';
import { LineEnds } from './line-ends.js';
import { isPlainAnswer } from './plain-answer.js';
import { readMessage } from './read-message.js';
import { UpstreamFault } from './upstream.js';

export interface Listener {
  onMessage(message: JSONRPCMessage): void;
  /** A part that is none, among others that are: it is told, and the others are read. */
  onFault(error: Error): void;
}

/**
 * The answer to one POST, read as it comes: one JSON document, or a stream of events. It never holds more than
 * `maxBytes` of a document, or of what has come since the last whole event, as unpacked. Of answers it takes the one to
 * its own request, once: what a server says there to the requests of others, who may be other people, or says twice,
 * is nobody's.
 */
export class CallAnswer {
  status = 0;
  /** The answer to the request itself was among the messages. */
  hasAnswered = false;
  /** Of a stream: from where it can be taken up. */
  lastEventId: string | undefined;
  private readonly chunks: Uint8Array[] = [];
  private bytes = 0;
  private events: EventSourceParser | undefined;
  private readonly text = new TextDecoder();
  private readonly lineEnds = new LineEnds();
  private unpacking: Transform | undefined;
  private fault: Error | undefined;
  private hasTold = false;

  constructor(
    private readonly requestId: string | number,
    private readonly maxBytes: number,
    private readonly listener: Listener,
  ) {}

  /** A status that says that the request was not carried out. Its body is not read. */
  get isRefused(): boolean {
    return this.status >= 300 && this.status < 500;
  }

  /** @throws SdkError when it has a form that nobody asked for; UpstreamFault when the server is busy. */
  begin(status: number, headers: IncomingHttpHeaders): void {
    this.status = status;
    const seconds = secondsUntil(headers['retry-after']);
    if (status === 429 || (status === 503 && seconds !== undefined))
      throw busy(status, seconds ?? 1);
    if (this.isRefused || status === 202) return;
    const type = essenceOf(headers['content-type']);
    if (status < 300 && type !== 'application/json' && type !== 'text/event-stream')
      throw new SdkError(
        SdkErrorCode.ClientHttpUnexpectedContent,
        `Unexpected content type: ${type}`,
        { contentType: type },
      );
    if (status < 300 && type === 'text/event-stream')
      this.events = createParser({
        onEvent: (event) => this.onEvent(event),
        onComment: this.whole,
      });
    this.unpacking = unpackerOf(headers['content-encoding']);
    this.unpacking?.on('data', (chunk: Buffer) => this.read(chunk));
    // It may fail long before the end is waited for; an error that nobody listens to ends the process.
    this.unpacking?.on('error', (error: Error) => (this.fault ??= error));
  }

  /** @throws what makes the rest not worth reading. */
  take(chunk: Buffer): void {
    if (this.isRefused) return;
    if (this.unpacking) this.unpacking.write(chunk);
    else this.read(chunk);
    if (this.fault) throw this.fault;
  }

  /** @throws SdkHttpError of a server that failed; SdkError of an answer that is none. */
  async end(): Promise<void> {
    if (this.isRefused || this.status === 202) return;
    if (this.unpacking) await finished(this.unpacking.end());
    if (this.fault) throw this.fault;
    if (this.events) return;
    // A mark of the byte order is no part of the text, as fetch reads it.
    const text = new TextDecoder().decode(Buffer.concat(this.chunks));
    if (this.status >= 300)
      throw new SdkHttpError(
        SdkErrorCode.ClientHttpNotImplemented,
        `Error POSTing to endpoint: ${text.slice(0, 1000)}`,
        { status: this.status, text },
      );
    // The whole answer is there: what is wrong with it is wrong with this one call, and not with the connection.
    for (const message of [parsed(text)].flat()) this.tell(message);
    if (!this.hasAnswered) throw unexpected('its answer is one to something else');
  }

  private read(chunk: Uint8Array): void {
    if (this.fault) return;
    this.bytes += chunk.length;
    if (this.events)
      this.events.feed(this.text.decode(this.lineEnds.unified(chunk), { stream: true }));
    else this.chunks.push(chunk);
    if (this.bytes <= this.maxBytes) return;
    this.fault = new Error(`the answer is larger than ${this.maxBytes} bytes`);
    this.unpacking?.destroy(this.fault);
  }

  private readonly whole = () => {
    this.bytes = 0;
  };

  private onEvent({ id, event, data }: { id?: string; event?: string; data: string }): void {
    this.whole();
    if (id) this.lastEventId = id;
    if (data === '' || (event !== undefined && event !== 'message')) return;
    try {
      this.tell(readMessage(data));
    } catch (error) {
      this.listener.onFault(error as Error);
    }
  }

  private tell(value: unknown): void {
    const message = messageIn(value);
    if (!('method' in message)) {
      // Some write the number that they were given as text.
      if (this.hasAnswered || String(message.id) !== String(this.requestId))
        return this.listener.onFault(new Error('an answer to something else'));
      this.hasAnswered = true;
      // The SDK hears what is told one turn later than it takes an answer, and of a call that is over nothing more.
      if (this.hasTold) return queueMicrotask(() => this.listener.onMessage(message));
    } else this.hasTold = true;
    this.listener.onMessage(message);
  }
}

const unexpected = (what: string, cause?: unknown) =>
  Object.assign(new SdkError(SdkErrorCode.ClientHttpUnexpectedContent, what), { cause });

function parsed(text: string): unknown {
  try {
    return readMessage(text);
  } catch (cause) {
    throw unexpected('its answer is not JSON', cause);
  }
}

function messageIn(value: unknown): JSONRPCMessage {
  if (isPlainAnswer(value)) return value;
  try {
    return parseJSONRPCMessage(value);
  } catch (cause) {
    throw unexpected('its answer is no message of the protocol', cause);
  }
}

/** A 429 is said in place of running the tool; whether anything came before a 503, nobody knows. */
export const busy = (status: number, seconds: number) =>
  new UpstreamFault('unreachable', say('server-busy', { status, seconds }), status === 503, {
    retryAfterSeconds: seconds,
  });

const LONGEST_WAIT_SECONDS = 3600;

/** Of a Retry-After: seconds, or a date. Undefined when it is neither. */
export function secondsUntil(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(header)
    ? Number(header)
    : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.min(LONGEST_WAIT_SECONDS, Math.max(1, seconds));
}

const essenceOf = (type: string | string[] | undefined): string =>
  String(type ?? '')
    .split(';', 1)[0]!
    .trim()
    .toLowerCase();

/** It was asked for as it is; some send it packed all the same. */
function unpackerOf(encoding: string | string[] | undefined): Transform | undefined {
  switch (
    String(encoding ?? 'identity')
      .trim()
      .toLowerCase()
  ) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}
