import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Names of secrets that wait for their value, beside the secrets themselves.
 *
 * Why: whoever plans what a run needs is seldom the one who holds the key. A table of its own leaves `secrets` what
 * it was, rows that all open, so code from before this, which knows no other, takes a waiting name for unknown.
 */
export class NameSecretsFirst1764172000000 implements MigrationInterface {
  name = 'NameSecretsFirst1764172000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE secret_names (
        name text NOT NULL,
        project_id text REFERENCES projects (id) ON DELETE CASCADE,
        purpose text NOT NULL DEFAULT '',
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE NULLS NOT DISTINCT (project_id, name)
      )`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
