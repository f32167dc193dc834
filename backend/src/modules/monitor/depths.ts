import type { Database } from '../../platform/database/database.js';

export interface Depths {
  queued: number;
  running: number;
  waiting: number;
  scheduled: number;
  approvals: number;
  serversDown: number;
  relayLagMs: number;
}

/** Every part reads a partial index or one row, and counts up to a bound: it may run every second. */
export async function readDepths(database: Database): Promise<Depths> {
  const [row] = await database.query<Depths>(
    `SELECT ${upTo(100_000, `jobs WHERE status = 'queued'`)} AS queued,
            ${upTo(100_000, `jobs WHERE status = 'running'`)} AS running,
            ${upTo(100_000, `jobs WHERE status = 'waiting'`)} AS waiting,
            ${upTo(100_000, `jobs WHERE status = 'scheduled'`)} AS scheduled,
            ${upTo(10_000, `approvals WHERE status = 'pending'`)} AS approvals,
            ${upTo(10_000, `mcp_registry WHERE is_enabled AND health->>'state' = 'unhealthy'`)} AS "serversDown",
            coalesce((SELECT (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8
                        FROM events WHERE seq IS NULL ORDER BY id LIMIT 1), 0) AS "relayLagMs"`,
  );
  return { ...row!, relayLagMs: Math.max(0, row!.relayLagMs) };
}

const upTo = (most: number, from: string) =>
  `(SELECT count(*)::int FROM (SELECT 1 FROM ${from} LIMIT ${most}) AS bounded)`;
