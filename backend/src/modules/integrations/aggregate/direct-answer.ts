import type { ServerResponse } from 'node:http';
import {
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  type JSONRPCResultResponse,
} from '@modelcontextprotocol/server';

/** A client, or what lies between, may take silence for the end of the connection. */
const SILENT_MS = 5_000;
const KEEP_ALIVE_MS = 15_000;

/**
 * The answer to one request, straight onto the wire. What it becomes shows by itself: when the first thing to be said
 * is the result, it is plain JSON; when something else comes before it (a question, progress, a log message), or
 * nothing for a while, it is a stream of events that ends with the result.
 */
export class DirectAnswer {
  private timer: NodeJS.Timeout;
  private isStream = false;

  /** `onStream`: from now on it stays open. */
  constructor(
    private readonly response: ServerResponse,
    private readonly headers: Record<string, string>,
    private readonly onStream: () => void,
  ) {
    this.timer = setTimeout(() => this.stayAwake(), SILENT_MS).unref();
    response.once('close', () => clearTimeout(this.timer));
  }

  /** What comes before the result. A client that has gone cannot be told. */
  tell(message: JSONRPCMessage): void {
    this.open();
    this.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  }

  end(message: JSONRPCResultResponse | JSONRPCErrorResponse): void {
    clearTimeout(this.timer);
    if (this.isStream) {
      this.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
      this.response.end();
      return;
    }
    if (this.response.destroyed) return;
    const body = JSON.stringify(message);
    this.response
      .writeHead(200, {
        ...this.headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
      })
      .end(body);
  }

  /** Somebody else will answer. */
  giveUp(): false {
    clearTimeout(this.timer);
    return false;
  }

  /** Of a call that was cancelled: nothing more comes, and that is as it should be. */
  finish(): void {
    clearTimeout(this.timer);
    this.open();
    this.response.end();
  }

  /** For an answer that will not come: cutting it is the only way left to say so. */
  cut(): void {
    clearTimeout(this.timer);
    this.response.destroy();
  }

  private stayAwake(): void {
    this.open();
    this.write(': keepalive\n\n');
    this.timer = setTimeout(() => this.stayAwake(), KEEP_ALIVE_MS).unref();
  }

  private open(): void {
    if (this.isStream || this.response.destroyed) return;
    this.isStream = true;
    this.response.writeHead(200, {
      ...this.headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    this.onStream();
  }

  private write(frame: string): void {
    if (!this.response.destroyed) this.response.write(frame);
  }
}
