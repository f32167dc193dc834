import { Inject, Injectable, Logger, type OnApplicationShutdown, Optional } from '@nestjs/common';
import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { CommitUndone } from '../database/commit-undone.js';
import { Database } from '../database/database.js';
import { outliveLoss } from '../database/lost-connections.js';
import { appendedBy } from './appended.js';
import { type AppendedRow, type EventRow, smallEventColumns } from './event-row.js';
import { type Numbering, type Turn, Wakeups } from './wakeups.js';

/**
 * The relay gives every committed event its number.
 *
 *     commit ──> events (seq NULL) ──[stamp_events]──> events (seq 42, 43, …) ──> listeners here
 *                     ^                    |                 ^               └──> bus: the others
 *        at a wake-up, or at most    relay_state: its    with the commit,
 *        one poll later              row lock elects     when the relay is idle
 *                                    who numbers
 *
 * Guarantees
 *   - Numbers have no gaps and are never given twice: the rows and the counter change in one transaction.
 *   - A number becomes visible after all lower ones: the row lock is held until the commit is visible. So
 *     whoever reads `seq > last ORDER BY seq` misses nothing, which is not true of `id > last`: ids are
 *     handed out before the commit.
 *   - Within a trace the numbers follow the order of the commits: the Outbox locks the trace.
 *   - Any number of relays may run. What one does under the lock, the next one sees.
 *
 * One trip to the disk, not two: the writer's commit waited for it, and the numbers need not, as long as a
 * number that somebody has seen never comes to mean another event. `reserved_seq` is on disk before any number
 * up to it is given out. When Postgres itself crashed, `relay_alive` is empty afterwards; the last numbers may
 * then be lost, so their events get new ones, from above `reserved_seq`. That is the one case in which numbers
 * are skipped, and a client may see an event again. The embedded database writes nothing behind our back and
 * gets no reservation: there every batch is as durable as the rows themselves.
 *
 * Failure
 *   - Killed before the commit: nothing happened; whoever looks next does it.
 *   - Killed after the commit and before anybody was told: the tails find the rows by polling.
 *   - The connection is cut, the database goes away: logged, tried again with a growing pause, for ever.
 *
 * When idle it does not wait to be told, it goes along: right before the COMMIT of a transaction that leaves events
 * goes `number_events`, both on their way at once, so that the events and their numbers are committed together. Only
 * when the Outbox found nobody in front of them in their traces; otherwise, and when another relay is numbering, the
 * COMMIT goes as ever and the relay looks afterwards. If the numbering fails, Postgres turns the COMMIT into a
 * rollback: the writer gets a CommitUndone, upon which Database does the transaction again, without company.
 * One at a time, so the batches of a process come back in order.
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
  /** How many numbers ahead are reserved: what may be skipped when Postgres crashes. */
  reserve: number;
}
const RELAY_OPTIONS = Symbol('RELAY_OPTIONS');
const defaults: RelayOptions = { pollMs: 250, gatherMs: 5, batchSize: 1000, reserve: 5000 };

/** What it does is told in the migration that made it. In order, as RETURNING answers in none. */
const STAMP = `SELECT ${smallEventColumns} FROM stamp_events($1, $2, true) AS e ORDER BY e.seq`;

type StampedRow = EventRow & { payload_ref: string | null };

/**
 * On the embedded database every writer is in this process and wakes the relay itself; nothing can be lost on the way,
 * and each look costs a laptop more than on a server.
 */
const alone = ({ kind }: Database) => (kind === 'embedded' ? { pollMs: 2_000 } : {});

@Injectable()
export class Relay implements Numbering, OnApplicationShutdown {
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
    this.options = { ...defaults, ...alone(database), ...options };
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
    const stops = [
      this.wakeups.on('outbox', (isTaken) => {
        if (!isTaken) this.look();
      }),
    ];
    this.wakeups.relay = this;
    this.unlisten = () => {
      if (this.wakeups.relay === this) this.wakeups.relay = undefined;
      for (const stop of stops) stop();
    };
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

  /** Which numbering it is; another one in a database that was replaced by a copy. */
  async epoch(): Promise<string | undefined> {
    const [row] = await this.database.query<{ epoch: string }>(
      'SELECT epoch FROM relay_state WHERE id = 1',
    );
    return row?.epoch;
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
    outliveLoss(pool, (error) => {
      if (this.isRunning) this.logger.warn(`connection lost: ${error.message}`);
    });
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
        if (found >= this.options.batchSize) this.isWokenAgain = true;
        else if (this.isWokenAgain && found > 0)
          await pause(this.options.gatherMs - (performance.now() - startedAt));
      } catch (error) {
        this.fail(error as Error);
        return; // polling starts the next try
      }
    }
  }

  private fail(error: Error): void {
    const pauseMs = Math.min(5_000, 50 * 2 ** Math.min(this.failures++, 10));
    this.pausedUntil = performance.now() + pauseMs;
    this.logger.warn(`could not number events, next try in ${pauseMs} ms: ${error.message}`);
  }

  private async stamp(): Promise<number> {
    const { rows } = await this.pool!.query<StampedRow>({
      name: 'aos-relay-stamp',
      text: STAMP,
      values: [this.options.batchSize, this.reserve],
    });
    return this.handOver(rows);
  }

  private get reserve(): number {
    return this.database.kind === 'server' ? this.options.reserve : 0;
  }

  async commit(runner: QueryRunner, commit: () => Promise<void>): Promise<boolean> {
    const appended = appendedBy(runner);
    const rows = appended?.isNext ? appended.rows : [];
    const isOurs =
      this.database.kind === 'server' && rows.length > 0 && rows.length <= this.options.batchSize;
    const turn = isOurs ? this.takeTurn() : undefined;
    if (!turn) {
      await commit();
      return false;
    }
    let numbered: readonly AppendedRow[] = [];
    const client = (await runner.connect()) as pg.PoolClient;
    const restore = sendBeforeCommit<{ first: string | null }>(
      client,
      {
        name: 'aos-relay-number',
        text: 'SELECT number_events($1, $2) AS first',
        values: [rows.map((row) => row.id), turn.reserve],
      },
      // At once, and not only when the writer has heard of it.
      ({ first }) => {
        numbered = rows.map((row, n) => ({
          ...row,
          seq: first === null ? null : String(Number(first) + n),
        }));
        turn.end(numbered);
      },
    );
    try {
      await commit();
    } catch (error) {
      // TypeORM wraps what the driver throws.
      const undone = (error as { driverError?: unknown }).driverError;
      if (!(undone instanceof CommitUndone)) throw error;
      this.fail(undone);
      throw undone;
    } finally {
      restore();
      if (numbered.length === 0) turn.end([]); // a savepoint was released, or the commit failed
    }
    return true;
  }

  takeTurn(): Turn | undefined {
    if (!this.isRunning || this.working || performance.now() < this.pausedUntil) return undefined;
    let isOver: () => void = () => undefined;
    this.working = new Promise((resolve) => (isOver = resolve));
    const handOver = async (rows: readonly AppendedRow[]) => {
      const numbered = rows.filter(isNumbered);
      if (numbered.length < rows.length) this.isWokenAgain = true;
      try {
        await this.handOver(numbered);
      } catch (error) {
        // They are stored: the tails find them.
        this.logger.warn(`could not hand events over: ${(error as Error).message}`);
      }
      this.working = undefined;
      isOver();
      if (this.isWokenAgain) this.look();
    };
    return { reserve: this.reserve, end: (rows) => void handOver(rows) };
  }

  private async handOver(rows: StampedRow[]): Promise<number> {
    if (rows.length === 0) return 0;
    await this.addLargePayloads(rows);
    this.stampedCount += rows.length;
    this.lastSeq = Number(rows.at(-1)!.seq);
    for (const listener of this.listeners) listener(rows);
    this.wakeups.tellOthers(rows);
    return rows.length;
  }

  private async addLargePayloads(rows: StampedRow[]): Promise<void> {
    const ids = rows.flatMap((row) => row.payload_ref ?? []);
    if (ids.length === 0) return;
    const found = await this.pool!.query<{ id: string; payload: Record<string, unknown> }>(
      'SELECT id, payload FROM event_payloads WHERE id = ANY($1::uuid[])',
      [ids],
    );
    const payloads = new Map(found.rows.map((row) => [row.id, row.payload]));
    for (const row of rows)
      if (row.payload_ref) row.large_payload = payloads.get(row.payload_ref) ?? null;
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

/**
 * Lets `statement` go out on the connection of a transaction right before its COMMIT; both are on their way before
 * either is answered (the pool's `pipeline`). `onCommitted` gets its row once both are.
 * @returns what ends the arrangement.
 */
function sendBeforeCommit<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  statement: pg.QueryConfig,
  onCommitted: (row: Row) => void,
): () => void {
  const owner = client as { query: unknown };
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<pg.QueryResult<Row>>;
  owner.query = async (...args: unknown[]) => {
    if (args[0] !== 'COMMIT') return query(...args);
    const [before, answer] = await Promise.allSettled([query(statement), query(...args)]);
    if (answer.status === 'rejected') throw answer.reason;
    if (answer.value.command === 'ROLLBACK')
      throw new CommitUndone({ cause: before.status === 'rejected' ? before.reason : undefined });
    if (before.status === 'fulfilled') onCommitted(before.value.rows[0]!);
    return answer.value;
  };
  return () => {
    delete owner.query;
  };
}

const isNumbered = (row: AppendedRow): row is StampedRow => row.seq !== null;

const pause = (ms: number) =>
  ms > 0 ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : undefined;
