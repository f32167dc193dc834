import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  Optional,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { Environment } from '../config/environment.js';
import { Database } from '../database/database.js';
import { ENVIRONMENT } from '../platform.module.js';
import { OLAP, type Olap, OlapAway } from './olap.js';
import { type Source, sources } from './sources.js';
import { tables } from './tables.js';

const POLL_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
/** Longer than one batch may take, see Olap. */
const LEASE_S = 90;

/**
 * Copies the history from Postgres to ClickHouse, a batch at a time.
 *
 *     lease ──> for each source: read from `position` ──> insert ──> note `position` ──> again while there is more
 *
 * Guarantees
 *   - Every row that is committed arrives, whatever its writers do meanwhile. Ids are handed out before the commit, so
 *     `id > last` would pass by the row of a slow writer; a source therefore reads only up to an id that nobody can still
 *     come in below (see `settled`).
 *   - A row may arrive twice, and counts once (see tables.ts): the position is noted after the insert, by whoever holds the
 *     lease. When a process ends in between, or loses the lease, the batch is inserted again.
 *   - It holds no transaction, no lock and a batch of 1,000 rows or some 4 MB, however far it is behind.
 *
 * Failure. A batch that ClickHouse refuses is tried again with the same pause, and told of by the lag. ClickHouse away,
 * Postgres away: tried again with a growing pause, for ever, from the position that was noted. What waits
 * stays in Postgres's own partitions and nowhere else. When retention drops one that was not copied, it notes in
 * `olap_copies.lost` how many rows went with it (see partitions.ts); health and /metrics tell.
 */
@Injectable()
export class Shipper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Shipper.name);
  private readonly owner = randomUUID();
  private readonly settling = new Map<string, Settling>();
  private hasTables = false;
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<unknown> | undefined;
  private isStopped = false;

  constructor(
    private readonly database: Database,
    @Inject(ENVIRONMENT) private readonly environment: Pick<Environment, 'roles'>,
    @Optional() @Inject(OLAP) private readonly olap?: Olap,
  ) {}

  onApplicationBootstrap(): void {
    if (this.olap && this.environment.roles.has('relay')) this.schedule(0);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.olap?.close();
    await this.running;
    if (!this.olap) return;
    await this.database
      .query(`UPDATE olap_lease SET lease_until = '-infinity' WHERE owner = $1`, [this.owner])
      .catch(() => undefined); // it runs out by itself
  }

  /** Copies what there is. @returns false when another process does. */
  async run(): Promise<boolean> {
    if (!(await this.takeLease())) return false;
    if (!this.hasTables) {
      for (const statement of tables) await this.olap!.command(statement);
      this.hasTables = true;
    }
    const failures: unknown[] = [];
    for (const source of sources) {
      try {
        const upTo = await this.settled(source);
        if (upTo !== undefined && !(await this.copy(source, upTo))) return false;
      } catch (error) {
        failures.push(error);
        // A row that is refused keeps back those behind it and nothing of the others. Or somebody took the table away.
        if (!(error instanceof OlapAway) || !error.isRefusal) break;
        this.hasTables = false;
      }
    }
    if (failures.length > 0) throw failures[0];
    return true;
  }

  private schedule(ms: number): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.running = this.round().finally(() => this.schedule(this.pause()));
    }, ms);
    this.timer.unref();
  }

  private pause(): number {
    return this.failures === 0
      ? POLL_MS
      : Math.min(LONGEST_PAUSE_MS, POLL_MS * 2 ** Math.min(this.failures - 1, 10));
  }

  private async round(): Promise<void> {
    try {
      await this.run();
      this.failures = 0;
    } catch (error) {
      // What ClickHouse said, Olap has told.
      if (this.failures++ === 0 && !(error instanceof OlapAway))
        this.logger.warn(`The history is not copied for now: ${(error as Error).message}`);
    }
  }

  /** By the database's clock. Who has it keeps it. */
  private async takeLease(): Promise<boolean> {
    const { count } = await this.database.run(
      `UPDATE olap_lease SET owner = $1, lease_until = clock_timestamp() + make_interval(secs => ${LEASE_S})
        WHERE owner = $1 OR lease_until < clock_timestamp()`,
      [this.owner],
    );
    return count > 0;
  }

  /** @returns false when it was not ours to go on */
  private async copy(source: Source, upTo: bigint): Promise<boolean> {
    const [noted] = await this.database.query<{ position: string }>(
      'SELECT position FROM olap_copies WHERE source = $1',
      [source.name],
    );
    let position = BigInt(noted?.position ?? 0);
    for (let hasMore = true; hasMore && !this.isStopped;) {
      const batch = await source.read(this.database, position, upTo);
      if (batch.rows.length > 0) await this.olap!.insert(source.table, batch.rows);
      hasMore = batch.hasMore;
      position = batch.position;
      if (!(await this.note(source, position)) || !(await this.takeLease())) return false;
    }
    return true;
  }

  private async note(source: Source, position: bigint): Promise<boolean> {
    const { count } = await this.database.run(
      `INSERT INTO olap_copies AS c (source, position, copied_at)
       SELECT $1, $2, clock_timestamp() FROM olap_lease WHERE owner = $3
       ON CONFLICT (source) DO UPDATE SET position = greatest(c.position, excluded.position), copied_at = excluded.copied_at`,
      [source.name, String(position), this.owner],
    );
    return count > 0;
  }

  /**
   * An id up to which nobody can come in any more: one that was handed out, once all have ended who were writing when
   * it was the last. Whoever takes an id holds the table's lock for writers from before that until their commit can
   * be seen, and the lock says which transaction it is. Nobody is waited for here: a slow writer is looked at again
   * in the next round. Undefined while there is one.
   */
  private async settled({ name, head, writesTo }: Source): Promise<bigint | undefined> {
    const known = this.settling.get(name);
    const [row] = known ? [] : await this.database.query<{ head: string | null }>(head);
    const upTo = known?.upTo ?? BigInt(row?.head ?? 0);
    if (!writesTo) return upTo;
    const now = await this.database.query<{ writer: string }>(
      `SELECT DISTINCT virtualtransaction AS writer FROM pg_locks
        WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted AND relation = $1::regclass
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [writesTo],
    );
    const writing = now.map(({ writer }) => writer).filter((w) => !known || known.writers.has(w));
    if (writing.length === 0) {
      this.settling.delete(name);
      return upTo;
    }
    this.settling.set(name, { upTo, writers: new Set(writing) });
    return undefined;
  }
}

interface Settling {
  upTo: bigint;
  writers: ReadonlySet<string>;
}
