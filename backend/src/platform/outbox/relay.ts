import { Inject, Injectable, Logger, type OnApplicationShutdown, Optional } from '@nestjs/common';
import pg from 'pg';
import { Database } from '../database/database.js';
import { type EventRow, eventColumns } from './event-row.js';
import { Wakeups } from './wakeups.js';

/**
 * The relay gives every committed event its number.
 *
 *     commit ──> events (seq NULL) ──[one statement]──> events (seq 42, 43, …) ──> listeners here
 *                     ^                    |                                  └──> NOTIFY seq: the others
 *        wake-up, or at most one poll   relay_state: its row lock elects one relay for the statement
 *
 * Guarantees
 *   - Numbers have no gaps and are never given twice: the rows and the counter change in one statement,
 *     which is its own transaction.
 *   - A number becomes visible after all lower ones: the row lock is held until the commit is visible. So
 *     whoever reads `seq > last ORDER BY seq` misses nothing, which is not true of `id > last`: ids are
 *     handed out before the commit.
 *   - Within a trace the numbers follow the order of the commits: the Outbox locks the trace.
 *   - Any number of relays may run. One that had to wait for the lock has an old snapshot, in which events
 *     look unnumbered that no longer are. It sees that the counter moved (`held` differs from `seen`),
 *     touches nothing and looks again.
 *
 * Failure
 *   - Killed before the commit: nothing happened; whoever looks next does it.
 *   - Killed after the commit and before anybody was told: the tails find the rows by polling.
 *   - The connection is cut, the database goes away: logged, tried again with a growing pause, for ever.
 *
 * It goes at once when idle. When more was committed while a batch was on its way, the next one starts no
 * sooner than `gatherMs` after the last: under load a batch then carries several events, and each client is
 * written to once for all of them.
 */
export interface RelayOptions {
  /** What a lost wake-up costs. */
  pollMs: number;
  gatherMs: number;
  batchSize: number;
}
export const RELAY_OPTIONS = Symbol('RELAY_OPTIONS');
const defaults: RelayOptions = { pollMs: 250, gatherMs: 5, batchSize: 1000 };

const STAMP = `
  WITH seen AS MATERIALIZED (SELECT last_seq FROM relay_state WHERE id = 1),
  held AS MATERIALIZED (
    SELECT last_seq FROM relay_state
     WHERE id = 1 AND EXISTS (SELECT 1 FROM events WHERE seq IS NULL) FOR UPDATE),
  batch AS MATERIALIZED (
    SELECT e.id, e.created_at, held.last_seq + row_number() OVER (ORDER BY e.id) AS seq
      FROM held JOIN seen USING (last_seq),
           LATERAL (SELECT id, created_at FROM events WHERE seq IS NULL ORDER BY id LIMIT $1) AS e),
  counted AS (
    UPDATE relay_state SET last_seq = (SELECT max(seq) FROM batch)
     WHERE id = 1 AND EXISTS (SELECT 1 FROM batch)),
  e AS (
    UPDATE events SET seq = batch.seq FROM batch
     WHERE events.id = batch.id AND events.created_at = batch.created_at AND events.seq IS NULL
    RETURNING events.*)
  SELECT held.last_seq AS held_seq, seen.last_seq AS seen_seq, ${eventColumns}
    FROM held CROSS JOIN seen
    LEFT JOIN e ON true
    LEFT JOIN event_payloads p ON p.id = e.payload_ref
   ORDER BY e.seq`;

type StampedRow = EventRow & { held_seq: string; seen_seq: string };

@Injectable()
export class Relay implements OnApplicationShutdown {
  private readonly logger = new Logger(Relay.name);
  private readonly options: RelayOptions;
  private readonly listeners = new Set<(rows: EventRow[]) => void>();
  private pool: pg.Pool | undefined;
  private unlisten: (() => void) | undefined;
  private pollTimer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private isRunning = false;
  private isWokenAgain = false;
  private failures = 0;
  private pausedUntil = 0;
  private stampedCount = 0;
  private lastSeq = 0;

  constructor(
    private readonly database: Database,
    private readonly wakeups: Wakeups,
    @Optional() @Inject(RELAY_OPTIONS) options?: Partial<RelayOptions>,
  ) {
    this.options = { ...defaults, ...options };
  }

  /** Rows in order of `seq`, right after they were numbered by this process. A listener must not throw. */
  onStamped(listener: (rows: EventRow[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    this.pool ??= this.openPool();
    this.unlisten = this.wakeups.on('outbox', () => this.look());
    this.pollTimer = setInterval(() => this.look(), this.options.pollMs);
    this.look();
  }

  /** Finishes the batch it is at. */
  async stop(): Promise<void> {
    this.isRunning = false;
    clearInterval(this.pollTimer);
    this.unlisten?.();
    await this.working;
    const pool = this.pool;
    this.pool = undefined;
    if (pool && pool !== this.database.pool) await pool.end();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** For health and metrics: how long the oldest committed event has been waiting for its number. */
  async metrics(): Promise<RelayMetrics> {
    const [row] = await this.database.query<{ age: number | null; last_seq: string }>(
      `SELECT last_seq, (SELECT (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8
                           FROM events WHERE seq IS NULL ORDER BY id LIMIT 1) AS age
         FROM relay_state WHERE id = 1`,
    );
    return {
      isRunning: this.isRunning,
      lastSeq: Number(row?.last_seq ?? 0),
      lastSeqHere: this.lastSeq,
      stampedHere: this.stampedCount,
      oldestUnstampedMs: Math.max(0, Math.round(row?.age ?? 0)),
      failuresInARow: this.failures,
    };
  }

  /**
   * A connection of its own on a server: events must not wait for their number because the shared pool is
   * busy. The embedded database has one session for all.
   */
  private openPool(): pg.Pool {
    if (this.database.kind === 'embedded') return this.database.pool;
    const pool = new pg.Pool({
      connectionString: this.database.url,
      max: 1,
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: 0,
      application_name: 'aos-relay',
      statement_timeout: 30_000,
      keepAlive: true,
    });
    // An idle connection that the server ends is replaced at the next look.
    pool.on('error', (error) => this.logger.warn(`connection lost: ${error.message}`));
    return pool;
  }

  private look(): void {
    this.isWokenAgain = true;
    if (!this.isRunning || this.working || performance.now() < this.pausedUntil) return;
    this.working = this.drain().finally(() => {
      this.working = undefined;
      if (this.isWokenAgain) this.look();
    });
  }

  private async drain(): Promise<void> {
    while (this.isRunning && this.isWokenAgain) {
      this.isWokenAgain = false;
      const startedAt = performance.now();
      try {
        const found = await this.stamp();
        this.failures = 0;
        if (found === 'stale' || found >= this.options.batchSize) this.isWokenAgain = true;
        else if (this.isWokenAgain && found > 0)
          await pause(this.options.gatherMs - (performance.now() - startedAt));
      } catch (error) {
        const pauseMs = Math.min(5_000, 50 * 2 ** Math.min(this.failures++, 10));
        this.pausedUntil = performance.now() + pauseMs;
        this.logger.warn(
          `could not number events, next try in ${pauseMs} ms: ${(error as Error).message}`,
        );
        return; // polling starts the next try
      }
    }
  }

  private async stamp(): Promise<number | 'stale'> {
    const { rows } = await this.pool!.query<StampedRow>({
      name: 'aos-relay-stamp',
      text: STAMP,
      values: [this.options.batchSize],
    });
    const first = rows[0];
    if (!first) return 0;
    if (first.held_seq !== first.seen_seq) return 'stale';
    if (first.id === null) return 0;
    this.stampedCount += rows.length;
    this.lastSeq = Number(rows.at(-1)!.seq);
    for (const listener of this.listeners) listener(rows);
    this.wakeups.wakeOthers('seq');
    return rows.length;
  }
}

export interface RelayMetrics {
  isRunning: boolean;
  /** The newest number, by whichever process. */
  lastSeq: number;
  lastSeqHere: number;
  stampedHere: number;
  oldestUnstampedMs: number;
  failuresInARow: number;
}

const pause = (ms: number) =>
  ms > 0 ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : undefined;
