import { randomUUID } from 'node:crypto';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import {
  type InputRequest,
  type InputRequests,
  type InputResponse,
  type InputResponses,
  ProtocolError,
} from '@modelcontextprotocol/server';
import { type ClientSide } from '../upstreams/client-side.js';
import { ANSWER_LIMIT_MS } from '../upstreams/flights.js';

/** What comes next of a call: its end, or questions that have to be answered first. */
export type Next<T> =
  { kind: 'ended'; value: T } | { kind: 'asks'; callId: string; inputRequests: InputRequests };

/** Where a call's progress and log go while a request of the client waits for it. */
export type Listener = Pick<ClientSide, 'onLog' | 'onProgress'> & { signal: AbortSignal };

interface Asked {
  question: InputRequest;
  answer: (response: InputResponse) => void;
}

/** Half the places that a server has by default: one who asks for much does not take it from all others. */
const MOST_PER_PRINCIPAL = 50;
const MOST = 2000;

/**
 * The bridge from a server of an older revision, which asks in the middle of a call and waits, to a client of
 * the current one, which is asked by the answer `input_required` and comes back with another request.
 *
 *     request 1 --> call begins --> the server asks --> answer 1: input_required (the call is parked)
 *     request 2 --> the answers are given --> the server goes on --> answer 2: the result, or more questions
 *
 * The call itself runs on all the while, in this process and over the one connection: what waits at the
 * server cannot be moved. So request 2 has to reach this process; at another one the call is not known, and
 * the client is told so. A parked call whose answers do not come in time is cancelled at the server.
 */
@Injectable()
export class ParkedCalls implements BeforeApplicationShutdown {
  private readonly parked = new Map<string, ParkedCall<unknown>>();
  private readonly counts = new Map<string, number>();

  beforeApplicationShutdown(): void {
    for (const call of this.parked.values()) call.cancel(new Error('the server is shutting down'));
  }

  get size(): number {
    return this.parked.size;
  }

  /** Begins a call; `run` is given how its server asks, and the signal that ends it. */
  async begin<T>(
    owner: string,
    listener: Listener,
    run: (call: ParkedCall<T>) => Promise<T>,
  ): Promise<Next<T>> {
    const call = new ParkedCall<T>(owner, (id) => this.forget(id));
    call.start(run);
    return this.follow(call, listener);
  }

  /** The call that waits, if it is this one's. The same answer for a foreign call and none at all. */
  find<T>(owner: string, callId: string): ParkedCall<T> | undefined {
    const call = this.parked.get(callId);
    return call?.owner === owner ? (call as ParkedCall<T>) : undefined;
  }

  async resume<T>(
    call: ParkedCall<T>,
    answers: InputResponses | undefined,
    listener: Listener,
  ): Promise<Next<T>> {
    this.forget(call.id);
    call.answer(answers ?? {});
    return this.follow(call, listener);
  }

  private async follow<T>(call: ParkedCall<T>, listener: Listener): Promise<Next<T>> {
    const next = await call.next(listener);
    if (next.kind === 'asks') this.park(call);
    return next;
  }

  private park(call: ParkedCall<unknown>): void {
    const count = this.counts.get(call.owner) ?? 0;
    if (count >= MOST_PER_PRINCIPAL || this.parked.size >= MOST) throw call.cancel(tooMany());
    this.counts.set(call.owner, count + 1);
    this.parked.set(call.id, call as ParkedCall<unknown>);
    call.waitAtMost(ANSWER_LIMIT_MS);
  }

  private forget(id: string): void {
    const call = this.parked.get(id);
    if (!call) return;
    this.parked.delete(id);
    const left = (this.counts.get(call.owner) ?? 1) - 1;
    if (left > 0) this.counts.set(call.owner, left);
    else this.counts.delete(call.owner);
  }
}

const tooMany = () =>
  new ProtocolError(
    -32000,
    'Too many of your calls wait for answers. Answer them, or cancel some.',
  );

export class ParkedCall<T> {
  readonly id = randomUUID();
  private readonly cancelling = new AbortController();
  private readonly open = new Map<string, Asked>();
  private outcome!: Promise<T>;
  private wake: () => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private listener: Listener | undefined;
  private asked = 0;
  /** Of whoever began it: what the server leaves there is looked at in every round. */
  client: ClientSide | undefined;

  constructor(
    readonly owner: string,
    private readonly whenOver: (id: string) => void,
  ) {}

  get signal(): AbortSignal {
    return this.cancelling.signal;
  }

  /**
   * What the call reports goes to whoever waits now; while it is parked, to nobody. A server reports what it was asked to
   * report when the call went out: a wish for progress that comes only with the answers to its questions comes too late.
   * To ask every older server for it on the chance of such a wish would have them all report to nobody, and take each
   * call off its short way (PlainCalls).
   */
  readonly onProgress: NonNullable<ClientSide['onProgress']> = (progress) =>
    this.listener?.onProgress?.(progress);
  readonly onLog: NonNullable<ClientSide['onLog']> = (params) => this.listener?.onLog?.(params);

  start(run: (call: ParkedCall<T>) => Promise<T>): void {
    this.outcome = run(this).finally(() => {
      clearTimeout(this.timer);
      this.whenOver(this.id);
    });
    this.outcome.catch(() => undefined); // told to who waits; when nobody does, it is in the ledger
  }

  ask(question: InputRequest, signal: AbortSignal): Promise<InputResponse> {
    return new Promise((answer, reject) => {
      const key = `input_${++this.asked}`;
      const stop = () => {
        this.open.delete(key);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.open.set(key, {
        question,
        answer: (response) => {
          signal.removeEventListener('abort', stop);
          this.open.delete(key);
          answer(response);
        },
      });
      this.wake();
    });
  }

  /** Answers to other questions than those that are open are ignored; what is not answered is asked again. */
  answer(answers: InputResponses): void {
    clearTimeout(this.timer);
    for (const [key, asked] of [...this.open]) {
      const response = Object.hasOwn(answers, key) ? answers[key] : undefined;
      if (response !== undefined) asked.answer(response);
    }
  }

  async next(listener: Listener): Promise<Next<T>> {
    this.listener = listener;
    const gone = () => this.cancel(listener.signal.reason as Error);
    if (listener.signal.aborted) gone();
    listener.signal.addEventListener('abort', gone, { once: true });
    try {
      const asks = this.open.size > 0 ? undefined : new Promise<void>((wake) => (this.wake = wake));
      const ended = this.outcome.then((value): Next<T> => ({ kind: 'ended', value }));
      const first = await Promise.race([ended, asks]);
      return first ?? { kind: 'asks', callId: this.id, inputRequests: this.questions() };
    } finally {
      listener.signal.removeEventListener('abort', gone);
      this.listener = undefined;
    }
  }

  waitAtMost(ms: number): void {
    this.timer = setTimeout(() => this.cancel(new Error('nobody answered in time')), ms).unref();
  }

  cancel(reason: Error): Error {
    this.cancelling.abort(reason);
    return reason;
  }

  private questions(): InputRequests {
    return Object.fromEntries([...this.open].map(([key, { question }]) => [key, question]));
  }
}
