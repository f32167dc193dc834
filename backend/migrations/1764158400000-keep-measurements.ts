import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What each process measured of itself, and the indexes that Monitor reads logs, spans and waiting jobs by.
 *
 * Why: a curve has to survive a restart, and a search in the log must not read the whole log.
 * Every process writes its own rows (one per quarter of a minute, and one per five minutes for the long
 * ranges), so that no two of them meet. Retention drops whole partitions, as for the other append-only tables.
 * An older build that runs beside this one knows nothing of the table and is missing from the curves, no more.
 *
 * On a large database: making the indexes of `logs` and `spans` locks out writers of these two while it runs (they
 * wait in bounded queues in memory). To avoid that, make the same indexes with CREATE INDEX CONCURRENTLY on each
 * partition beforehand, by the names below with the partition's name in front; they are then only attached.
 */
export class KeepMeasurements1764158400000 implements MigrationInterface {
  name = 'KeepMeasurements1764158400000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

const statements = [
  `CREATE TABLE metric_samples (
    at              TIMESTAMPTZ NOT NULL,
    step_s          SMALLINT NOT NULL,
    process         TEXT NOT NULL,
    roles           TEXT NOT NULL,
    cpu_percent     REAL NOT NULL,
    rss_bytes       BIGINT NOT NULL,
    heap_bytes      BIGINT NOT NULL,
    loop_mean_ms    REAL NOT NULL,
    loop_p99_ms     REAL NOT NULL,
    clients         INT NOT NULL,
    queued          INT NOT NULL,
    running         INT NOT NULL,
    waiting         INT NOT NULL,
    scheduled       INT NOT NULL,
    relay_lag_ms    REAL NOT NULL,
    events          INT NOT NULL,
    requests        INT NOT NULL,
    request_errors  INT NOT NULL,
    jobs_succeeded  INT NOT NULL,
    jobs_failed     INT NOT NULL,
    jobs_cancelled  INT NOT NULL,
    calls_succeeded INT NOT NULL,
    calls_failed    INT NOT NULL,
    job_ms          JSONB NOT NULL,
    call_ms         JSONB NOT NULL,
    PRIMARY KEY (step_s, at, process)
  ) PARTITION BY RANGE (at)`,
  `CREATE TABLE metric_samples_default PARTITION OF metric_samples DEFAULT`,
  `CREATE INDEX jobs_waiting ON jobs (id) WHERE status = 'waiting'`,
  `CREATE INDEX logs_created ON logs (created_at DESC, id DESC)`,
  `CREATE INDEX logs_problems ON logs (created_at DESC, id DESC) WHERE level IN ('warn', 'error')`,
  `CREATE INDEX logs_job ON logs (job_id, created_at DESC, id DESC) WHERE job_id IS NOT NULL`,
  `CREATE INDEX spans_started ON spans (started_at DESC)`,
  `CREATE INDEX spans_errors ON spans (trace_id) WHERE status = 'error'`,
  `CREATE INDEX traces_project ON traces (project_id, started_at DESC, trace_id DESC) WHERE project_id IS NOT NULL`,
];
