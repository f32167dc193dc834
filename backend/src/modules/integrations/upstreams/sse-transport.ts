import { SSEClientTransport, SseError } from '@modelcontextprotocol/client';

/**
 * The older transport over two connections: a stream on which the server speaks, and requests by which it is spoken to.
 *
 * A stream that ends is the end of the connection, as of any other: what was asked will not be answered on the next
 * stream, and the session of that one has not been greeted. (The EventSource below would open one by itself, and leave
 * whoever waits to wait.)
 */
export class SseTransport extends SSEClientTransport {
  override start(): Promise<void> {
    const { onmessage, onerror } = this;
    this.onmessage = (message) => {
      // The SDK hears what is told one turn later than it takes an answer, and of a call that is over nothing more.
      if ('method' in message) onmessage?.(message);
      else queueMicrotask(() => onmessage?.(message));
    };
    this.onerror = (error) => {
      onerror?.(error);
      if (error instanceof SseError) void this.close();
    };
    return super.start();
  }
}
