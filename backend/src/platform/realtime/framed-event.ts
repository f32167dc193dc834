import type { AosEvent } from '@aos/contracts';

/**
 * An event with its bytes on the wire, made once and shared by all connections: serialising per client
 * costs more than sending (measured with 1,000 sockets: 157 k frames a second against 246 k).
 */
export class FramedEvent {
  private json: string | undefined;
  private ws: Buffer | undefined;
  private sse: Buffer | undefined;

  constructor(readonly event: AosEvent) {}

  private get text(): string {
    return (this.json ??= JSON.stringify(this.event));
  }

  /** Roughly what keeping it costs. */
  get size(): number {
    return this.text.length;
  }

  get webSocketFrame(): Buffer {
    return (this.ws ??= textFrame(`{"op":"event","event":${this.text}}`));
  }

  /** No `event:` field, so that `EventSource.onmessage` gets it; JSON has no raw line breaks. */
  get sseFrame(): Buffer {
    return (this.sse ??= Buffer.from(`id: ${this.event.seq}\ndata: ${this.text}\n\n`));
  }
}

/** A whole, unmasked, uncompressed text frame (RFC 6455, section 5.2), as servers send them. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = 0x81;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, head);
  return frame;
}
