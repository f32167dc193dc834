import { type JSONRPCMessage, parseJSONRPCMessage } from '@modelcontextprotocol/client';
import { isObject, isPlainAnswer } from './plain-answer.js';
import { readMessage } from './read-message.js';

/**
 * Messages out of what a server writes to its standard output, a line each. A line that does not claim to be one is
 * none: servers greet there, and complain, and some write their log there in JSON.
 */
export class MessageLines {
  private parts: Buffer[] = [];
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** @throws RangeError when a line grows too long; an error of the SDK for what claims to be a message and is none. */
  *take(chunk: Buffer): Generator<JSONRPCMessage> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.keep(chunk.subarray(from, end));
      from = end + 1;
      const line = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts);
      this.clear();
      const message = messageIn(line.toString('utf8'));
      if (message) yield message;
    }
    if (from < chunk.length) this.keep(chunk.subarray(from));
  }

  clear(): void {
    this.parts = [];
    this.bytes = 0;
  }

  private keep(part: Buffer): void {
    this.bytes += part.length;
    if (this.bytes > this.maxBytes) {
      this.clear();
      throw new RangeError(`a message is larger than ${this.maxBytes} bytes`);
    }
    this.parts.push(part);
    // What comes byte by byte costs no more to keep than what comes at once.
    if (this.parts.length > MOST_PARTS) this.parts = [Buffer.concat(this.parts)];
  }
}

const NEWLINE = 0x0a;
const MOST_PARTS = 1000;

function messageIn(line: string): JSONRPCMessage | undefined {
  let value: unknown;
  try {
    value = readMessage(line);
  } catch {
    return undefined; // not meant for us
  }
  if (!isObject(value) || !('jsonrpc' in value)) return undefined;
  return isPlainAnswer(value) ? value : parseJSONRPCMessage(value);
}
