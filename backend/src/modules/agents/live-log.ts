import type { LogLine } from '@aos/contracts';
import type { Request, Response } from 'express';
import type { Wakeups } from '../../platform/outbox/wakeups.js';
import type { AgentLog } from './agent-log.js';

const HEARTBEAT_MS = 15_000;
const LOOK_EVERY_MS = 1000;

/**
 * The log as it is written, as server-sent events: the last lines first, then what is new. It looks again
 * when something was committed here, and once a second for what other processes wrote. A reader that is
 * slower than the log waits in `write`, and nothing piles up: the next look begins where the last one ended.
 */
export async function streamLog(
  log: AgentLog,
  wakeups: Wakeups,
  agentId: string,
  request: Request,
  response: Response,
): Promise<void> {
  const wake = new Wake();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const closed = AbortSignal.any([gone.signal, log.stopped]);
  closed.addEventListener('abort', () => wake.now(), { once: true });
  response.set({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  request.socket.setNoDelay(true);
  const stop = [log.onFresh(agentId, () => wake.now()), wakeups.on('seq', () => wake.now())];
  const heartbeat = setInterval(() => response.write(': alive\n\n'), HEARTBEAT_MS);
  try {
    let { lines, position } = await log.latest(agentId);
    while (!closed.aborted) {
      for (const line of lines) await send(response, line, closed);
      await wake.within(LOOK_EVERY_MS);
      if (closed.aborted) return;
      ({ lines, position } = await log.since(agentId, position));
    }
  } finally {
    clearInterval(heartbeat);
    for (const each of stop) each();
    response.end();
  }
}

async function send(response: Response, line: LogLine, closed: AbortSignal): Promise<void> {
  if (
    closed.aborted ||
    response.write(`id: ${line.id}\nevent: log\ndata: ${JSON.stringify(line)}\n\n`)
  )
    return;
  await new Promise<void>((done) => {
    response.once('drain', done);
    closed.addEventListener('abort', () => done(), { once: true });
  });
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
