import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The aggregate MCP endpoint answers its lists from the last good state of every server, also after a
 * restart (`mcp_lists`), and takes the state of a request that waits for input once only, whichever process
 * it reaches (`mcp_used_states`, which holds ids of the last minutes). Both are new and start empty; older
 * code runs beside them and does not know them.
 */
export class KeepWhatServersOffer1764154800000 implements MigrationInterface {
  name = 'KeepWhatServersOffer1764154800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE mcp_lists (
      server   TEXT NOT NULL REFERENCES mcp_registry(name) ON DELETE CASCADE,
      kind     TEXT NOT NULL CHECK (kind IN ('prompts','resources','resourceTemplates')),
      items    JSONB NOT NULL,
      read_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
      PRIMARY KEY (server, kind)
    )`);
    await runner.query(`CREATE TABLE mcp_used_states (
      id          UUID PRIMARY KEY,
      expires_at  TIMESTAMPTZ NOT NULL
    )`);
    await runner.query('CREATE INDEX mcp_used_states_expiry ON mcp_used_states (expires_at)');
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only.');
  }
}
