import { Inject, Injectable, type OnApplicationShutdown, Optional } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import { BUS, type Bus, type BusState, type Channel, type Numbered, channels } from '../bus/bus.js';
import { PostgresBus } from '../bus/postgres-bus.js';
import { Database } from '../database/database.js';
import type { Tx } from '../database/sql.js';
import type { AppendedRow, EventRow } from './event-row.js';

const GATHER_MS = 5;

/** What the relay of this process can do for writers. */
export interface Numbering {
  /**
   * Does the commit of a transaction that leaves events, and numbers them with it when it can.
   * @returns true when the relay need not be woken.
   */
  commit(runner: QueryRunner, commit: () => Promise<void>): Promise<boolean>;
  /** The right to number in a statement of one's own; none while the relay is at work. */
  takeTurn(): Turn | undefined;
}

/** Nothing else is numbered in this process until it ends. */
export interface Turn {
  reserve: number;
  /** With what was committed, in order; rows that have no number are left to the relay. */
  end(rows: readonly AppendedRow[]): void;
}

/**
 * Wake-ups: "look now", and nothing else. They make things sooner, never correct: everyone who listens
 * also polls, so a lost wake-up costs one poll period and no data.
 *
 *   inside the process   listeners are called at once, after the transaction has committed.
 *   other processes      over the bus (see Bus), at once after a pause and else everything within 5 ms together.
 *
 * The relay's events take the same way, where the bus carries data: `tellOthers`.
 *
 * The embedded database has a single process, so nothing leaves it.
 */
@Injectable()
export class Wakeups implements OnApplicationShutdown {
  private readonly listeners = new Map<Channel, Set<(isTaken: boolean) => void>>();
  private readonly numberedListeners = new Set<(events: Numbered) => void>();
  private readonly pending = new Set<Channel>();
  private readonly bus: Bus | undefined;
  private flushTimer: NodeJS.Timeout | undefined;
  private flushing = Promise.resolve();
  private flushedAt = -Infinity;
  private isStopped = false;
  /** Set while the relay of this process runs. */
  relay: Numbering | undefined;
  /** Of the numbers, as the tail of this process knows it. Without it events are not told, only that there are some. */
  epoch: string | undefined;

  constructor(database: Database, @Optional() @Inject(BUS) bus?: Bus) {
    this.bus = bus ?? (database.kind === 'server' ? new PostgresBus(database.url!) : undefined);
  }

  /** Undefined where there is nobody else. */
  get busState(): BusState | undefined {
    return this.bus?.state();
  }

  /** Starts hearing other processes. Without it, wake-ups stay inside this one. */
  async listen(): Promise<void> {
    await this.bus?.listen({
      woken: (these) => these.forEach((channel) => this.emit(channel, false)),
      numbered: (events) => this.numberedListeners.forEach((listener) => listener(events)),
      joined: () => channels.forEach((channel) => this.wakeOthers(channel)),
    });
  }

  /** `isTaken`: the relay is at it already (see `Numbering`); others hear of it as ever. */
  on(channel: Channel, listener: (isTaken: boolean) => void): () => void {
    const set = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, set.add(listener));
    return () => set.delete(listener);
  }

  /** Wakes `channel` once the transaction has committed; never when it rolls back. */
  afterCommit(tx: Tx, channel: Channel): void {
    const runner = tx.queryRunner;
    if (!runner) throw new Error('afterCommit needs a transaction');
    const scheduled = (scheduledFor.get(runner) ??
      scheduledFor.set(runner, new Set()).get(runner))!;
    if (scheduled.size === 0) {
      const commit = runner.commitTransaction.bind(runner);
      const rollback = runner.rollbackTransaction.bind(runner);
      const restore = () => {
        runner.commitTransaction = commit;
        runner.rollbackTransaction = rollback;
        scheduledFor.delete(runner);
      };
      runner.commitTransaction = async () => {
        const relay = scheduled.has('outbox') ? this.relay : undefined;
        const isTaken = relay ? await relay.commit(runner, commit) : (await commit(), false);
        if (runner.isTransactionActive) return; // a nested one: a savepoint was released
        restore();
        for (const each of scheduled) this.wake(each, each === 'outbox' && isTaken);
      };
      runner.rollbackTransaction = async () => {
        if (runner.isTransactionActive) restore();
        await rollback();
      };
    }
    scheduled.add(channel);
  }

  /** Events that another process has numbered. */
  onNumbered(listener: (events: Numbered) => void): () => void {
    this.numberedListeners.add(listener);
    return () => this.numberedListeners.delete(listener);
  }

  /** That others have numbered events, whether they were told along with it or not. */
  onNews(listener: () => void): () => void {
    const stops = [this.on('seq', listener), this.onNumbered(listener)];
    return () => stops.forEach((stop) => stop());
  }

  wake(channel: Channel, isTaken = false): void {
    this.emit(channel, isTaken);
    // One relay is enough: where it is in this process, no other needs to look.
    if (channel === 'outbox' && (this.listeners.get('outbox')?.size ?? 0) > 0) return;
    this.wakeOthers(channel);
  }

  /** What was numbered here, in order; without a bus for it, others hear that there is something. */
  tellOthers(rows: readonly EventRow[]): void {
    const { bus, epoch } = this;
    if (!bus || this.isStopped) return;
    if (epoch === undefined || !bus.tell({ epoch, rows })) this.wakeOthers('seq');
  }

  /** For a caller that has told its own process in a better way. */
  wakeOthers(channel: Channel): void {
    if (!this.bus || this.isStopped) return;
    this.pending.add(channel);
    if (this.flushTimer) return;
    const flush = () => {
      this.flushTimer = undefined;
      this.flushedAt = performance.now();
      // One at a time: a connection takes one query at a time.
      this.flushing = this.flushing.then(() => this.flush());
    };
    const wait = this.flushedAt + GATHER_MS - performance.now();
    if (wait <= 0) flush();
    else this.flushTimer = setTimeout(flush, wait);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.flushTimer);
    await this.flushing; // what is on its way
    await this.bus?.close();
  }

  private emit(channel: Channel, isTaken: boolean): void {
    for (const listener of this.listeners.get(channel) ?? []) listener(isTaken);
  }

  private async flush(): Promise<void> {
    const pending = [...this.pending];
    this.pending.clear();
    await this.bus?.wake(pending);
  }
}

const scheduledFor = new WeakMap<object, Set<Channel>>();
