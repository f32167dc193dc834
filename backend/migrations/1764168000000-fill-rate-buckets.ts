import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Rates of calls get buckets that fill steadily, beside the windows that quotas and grants are counted in.
 *
 * Why: a window that begins with the first call lets twice its limit through around its end, and then keeps
 * everybody waiting for the next one. Code from before it counts rates in `rate_limits` and does not know this
 * table: while both run, each enforces the limit for its own processes. Lost rows are full buckets, so no WAL is
 * written; for the same reason a row whose bucket is full may be deleted at any time.
 */
export class FillRateBuckets1764168000000 implements MigrationInterface {
  name = 'FillRateBuckets1764168000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE UNLOGGED TABLE rate_buckets (key text PRIMARY KEY, full_at_ms double precision NOT NULL, taken integer NOT NULL)`,
    );
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
