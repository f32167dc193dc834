import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What people and agents remember, in words.
 *
 * Why: `mem_embeddings` had a place for a vector and none for the sentence that it stands for. The sentence comes
 * first, with its kind and its version; the vector joins the same row where pgvector is there. A person's profile
 * is a document of its own, as only they read and write it. Variables get the moment of their last change, and
 * roles a version.
 *
 * Text is searched without an extension, as the embedded database has none to offer for it: every two characters
 * that stand side by side are an entry of a GIN index, which works for Chinese, where words are not set apart, as
 * well as for English. The index narrows the rows down; ILIKE then decides.
 *
 * Large tables: new columns have constant defaults and rewrite nothing; the tables are empty before this version.
 * The build before this one reads and writes none of what is added, and can run beside it.
 */
export class Remember1764164000000 implements MigrationInterface {
  name = 'Remember1764164000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

const statements = [
  `ALTER TABLE mem_embeddings
     ADD COLUMN kind       TEXT NOT NULL DEFAULT 'fact',
     ADD COLUMN text       TEXT NOT NULL DEFAULT '',
     ADD COLUMN version    INT NOT NULL DEFAULT 1,
     ADD COLUMN created_by TEXT NOT NULL DEFAULT 'system',
     ADD COLUMN created_at TIMESTAMPTZ NOT NULL DEFAULT now()`,
  `CREATE FUNCTION memory_grams(whole TEXT) RETURNS TEXT[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
     SELECT coalesce(array_agg(DISTINCT one || next), '{}')
       FROM (SELECT one, lead(one) OVER (ORDER BY n) AS next
               FROM regexp_split_to_table(lower(whole), '') WITH ORDINALITY AS chars (one, n)) AS pairs
      WHERE next IS NOT NULL
   $$`,
  `CREATE INDEX mem_embeddings_grams ON mem_embeddings
     USING gin (memory_grams(coalesce(subject, '') || ' ' || text))`,
  `CREATE INDEX mem_embeddings_project ON mem_embeddings (project_id, id)`,
  `CREATE TABLE user_profiles (
     user_id     UUID PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
     profile     JSONB NOT NULL,
     version     INT NOT NULL DEFAULT 1,
     updated_at  TIMESTAMPTZ NOT NULL DEFAULT now()
   )`,
  `ALTER TABLE project_vars ADD COLUMN updated_at TIMESTAMPTZ NOT NULL DEFAULT now()`,
  // A role can be edited now, and is a changeable document like others.
  `ALTER TABLE roles ADD COLUMN version INT NOT NULL DEFAULT 1`,
];
