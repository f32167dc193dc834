import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Packages that are started with npx have to be listed in the settings from now on. Servers that start one already may
 * go on: they were approved under the rules of their day, and an upgrade that stops them would be undone. Such a server
 * loses the mark when it is given another command. Older code beside this writes and reads none of it: what it registers
 * meanwhile is held to the list. A column with a constant default is added at once; the table has a row a server.
 */
export class KeepLaunchesInUse1764178000000 implements MigrationInterface {
  name = 'KeepLaunchesInUse1764178000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE mcp_registry ADD COLUMN is_launch_kept boolean NOT NULL DEFAULT false`,
    );
    await runner.query(`UPDATE mcp_registry SET is_launch_kept = true WHERE command = 'npx'`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
