import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * For the copy of the history that CLICKHOUSE_URL names: how far it has come, who makes it, and an order in which spans
 * can be read as they come in. Logs have had an id from the beginning and events their number; a span had its start
 * alone, and comes in at its end.
 *
 * A span that is there already gets no id, which would rewrite the table: it stays where it is and is not copied. An
 * older build beside this one writes spans with ids without knowing of it. The index holds no span of before, so it is
 * made in one look at each partition.
 */
export class CopyHistory1764190000000 implements MigrationInterface {
  name = 'CopyHistory1764190000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

const statements = [
  `CREATE SEQUENCE IF NOT EXISTS spans_id_seq`,
  `ALTER TABLE spans ADD COLUMN IF NOT EXISTS id BIGINT`,
  `ALTER TABLE spans ALTER COLUMN id SET DEFAULT nextval('spans_id_seq')`,
  `CREATE INDEX IF NOT EXISTS spans_id ON spans (id) WHERE id IS NOT NULL`,
  `CREATE TABLE IF NOT EXISTS olap_copies (
    source    TEXT PRIMARY KEY,
    -- The last id (of events the number, of samples the millisecond) up to which all is there.
    position  BIGINT NOT NULL DEFAULT 0,
    copied_at TIMESTAMPTZ,
    -- Rows that retention took away before they were copied.
    lost      BIGINT NOT NULL DEFAULT 0
  )`,
  `CREATE TABLE IF NOT EXISTS olap_lease (
    id          SMALLINT PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    owner       TEXT NOT NULL DEFAULT '',
    lease_until TIMESTAMPTZ NOT NULL DEFAULT '-infinity'
  )`,
  `INSERT INTO olap_lease DEFAULT VALUES ON CONFLICT DO NOTHING`,
];
