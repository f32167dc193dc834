import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which tools of a server are left out, and why, is kept with the server, where people look for them; it was in the log
 * alone. Older code beside this writes and reads none of it. A column with a constant default is added at once; the
 * table has a row a server.
 */
export class TellOfToolsLeftOut1764174000000 implements MigrationInterface {
  name = 'TellOfToolsLeftOut1764174000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE mcp_registry ADD COLUMN left_out jsonb NOT NULL DEFAULT '[]'`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
