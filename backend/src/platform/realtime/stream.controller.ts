import { Controller, Get, Headers, Query, Req, Res } from '@nestjs/common';
import { ValueEventType, say, wholeNumber } from '@aos/contracts';
import type { Response } from 'express';
import type { Socket } from 'node:net';
import { z } from 'zod';
import { Allow, type AosRequest } from '../http/access.js';
import { ApiOperation, ApiProduces, ApiTags } from '../http/api-notes.js';
import { AosError, Forbidden, faultAt } from '../http/problem.js';
import type { Ending, Wire } from './connection.js';
import { onceDrained } from './drain.js';
import { EventHub } from './event-hub.js';
import type { FramedEvent } from './framed-event.js';

const seq = wholeNumber(0, Number.MAX_SAFE_INTEGER);

/** `types` is a list with commas, or is given several times. */
const EventsQuery = z.strictObject({
  traceId: z.string().min(1).max(64).optional(),
  types: z
    .union([z.string(), z.array(z.string())])
    .transform((value) => [value].flat().flatMap((part) => part.split(',')))
    .pipe(z.array(ValueEventType).max(20))
    .optional(),
  since: seq.optional(),
});
type EventsQuery = z.infer<typeof EventsQuery>;

/**
 * Server-sent events: the value stream for whoever cannot, or need not, speak WebSocket. `id:` is the seq, so
 * a browser resumes by itself; its `Last-Event-ID` is newer than the `since` of the URL and goes first.
 */
@ApiTags('events')
@Controller()
export class StreamController {
  constructor(private readonly hub: EventHub) {}

  @Get('agent/events')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({
    operationId: 'streamEvents',
    summary: 'Value events as they happen (SSE); the same path takes a WebSocket',
  })
  @ApiProduces('text/event-stream')
  async stream(
    @Query({ schema: EventsQuery }) query: EventsQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: AosRequest,
    @Res() response: Response,
  ): Promise<void> {
    const since = sinceOf(lastEventId) ?? query.since;
    const principal = request.ctx.actor;
    const refusal = this.hub.refusal(principal);
    if (refusal === 'forbidden') throw new Forbidden('This needs the permission task.read.');
    if (refusal === 'too many')
      throw new AosError('too_many_requests', say('streams-many'), {
        retryAfterSeconds: 30,
      });
    if (refusal)
      throw new AosError('unavailable', say('server-stopping'), { retryAfterSeconds: 5 });

    response.status(200).set({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    response.socket?.setNoDelay(true);
    response.flushHeaders();
    response.write('retry: 2000\n\n');
    const connection = this.hub.open(new SseWire(response), request, principal);
    response.once('close', () => this.hub.closed(connection));
    await this.hub.subscribe(connection, { types: query.types, traceId: query.traceId }, since);
  }
}

function sinceOf(lastEventId: string | undefined): number | undefined {
  if (lastEventId === undefined || lastEventId === '') return undefined;
  const parsed = seq.safeParse(lastEventId);
  if (parsed.success) return parsed.data;
  throw new AosError('validation_failed', say('last-event-id'), {
    errors: [faultAt('Last-Event-ID', say('no-whole-number'))],
  });
}

class SseWire implements Wire {
  readonly kind = 'sse';
  readonly closed: Promise<void>;
  private readonly socket: Socket | null;

  constructor(private readonly response: Response) {
    this.socket = response.socket;
    this.closed = new Promise((resolve) => response.once('close', () => resolve()));
  }

  frameOf(event: FramedEvent): Buffer {
    return event.sseFrame;
  }

  write(bytes: Buffer | string): void {
    if (!this.response.writableEnded && !this.response.destroyed) this.response.write(bytes);
  }

  get pendingBytes(): number {
    return this.response.writableLength;
  }

  onceDrained(listener: () => void): void {
    if (this.socket) onceDrained(this.socket, listener);
  }

  /** An id without data is remembered by the client and dispatches nothing (HTML, section 9.2.6). */
  ready(seq: number): void {
    this.write(`: ready\nid: ${seq}\n\n`);
  }

  /** Named, so that it does not reach `onmessage`, where events go. */
  resync(reason: string): void {
    this.write(`event: resync\ndata: ${JSON.stringify({ op: 'resync', reason })}\n\n`);
  }

  heartbeat(): void {
    this.write(': ping\n\n');
  }

  end(ending: Ending): void {
    if (this.response.writableEnded) return;
    this.response.end(`event: end\ndata: ${JSON.stringify({ reason: ending })}\n\n`);
    // Who does not read up to the end within half a minute is cut off, as over WebSocket.
    const cut = setTimeout(() => this.socket?.destroy(), 30_000).unref();
    this.response.once('close', () => clearTimeout(cut));
  }
}
