import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Conversations get a version, so that two people who rename one see each other.
 *
 * Why: a changeable document carries its version (ETag, If-Match). A column with a constant default is added
 * without rewriting the table; code from before it neither reads nor writes it and can run beside it.
 */
export class NumberConversations1764165000000 implements MigrationInterface {
  name = 'NumberConversations1764165000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE conversations ADD COLUMN version INT NOT NULL DEFAULT 1');
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
