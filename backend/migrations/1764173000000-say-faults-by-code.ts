import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Why a step of a run failed, and why a call of a tool did, is kept by its code beside the English, so that the console
 * can say it in its own language. Rows from before have none, nor have those that older code writes while both run:
 * their English is shown. A column without a default is added at once, to every partition of the calls too, however
 * large they are; only a transaction that holds a table for long would keep it, and everybody behind it, waiting.
 */
export class SayFaultsByCode1764173000000 implements MigrationInterface {
  name = 'SayFaultsByCode1764173000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE job_steps ADD COLUMN error_said jsonb`);
    await runner.query(`ALTER TABLE tool_calls ADD COLUMN error_said jsonb`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
