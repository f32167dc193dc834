import { Inject, Injectable, Logger, type OnApplicationShutdown, Optional } from '@nestjs/common';
import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { Database } from '../database/database.js';
import { outliveLoss } from '../database/lost-connections.js';
import { type EventRow, smallEventColumns } from './event-row.js';
import { Wakeups } from './wakeups.js';

/**
 * The relay gives every committed event its number.
 *
 *     commit ──> events (seq NULL) ──[stamp_events]──> events (seq 42, 43, …) ──> listeners here
 *                     ^                    |                                 └──> NOTIFY seq: the others
 *        behind the commit, at a       relay_state: its row lock elects one relay for the statement
 *        wake-up, or at most one poll
 *
 * Guarantees
 *   - Numbers have no gaps and are never given twice: the rows and the counter change in one statement,
 *     which is its own transaction.
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
 * When idle it does not wait to be told: it sends its statement on the writer's own connection, right behind the
 * COMMIT and without waiting for the answer to that (`ride`). The writer gets its answer when it would have anyway;
 * the events have their numbers a round trip sooner. Whether the statement then succeeds is the relay's business
 * alone: it looks again if not. One at a time, so the batches of a process come back in order.
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
export const RELAY_OPTIONS = Symbol('RELAY_OPTIONS');
const defaults: RelayOptions = { pollMs: 250, gatherMs: 5, batchSize: 1000, reserve: 5000 };

/** What it does is told in the migration that made it. In order, as RETURNING answers in none. */
const STAMP = `SELECT ${smallEventColumns} FROM stamp_events($1, $2, $3) AS e ORDER BY e.seq`;

type StampedRow = EventRow & { payload_ref: string | null };

/**
 * On the embedded database every writer is in this process and wakes the relay itself; nothing can be lost on the way,
 * and each look costs a laptop more than on a server.
 */
const alone = ({ kind }: Database) => (kind === 'embedded' ? { pollMs: 2_000 } : {});

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
      this.wakeups.onCommit((runner, commit) => this.ride(runner, commit)),
    ];
    this.unlisten = () => {
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
        const pauseMs = Math.min(5_000, 50 * 2 ** Math.min(this.failures++, 10));
        this.pausedUntil = performance.now() + pauseMs;
        this.logger.warn(
          `could not number events, next try in ${pauseMs} ms: ${(error as Error).message}`,
        );
        return; // polling starts the next try
      }
    }
  }

  private async stamp(): Promise<number> {
    const { rows } = await this.pool!.query<StampedRow>(this.statement(true));
    return this.handOver(rows);
  }

  private statement(isPatient: boolean) {
    const reserve = this.database.kind === 'server' ? this.options.reserve : 0;
    const { batchSize } = this.options;
    return { name: 'aos-relay-stamp', text: STAMP, values: [batchSize, reserve, isPatient] };
  }

  /**
   * Commits, and numbers behind it when nothing else is being numbered here.
   * @returns true when there is no need to wake the relay: what was committed is being numbered.
   */
  private async ride(runner: QueryRunner, commit: () => Promise<void>): Promise<boolean> {
    const isBusy = this.working || performance.now() < this.pausedUntil;
    if (!this.isRunning || isBusy || this.database.kind !== 'server') {
      await commit();
      return false;
    }
    const client = (await runner.connect()) as pg.PoolClient;
    const behind = sendBehindCommit<StampedRow>(client, this.statement(false));
    let answered: () => void = () => undefined;
    this.working = new Promise((resolve) => (answered = resolve));
    let sent: Promise<pg.QueryResult<StampedRow>> | undefined;
    try {
      await commit();
    } finally {
      sent = behind();
      void this.takeOver(sent).finally(() => {
        answered();
        this.working = undefined;
        if (this.isWokenAgain) this.look();
      });
    }
    return sent !== undefined;
  }

  private async takeOver(sent: Promise<pg.QueryResult<StampedRow>> | undefined): Promise<void> {
    if (!sent) return; // a savepoint was released, or the commit could not even be sent
    try {
      const found = await this.handOver((await sent).rows);
      // Nothing: another relay was at it, from before this commit perhaps.
      if (found === 0 || found >= this.options.batchSize) this.isWokenAgain = true;
    } catch (error) {
      this.logger.warn(`could not number events behind their commit: ${(error as Error).message}`);
      this.isWokenAgain = true;
    }
  }

  private async handOver(rows: StampedRow[]): Promise<number> {
    if (rows.length === 0) return 0;
    await this.addLargePayloads(rows);
    this.stampedCount += rows.length;
    this.lastSeq = Number(rows.at(-1)!.seq);
    for (const listener of this.listeners) listener(rows);
    this.wakeups.wakeOthers('seq');
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
 * Lets `statement` go out on the connection of a transaction right behind its COMMIT; both are on their way before
 * either is answered, each with an answer of its own (the pool's `pipeline`).
 * @returns what ends the arrangement, and gives the answer when the statement was sent.
 */
function sendBehindCommit<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  statement: pg.QueryConfig,
): () => Promise<pg.QueryResult<Row>> | undefined {
  const owner = client as { query: unknown };
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  let sent: Promise<pg.QueryResult<Row>> | undefined;
  owner.query = (...args: unknown[]) => {
    const answer = query(...args);
    if (args[0] === 'COMMIT') sent = query(statement) as Promise<pg.QueryResult<Row>>;
    return answer;
  };
  return () => {
    delete owner.query;
    return sent;
  };
}

const pause = (ms: number) =>
  ms > 0 ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : undefined;
