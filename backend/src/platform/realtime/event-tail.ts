import { Inject, Injectable, Logger, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { isValueEvent, valueEventTypes } from '@aos/contracts';
import { Database } from '../database/database.js';
import { type EventRow, eventColumns, toAosEvent } from '../outbox/event-row.js';
import { Relay } from '../outbox/relay.js';
import { Wakeups } from '../outbox/wakeups.js';
import { FramedEvent } from './framed-event.js';
import { RecentEvents } from './recent-events.js';

/**
 * Follows the events by `seq` and hands each one to the subscribers of this process, in order and once.
 *
 *     relay of this process, or of another over the bus ──rows──┐
 *     wake-up, or one poll ──> SELECT … WHERE seq > last ────────┴──> accept() ──> listeners, recent events
 *
 * Both ways end in `accept`, which is synchronous, drops what it has had, and takes handed-over rows only
 * when they join on to the last one; so the two cannot get in each other's way, and a hand-over that never
 * came costs one poll. A read sees all lower numbers whenever it sees a number (see Relay), so a hole in a
 * read means rows that somebody removed, and is passed over, loudly.
 *
 * It starts at the newest event: what was before is history, which clients ask for by `since`. So nothing that must
 * happen once hangs on it: what an event means for other rows is written in the transaction that appends it.
 *
 * When the database was replaced by an older copy, the counter of the relay goes back or its epoch changes:
 * the tail then starts anew and tells its listeners, whose clients have to reload.
 */
export interface TailOptions {
  pollMs: number;
  pageSize: number;
  /** How far back the recent events are filled at start, so that a restart does not send all to the database. */
  warmUp: number;
}
const TAIL_OPTIONS = Symbol('TAIL_OPTIONS');
const defaults: TailOptions = { pollMs: 500, pageSize: 1000, warmUp: 2000 };

interface RelayState {
  lastSeq: number;
  reservedSeq: number;
  epoch: string;
  isAlive: boolean;
}

export type TailBatch = readonly FramedEvent[];

@Injectable()
export class EventTail implements OnApplicationShutdown {
  private readonly logger = new Logger(EventTail.name);
  private readonly options: TailOptions;
  private readonly batchListeners = new Set<(batch: TailBatch, previousSeq: number) => void>();
  private readonly restartListeners = new Set<() => void>();
  private readonly stops: (() => void)[] = [];
  private pollTimer: NodeJS.Timeout | undefined;
  private reading: Promise<void> | undefined;
  private isWokenAgain = false;
  private isRunning = false;
  private epoch = '';
  private seq = 0;
  private recentEvents = new RecentEvents(0);

  constructor(
    private readonly database: Database,
    private readonly wakeups: Wakeups,
    private readonly relay: Relay,
    @Optional() @Inject(TAIL_OPTIONS) options?: Partial<TailOptions>,
  ) {
    this.options = {
      ...defaults,
      // All events of the embedded database are handed over by the relay of this process.
      ...(database.kind === 'embedded' ? { pollMs: 2_000 } : {}),
      ...options,
    };
  }

  /** The newest seq that was handed out here. */
  get lastSeq(): number {
    return this.seq;
  }

  /** Value events only. */
  get recent(): RecentEvents {
    return this.recentEvents;
  }

  /**
   * Every event from now on, in order, batch by batch and with the frames; `previousSeq` is the newest one before the
   * batch. Called synchronously; a failure is logged and keeps nobody else from the events.
   */
  onBatch(listener: (batch: TailBatch, previousSeq: number) => void): () => void {
    this.batchListeners.add(listener);
    return () => this.batchListeners.delete(listener);
  }

  /** The numbers began anew: everything derived from them is void. */
  onRestart(listener: () => void): () => void {
    this.restartListeners.add(listener);
    return () => this.restartListeners.delete(listener);
  }

  async start(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    await this.begin();
    this.stops.push(
      this.relay.onStamped((rows) => {
        if (!this.accept(rows, 'handed over')) this.look();
      }),
      this.wakeups.onNumbered(({ epoch, rows }) => {
        // Of another numbering: what has that number here is something else.
        if (epoch !== this.epoch || !this.accept(rows, 'handed over')) this.look();
      }),
      this.wakeups.on('seq', () => this.look()),
    );
    this.pollTimer = setInterval(() => this.look(), this.options.pollMs);
    this.look();
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    clearInterval(this.pollTimer);
    for (const stop of this.stops.splice(0)) stop();
    await this.reading;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** Whether this number was given out. Not every one of them is in the database: see Relay on crashes. */
  async wasGivenOut(seq: number): Promise<boolean> {
    // The client may have heard of it from another process, which is a moment ahead of this one.
    if (seq > this.seq) await this.catchUp();
    if (seq <= this.seq) return true;
    const state = await this.relayState();
    return !state.isAlive && seq <= state.reservedSeq;
  }

  /** Resolves once everything is handed out that was numbered before the call. */
  async catchUp(): Promise<void> {
    await this.reading; // it may have begun before the call
    this.look();
    await this.reading;
  }

  private look(): void {
    this.isWokenAgain = true;
    if (!this.isRunning || this.reading) return;
    this.reading = this.readOn().finally(() => {
      this.reading = undefined;
      if (this.isWokenAgain) this.look();
    });
  }

  private async readOn(): Promise<void> {
    try {
      while (this.isRunning && this.isWokenAgain) {
        this.isWokenAgain = false;
        const rows = await this.readAfter(this.seq);
        if (rows.length === 0) await this.noticeRestart();
        else this.accept(rows, 'read');
        if (rows.length === this.options.pageSize) this.isWokenAgain = true;
      }
    } catch (error) {
      this.isWokenAgain = false;
      this.logger.warn(
        `could not read events, trying again at the next poll: ${(error as Error).message}`,
      );
    }
  }

  private async readAfter(seq: number): Promise<EventRow[]> {
    return this.database.query<EventRow>(
      `SELECT ${eventColumns} FROM events e LEFT JOIN event_payloads p ON p.id = e.payload_ref
        WHERE e.seq > $1 ORDER BY e.seq LIMIT $2`,
      [seq, this.options.pageSize],
    );
  }

  /** @returns false when handed-over rows do not join on: some are missing in between. */
  private accept(rows: readonly EventRow[], how: 'handed over' | 'read'): boolean {
    const previousSeq = this.seq;
    const fresh = rows.filter((row) => Number(row.seq) > previousSeq);
    const first = fresh[0];
    if (!first) return true;
    if (Number(first.seq) !== previousSeq + 1) {
      if (how === 'handed over') return false;
      this.logger.warn(
        `there are no events ${previousSeq + 1} to ${Number(first.seq) - 1}: removed, or skipped when Postgres crashed`,
      );
    }
    const batch = fresh.map((row) => new FramedEvent(toAosEvent(row)));
    for (const framed of batch) if (isValueEvent(framed.event.type)) this.recentEvents.push(framed);
    this.seq = batch.at(-1)!.event.seq;
    for (const listener of this.batchListeners) this.guarded(() => listener(batch, previousSeq));
    return true;
  }

  private async begin(): Promise<void> {
    const state = await this.relayState();
    const floor = Math.max(0, state.lastSeq - this.options.warmUp);
    const rows = await this.database.query<EventRow>(
      `SELECT ${eventColumns} FROM events e LEFT JOIN event_payloads p ON p.id = e.payload_ref
        WHERE e.seq > $1 AND e.seq <= $2 AND e.type = ANY($3) ORDER BY e.seq`,
      [floor, state.lastSeq, valueEventTypes],
    );
    this.epoch = this.wakeups.epoch = state.epoch;
    this.seq = state.lastSeq;
    this.recentEvents = new RecentEvents(floor);
    for (const row of rows) this.recentEvents.push(new FramedEvent(toAosEvent(row)));
  }

  private async noticeRestart(): Promise<void> {
    const seq = this.seq;
    const state = await this.relayState();
    // After a crash of Postgres the counter may be behind what was seen; the next number will not be.
    const isBack = state.isAlive ? state.lastSeq < seq : state.reservedSeq < seq;
    if (state.epoch === this.epoch && !isBack) return;
    this.logger.warn(`the numbering began anew (${seq}, now ${state.lastSeq}): clients reload`);
    await this.begin();
    for (const listener of this.restartListeners) this.guarded(listener);
  }

  private async relayState(): Promise<RelayState> {
    const [row] = await this.database.query<{
      last_seq: string;
      reserved_seq: string;
      epoch: string;
      alive: boolean;
    }>(
      `SELECT last_seq, reserved_seq, epoch, EXISTS (SELECT 1 FROM relay_alive) AS alive
         FROM relay_state WHERE id = 1`,
    );
    if (!row) throw new Error('relay_state has no row');
    return {
      lastSeq: Number(row.last_seq),
      reservedSeq: Number(row.reserved_seq),
      epoch: row.epoch,
      isAlive: row.alive,
    };
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.logger.error(`a subscriber failed: ${(error as Error).stack}`);
    }
  }
}
