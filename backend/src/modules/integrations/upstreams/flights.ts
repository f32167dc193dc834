import { AsyncLocalStorage } from 'node:async_hooks';
import { say } from '@aos/contracts';
import {
  type InputRequest,
  type InputResponse,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/client';
import { isDeeperThan } from '../../../platform/http/json-depth.js';
import { MAX_DEPTH } from '../chain/result-check.js';
import { type ClientSide, isAskable } from './client-side.js';
import { UpstreamFault } from './upstream.js';

/** How long a person may take to answer; the clock of the call stands still meanwhile. */
export const ANSWER_LIMIT_MS = 600_000;
/** Of one call at a time; all of them wait here for their answers. */
const MOST_QUESTIONS = 32;

/**
 * The requests that are under way over one shared connection, and whose a message of the server is.
 *
 * A server of an older revision asks in the middle of a call (for a person's input, a model's answer), and
 * logs, in messages that name no call. Given to the wrong client such a question would show one person what
 * another one does. So:
 *
 * - over Streamable HTTP the question comes on the stream of its call, and is read in the asynchronous
 *   context in which the call was sent: whose it is, is certain;
 * - over a pipe it is the call's if no other is under way. If others are, it is refused, and from then on
 *   calls over this connection are made one at a time, since the server is one that asks.
 */
export class Flights {
  private readonly context = new AsyncLocalStorage<Flight>();
  private readonly open = new Set<Flight>();
  private isOneAtATime = false;
  private turn: Promise<unknown> = Promise.resolve();

  /** `work` is given what is left of the time, as a signal, and how to stop the clock. */
  async run<T>(
    side: ClientSide | undefined,
    timeoutMs: number,
    signal: AbortSignal,
    work: (flight: Flight) => Promise<T>,
  ): Promise<T> {
    const before = this.turn;
    let done: () => void = () => undefined;
    this.turn = new Promise<void>((resolve) => (done = resolve));
    const flight = new Flight(side, timeoutMs, signal);
    try {
      if (this.isOneAtATime) await Promise.race([before, flight.over]);
      this.open.add(flight);
      return await this.context.run(flight, () => work(flight));
    } finally {
      this.open.delete(flight);
      flight.land();
      void before.finally(done);
    }
  }

  /** Runs what belongs to the connection and to no call: messages that it leads to are nobody's. */
  outside<T>(work: () => T): T {
    return this.context.exit(work);
  }

  /** Whose the message is that is being read now. */
  owner(): Flight | undefined {
    return this.context.getStore() ?? (this.open.size === 1 ? [...this.open][0] : undefined);
  }

  /** Passes a question of the server on to the client of its call. */
  async ask(question: InputRequest): Promise<InputResponse> {
    const flight = this.owner();
    if (!flight) {
      if (this.open.size > 1) this.isOneAtATime = true;
      // Who asks for roots between calls (servers do, when a connection begins) is told that there are none.
      if (question.method === 'roots/list') return { roots: [] };
      throw refusal(`${question.method} cannot be told to belong to one call; call again`);
    }
    return flight.ask(question);
  }
}

/**
 * One request under way, with a clock that stops while a person is asked.
 *
 * Its signal is one of its own that follows the caller's, and not `AbortSignal.any`, which costs 10 µs in place of 2 and
 * leaves weak references and a registration behind that the collector has to clear.
 */
export class Flight {
  private readonly end = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private startedAt = 0;
  private openQuestions = 0;
  private pauses = 0;
  readonly signal = this.end.signal;
  /** Rejects when the time is up or the caller has gone; for those who wait for their turn. */
  readonly over: Promise<never>;
  private giveUp!: (reason: unknown) => void;

  constructor(
    readonly side: ClientSide | undefined,
    private leftMs: number,
    private readonly caller: AbortSignal,
  ) {
    this.over = new Promise((_, reject) => (this.giveUp = reject));
    this.over.catch(() => undefined); // nobody may be waiting
    this.start();
    if (caller.aborted) this.leave();
    else caller.addEventListener('abort', this.leave);
  }

  private readonly leave = () => this.stopWith(this.caller.reason);

  async ask(question: InputRequest): Promise<InputResponse> {
    const { side } = this;
    if (!side) throw refusal(`nobody is there to answer ${question.method}`);
    if (isDeeperThan(question, MAX_DEPTH))
      throw refusal(`${question.method} is nested deeper than ${MAX_DEPTH} levels`);
    if (!isAskable(side.capabilities, question))
      throw refusal(`the client does not take ${question.method}`);
    if (this.openQuestions >= MOST_QUESTIONS) throw refusal('too many questions are open');
    this.openQuestions++;
    try {
      return await this.paused(() => {
        const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
        return side.ask(question, AbortSignal.any([this.signal, limit]));
      });
    } finally {
      this.openQuestions--;
    }
  }

  /** The clock stands still meanwhile. */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    if (this.pauses++ === 0) this.stop();
    try {
      return await work();
    } finally {
      if (--this.pauses === 0) this.start();
    }
  }

  /** The caller's signal may outlive the request. */
  land(): void {
    clearTimeout(this.timer);
    this.caller.removeEventListener('abort', this.leave);
  }

  private start(): void {
    this.startedAt = performance.now();
    this.timer = setTimeout(
      () => this.stopWith(new UpstreamFault('timeout', say('server-slow'), true)),
      Math.max(1, this.leftMs),
    ).unref();
  }

  private stopWith(reason: unknown): void {
    this.end.abort(reason);
    this.giveUp(reason);
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.leftMs -= performance.now() - this.startedAt;
  }
}

const refusal = (message: string) => new ProtocolError(ProtocolErrorCode.MethodNotFound, message);
