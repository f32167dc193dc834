import type { Request, Response } from 'express';

const HEARTBEAT_MS = 15_000;

/** One "look now", kept until it is taken. */
export class Wake {
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

/**
 * A stream of server-sent events that is made by looking again and again: `look` is called at the start, whenever
 * something woke it, and every `everyMs` at the latest. A reader that is slower than the source waits in `send`, and
 * nothing piles up: the next look begins where the last one ended. It ends with the connection or the process.
 */
export async function streamLooks(options: {
  request: Request;
  response: Response;
  stopped: AbortSignal;
  everyMs: number;
  wakeOn: readonly ((wake: () => void) => () => void)[];
  look: (send: (event: string, data: unknown) => Promise<void>) => Promise<void>;
}): Promise<void> {
  const { request, response, everyMs, look } = options;
  const wake = new Wake();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const closed = AbortSignal.any([gone.signal, options.stopped]);
  closed.addEventListener('abort', () => wake.now(), { once: true });
  response.set({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  request.socket.setNoDelay(true);
  const stop = options.wakeOn.map((on) => on(() => wake.now()));
  const heartbeat = setInterval(() => response.write(': alive\n\n'), HEARTBEAT_MS);
  try {
    while (!closed.aborted) {
      await look((event, data) => send(response, event, data, closed));
      if (!closed.aborted) await wake.within(everyMs);
    }
  } finally {
    clearInterval(heartbeat);
    for (const each of stop) each();
    response.end();
  }
}

async function send(
  response: Response,
  event: string,
  data: unknown,
  closed: AbortSignal,
): Promise<void> {
  if (closed.aborted || response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
    return;
  await new Promise<void>((done) => {
    response.once('drain', done);
    closed.addEventListener('abort', () => done(), { once: true });
  });
}
