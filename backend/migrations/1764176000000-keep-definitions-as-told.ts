import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The definition of a tool as its server told it last, in its own order, beside the one that is pinned: jsonb sorts what
 * an object holds, and a form or a model read the properties of a tool in another order than its author has given them.
 *
 * It is shown where its hash is that of the pinned definition, so that older code beside this, which writes none of it,
 * makes it out of date and never wrong. Rows from before have none until their server is asked again. A column without
 * a default is added at once.
 */
export class KeepDefinitionsAsTold1764176000000 implements MigrationInterface {
  name = 'KeepDefinitionsAsTold1764176000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE mcp_tools ADD COLUMN told json, ADD COLUMN told_hash text`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
