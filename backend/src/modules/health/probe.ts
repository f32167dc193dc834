import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Database } from '../../platform/database/database.js';

/** A database that takes longer than this is, to whoever waits for it, not there. */
const PATIENCE_MS = 2_000;
/** The monitor's timer; it counts its own period as delay. */
const SAMPLE_MS = 20;

export interface DatabaseState {
  relayLagSeconds: number;
  /** Of the audit record: rows that wait to be sealed, up to 10,000, and how long the oldest has waited. */
  unsealed: { rows: number; oldestSeconds: number };
  lastSeq: number;
  pendingApprovals: number;
  jobs: { status: string; count: number }[];
}

/**
 * Looks at what the process stands on. A look at the database that does not come back is not asked again
 * beside itself: probes come every few seconds, and would fill the pool of a database that hangs.
 */
@Injectable()
export class Probe implements OnApplicationShutdown {
  private readonly delay = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  private looking: Promise<DatabaseState> | undefined;

  constructor(private readonly database: Database) {
    this.delay.enable();
  }

  onApplicationShutdown(): void {
    this.delay.disable();
  }

  get hasVector(): boolean {
    return this.database.hasVector;
  }

  get pool() {
    const { totalCount, idleCount, waitingCount } = this.database.pool;
    return { total: totalCount, idle: idleCount, waiting: waitingCount };
  }

  /** Seconds that the event loop was late, since the last look. */
  eventLoop(): { mean: number; p99: number; max: number } {
    const seconds = (nanoseconds: number) =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - SAMPLE_MS / 1000) : 0;
    const { mean, max } = this.delay;
    const state = {
      mean: seconds(mean),
      p99: seconds(this.delay.percentile(99)),
      max: seconds(max),
    };
    this.delay.reset();
    return state;
  }

  /** @throws when the database does not answer in two seconds. */
  async databaseState(): Promise<DatabaseState> {
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    this.looking.catch(() => undefined); // whoever stopped waiting has been told; the next look says it again
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
    });
    try {
      return await Promise.race([this.looking, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Every part reads a partial index or one row, and counts up to a bound: it may run every second. */
  private async look(): Promise<DatabaseState> {
    const [row] = await this.database.query<{
      lag: number | null;
      unsealed: number;
      unsealedFor: number | null;
      seq: string;
      approvals: number;
      queued: number;
      running: number;
      scheduled: number;
    }>(
      `SELECT (SELECT extract(epoch FROM now() - created_at)::float8 FROM events WHERE seq IS NULL ORDER BY id LIMIT 1) AS lag,
              (SELECT count(*)::int FROM (SELECT 1 FROM audit_unsealed LIMIT 10000) u) AS unsealed,
              (SELECT extract(epoch FROM now() - created_at)::float8 FROM audit_logs
                WHERE id = (SELECT min(audit_id) FROM audit_unsealed)) AS "unsealedFor",
              (SELECT last_seq FROM relay_state) AS seq,
              (SELECT count(*)::int FROM (SELECT 1 FROM approvals WHERE status = 'pending' LIMIT 10000) a) AS approvals,
              (SELECT count(*)::int FROM (SELECT 1 FROM jobs WHERE status = 'queued' LIMIT 100000) j) AS queued,
              (SELECT count(*)::int FROM (SELECT 1 FROM jobs WHERE status = 'running' LIMIT 100000) j) AS running,
              (SELECT count(*)::int FROM (SELECT 1 FROM jobs WHERE status = 'scheduled' LIMIT 100000) j) AS scheduled`,
    );
    if (!row) throw new Error('no row');
    return {
      relayLagSeconds: Math.max(0, row.lag ?? 0),
      unsealed: { rows: row.unsealed, oldestSeconds: Math.max(0, row.unsealedFor ?? 0) },
      lastSeq: Number(row.seq),
      pendingApprovals: row.approvals,
      jobs: (['queued', 'running', 'scheduled'] as const).map((status) => ({
        status,
        count: row[status],
      })),
    };
  }
}
