import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Of which version of an item the vector is, and which model made it.
 *
 * Why: vectors are made behind the change, by a model that may be away or be exchanged; those of two models cannot be
 * compared. An item whose text changed has a newer version than its vector, whoever changed it: an older build beside this
 * one knows nothing of vectors, and needs to do nothing for them. A claim ends by itself, so that a killed process keeps none.
 *
 * New columns with a constant default do not rewrite the table; the two indexes are for what still waits.
 */
export class SearchMemoryByMeaning1764192000000 implements MigrationInterface {
  name = 'SearchMemoryByMeaning1764192000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

const statements = [
  `ALTER TABLE mem_embeddings
     ADD COLUMN IF NOT EXISTS embedded_version INTEGER NOT NULL DEFAULT 0,
     ADD COLUMN IF NOT EXISTS embedded_by TEXT NOT NULL DEFAULT '',
     ADD COLUMN IF NOT EXISTS embedding_claimed_until TIMESTAMPTZ`,
  `CREATE INDEX IF NOT EXISTS mem_embeddings_changed ON mem_embeddings (id) WHERE embedded_version <> version`,
  `CREATE INDEX IF NOT EXISTS mem_embeddings_by ON mem_embeddings (embedded_by)`,
];
