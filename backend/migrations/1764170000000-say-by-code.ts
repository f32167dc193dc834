import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What AOS says in an answer of a conversation, and why an approval is asked for, is kept by its code beside the
 * English, so that the console can say it in its own language. Rows from before have none, nor have those that older
 * code writes while both run: their English is shown. A column without a default is added at once, however large the
 * table is; only a transaction that holds the table for long would keep it, and everybody behind it, waiting.
 */
export class SayByCode1764170000000 implements MigrationInterface {
  name = 'SayByCode1764170000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE messages ADD COLUMN said jsonb`);
    await runner.query(`ALTER TABLE approvals ADD COLUMN said jsonb`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
