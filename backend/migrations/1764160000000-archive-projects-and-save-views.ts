import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Projects can be archived, people keep named views of lists, and the list of jobs filters by state.
 *
 * Why an index of only three states: every change of a job's status writes to each index that holds it, and the
 * queue is the hot path. Queued, scheduled and running jobs have their partial indexes already, and succeeded ones
 * are found by walking the primary key. What fails, waits or is cancelled is rare, and is what people filter for.
 *
 * The operator of a table with many millions of jobs runs the statement by hand before the update, as
 * `CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_attention …`: then the one below finds it and does nothing.
 * Otherwise the table takes no writes while it is built (about a second per million rows).
 *
 * An older build runs beside it: it knows neither the column nor the table, and shows archived projects like others.
 */
export class ArchiveProjectsAndSaveViews1764160000000 implements MigrationInterface {
  name = 'ArchiveProjectsAndSaveViews1764160000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE projects ADD COLUMN IF NOT EXISTS archived_at TIMESTAMPTZ`);
    await runner.query(`CREATE INDEX IF NOT EXISTS jobs_attention ON jobs (status, id DESC)
      WHERE status IN ('waiting', 'failed', 'cancelled')`);
    await runner.query(`CREATE TABLE IF NOT EXISTS saved_views (
      id             UUID PRIMARY KEY,
      user_id        UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
      room           TEXT NOT NULL,
      name           TEXT NOT NULL,
      query          JSONB NOT NULL,
      created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
      UNIQUE (user_id, room, name)
    )`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
