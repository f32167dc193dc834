import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { Database } from '../database/database.js';
import type { QueryRunner } from 'typeorm';
import type { Tx } from '../database/sql.js';
import type { AppendedRow } from './event-row.js';

const channels = ['outbox', 'seq', 'jobs', 'control'] as const;
export type Channel = (typeof channels)[number];

const GATHER_MS = 5;

/** How long a look at who else is there is good for. */
const KNOWN_MS = 5_000;
/** Shared by everyone who listens, and gone with their connection. */
const HERE = 726306;
const someoneElse = `SELECT count(*) > 1 AS is_there FROM pg_locks
  WHERE locktype = 'advisory' AND classid = 0 AND objid = ${HERE} AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

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
 *   other processes      one NOTIFY per channel, at once after a pause and else for everything within 5 ms,
 *                        on a connection of its own, outside any transaction: a NOTIFY in a writing
 *                        transaction takes a lock for the whole cluster at commit (measured: a factor
 *                        of 28 at 32 connections).
 *                        Nothing is sent while there is nobody to hear it: on a laptop that is always so. Who
 *                        listens says so when they begin, upon which everyone tells them of everything once, and
 *                        holds a lock that others look at now and then.
 *   the listener         one connection that LISTENs; when it is cut it comes back with a growing pause,
 *                        and wakes every channel once, since it cannot know what it missed.
 *
 * The embedded database has a single process, so nothing leaves it.
 */
@Injectable()
export class Wakeups implements OnApplicationShutdown {
  private readonly listeners = new Map<Channel, Set<(isTaken: boolean) => void>>();
  private readonly pending = new Set<Channel>();
  private flushTimer: NodeJS.Timeout | undefined;
  private reconnectTimer: NodeJS.Timeout | undefined;
  private client: pg.Client | undefined;
  private flushing = Promise.resolve();
  private flushedAt = -Infinity;
  private isStopped = false;
  private connecting: Promise<void> | undefined;
  private failures = 0;
  private isHeard = true;
  private knownUntil = -Infinity;
  /** Set while the relay of this process runs. */
  relay: Numbering | undefined;

  constructor(private readonly database: Database) {}

  /** Starts hearing other processes. Without it, wake-ups stay inside this one. */
  async listen(): Promise<void> {
    if (this.database.kind === 'server' && !this.client) await this.connect();
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

  wake(channel: Channel, isTaken = false): void {
    this.emit(channel, isTaken);
    // One relay is enough: where it is in this process, no other needs to look.
    if (channel === 'outbox' && (this.listeners.get('outbox')?.size ?? 0) > 0) return;
    this.wakeOthers(channel);
  }

  /** For a caller that has told its own process in a better way. */
  wakeOthers(channel: Channel): void {
    if (this.database.kind === 'embedded' || this.isStopped) return;
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
    clearTimeout(this.reconnectTimer);
    await this.flushing; // what is on its way
    await this.client?.end().catch(() => undefined); // it may be cut already; it is not needed again
  }

  private emit(channel: Channel, isTaken: boolean): void {
    for (const listener of this.listeners.get(channel) ?? []) listener(isTaken);
  }

  private async flush(): Promise<void> {
    const pending = [...this.pending];
    this.pending.clear();
    try {
      const client = this.client;
      if (!client) return; // cut: other processes find the rows by polling
      if (performance.now() >= this.knownUntil) {
        const { rows } = await client.query<{ is_there: boolean }>(someoneElse);
        this.isHeard = rows[0]!.is_there;
        this.knownUntil = performance.now() + KNOWN_MS;
      }
      if (!this.isHeard) return;
      await client.query(`SELECT pg_notify(c, '') FROM unnest($1::text[]) AS c`, [
        pending.map((channel) => `aos_${channel}`),
      ]);
    } catch (error) {
      this.lost(error as Error);
    }
  }

  /** Somebody listens from now on, who may have missed what was not sent. */
  private welcome(): void {
    this.isHeard = true;
    this.knownUntil = performance.now() + KNOWN_MS;
    for (const channel of channels) this.wakeOthers(channel);
  }

  private async connect(): Promise<void> {
    this.connecting ??= this.open().finally(() => (this.connecting = undefined));
    await this.connecting;
  }

  private async open(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.database.url,
      application_name: 'aos-listener',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      // A wake-up is worth nothing after a crash, so nobody's commit waits at the disk behind it.
      options: '-c synchronous_commit=off',
    });
    client.on('error', (error) => this.lost(error, client));
    client.on('end', () => this.lost(new Error('connection ended'), client));
    client.on('notification', ({ channel, processId }) => {
      // Its own echo: this process was woken when it happened.
      if (processId === (client as pg.Client & { processID: number }).processID) return;
      if (channel === 'aos_here') this.welcome();
      else this.emit(channel.slice('aos_'.length) as Channel, false);
    });
    try {
      await client.connect();
      await client.query(
        `SELECT pg_advisory_lock_shared(${HERE});
         LISTEN aos_outbox; LISTEN aos_seq; LISTEN aos_jobs; LISTEN aos_control; LISTEN aos_here; NOTIFY aos_here`,
      );
    } catch (error) {
      this.lost(error as Error, client);
      return;
    }
    this.client = client;
    this.failures = 0;
    this.knownUntil = -Infinity;
    for (const channel of this.listeners.keys()) this.emit(channel, false);
  }

  private lost(_error: Error, client = this.client): void {
    if (this.isStopped || this.reconnectTimer || (this.client && client !== this.client)) return;
    this.client = undefined;
    void client?.end().catch(() => undefined); // already gone
    const pause = Math.min(5_000, 100 * 2 ** this.failures++) * (0.5 + Math.random() / 2);
    this.reconnectTimer = setTimeout(() => {
      this.reconnectTimer = undefined;
      void this.connect();
    }, pause);
  }
}

const scheduledFor = new WeakMap<object, Set<Channel>>();
