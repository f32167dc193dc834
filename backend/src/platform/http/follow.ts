import { once } from 'node:events';
import type { Request, Response } from 'express';

const HEARTBEAT_MS = 15_000;
const LOOK_EVERY_MS = 1000;

/** One server-sent event; `id` is what a browser comes back with as `Last-Event-ID`. */
export interface SentEvent {
  id?: string;
  event: string;
  data: unknown;
}

export interface Followed {
  /** What is new since it was asked last, in order; the first time, what there is to begin with. */
  look(): Promise<SentEvent[]>;
  /** Also behind a look that found something the next one waits until something is heard, or the pause is over. */
  isPaced?: boolean;
  /** Without a word of it, looked again after so long. */
  everyMs?: number;
  /** Calls `wake` when it may be worth a look, until the function that it returns is called. */
  hear: ((wake: () => void) => () => void)[];
  /** Aborted when the process stops. */
  stopped: AbortSignal;
  /** The stream ends then, and the browser comes back: so that who it is for is asked anew. */
  longestMs?: number;
}

/**
 * Sends what is new as server-sent events for as long as somebody reads. It looks again when something was committed
 * here, and now and then for what other processes wrote. A reader that is slower than the writing waits in
 * `send`, and nothing piles up: the next look begins where the last one ended. It ends with the connection or the process.
 */
export async function follow(
  { look, isPaced, everyMs = LOOK_EVERY_MS, hear, stopped, longestMs }: Followed,
  request: Request,
  response: Response,
): Promise<void> {
  const wake = new Wake();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const ends = longestMs === undefined ? [] : [AbortSignal.timeout(longestMs)];
  const closed = AbortSignal.any([gone.signal, stopped, ...ends]);
  closed.addEventListener('abort', () => wake.now(), { once: true });
  response.set({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  request.socket.setNoDelay(true);
  const stop = hear.map((ear) => ear(() => wake.now()));
  const heartbeat = setInterval(() => response.write(': alive\n\n'), HEARTBEAT_MS);
  try {
    while (!closed.aborted) {
      const events = await look();
      for (const event of events) await send(response, event, closed);
      if (isPaced || events.length === 0) await wake.within(everyMs);
    }
  } finally {
    clearInterval(heartbeat);
    for (const each of stop) each();
    response.end();
  }
}

async function send(
  response: Response,
  { id, event, data }: SentEvent,
  closed: AbortSignal,
): Promise<void> {
  const head = id === undefined ? '' : `id: ${id}\n`;
  if (closed.aborted || response.write(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
    return;
  await once(response, 'drain', { signal: closed }).catch(() => undefined); // the stream is over
}

/** One "look now", kept until it is taken. */
class Wake {
  private isSet = false;
  private waiting: (() => void) | undefined;

  now(): void {
    this.isSet = true;
    this.waiting?.();
  }

  async within(ms: number): Promise<void> {
    if (!this.isSet)
      await new Promise<void>((done) => {
        const timer = setTimeout(done, ms);
        this.waiting = () => {
          clearTimeout(timer);
          done();
        };
      });
    this.waiting = undefined;
    this.isSet = false;
  }
}
