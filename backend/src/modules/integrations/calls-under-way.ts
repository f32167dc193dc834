import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { type Said, say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';

/** Nobody waits for the answer any more. */
export class GivenUp extends AosError {
  constructor(why: Said) {
    super('unavailable', say('call-given-up', { why }));
  }
}

/**
 * The calls that somebody waits for at the other end of a request. One goes on for as long as its answer can be given:
 * a client that goes takes its call along, and so does a process that stops. The server of the tool is told that
 * nobody waits, and the ledger ends the call as cancelled; whether it has had its effect by then, nobody knows.
 */
@Injectable()
export class CallsUnderWay implements BeforeApplicationShutdown {
  private readonly open = new Set<AbortController>();
  private isStopping = false;

  beforeApplicationShutdown(): void {
    this.isStopping = true;
    for (const call of this.open) call.abort(stopping());
  }

  /**
   * Does the work of which `response` gives the result.
   * @param outlivesClient a later request can be answered with it as well: only the end of the process cuts it short
   * @throws GivenUp when it was cut short, whatever became of the work
   */
  async run<T>(
    response: ServerResponse,
    outlivesClient: boolean,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const call = new AbortController();
    const { signal } = call;
    const leave = () => call.abort(new GivenUp(say('client-gone')));
    if (this.isStopping) call.abort(stopping());
    if (!outlivesClient && response.destroyed) leave();
    if (!outlivesClient) response.once('close', leave);
    this.open.add(call);
    try {
      return await work(signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      response.off('close', leave);
      this.open.delete(call);
    }
  }
}

const stopping = () => new GivenUp(say('server-stopping'));
