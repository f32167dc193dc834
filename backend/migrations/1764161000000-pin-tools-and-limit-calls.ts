import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Pins of tool definitions, limits and sign-in of servers, approvals of calls outside runs, shared counts.
 *
 * Old code beside it: reads the same columns as before. It knows no pins, so until it is gone a tool that was
 * switched off for a changed definition can be called through it, and its re-reading of a server's tools
 * overwrites a pinned definition; it joins approvals to their jobs, so it does not see those of calls; it
 * would take a server of the transport `openapi` for one over HTTP and fail to reach it.
 *
 * A large `approvals` table: dropping NOT NULL and adding columns with constant defaults rewrites nothing; the new
 * check is validated by one scan, under the lock.
 */
export class PinToolsAndLimitCalls1764161000000 implements MigrationInterface {
  name = 'PinToolsAndLimitCalls1764161000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

const statements = [
  `ALTER TABLE mcp_tools
     ADD COLUMN pin_state text NOT NULL DEFAULT 'pinned' CHECK (pin_state IN ('pinned', 'changed', 'quarantined')),
     ADD COLUMN seen_definition jsonb,
     ADD COLUMN seen_hash text,
     ADD COLUMN hidden_text jsonb NOT NULL DEFAULT '[]',
     ADD COLUMN pin_changed_at timestamptz,
     ADD COLUMN pinned_by text`,
  `CREATE INDEX mcp_tools_waiting ON mcp_tools (server, name) WHERE pin_state <> 'pinned'`,
  `ALTER TABLE mcp_registry
     ADD COLUMN limits jsonb NOT NULL DEFAULT '{}',
     ADD COLUMN auth jsonb,
     ADD COLUMN openapi jsonb`,
  `ALTER TABLE mcp_registry DROP CONSTRAINT mcp_registry_transport_check`,
  `ALTER TABLE mcp_registry ADD CONSTRAINT mcp_registry_transport_check
     CHECK (transport IN ('http', 'sse', 'stdio', 'builtin', 'agent', 'openapi'))`,
  `ALTER TABLE approvals ALTER COLUMN job_id DROP NOT NULL, ADD COLUMN used_at timestamptz`,
  `ALTER TABLE approvals DROP CONSTRAINT approvals_kind_check`,
  `ALTER TABLE approvals ADD CONSTRAINT approvals_kind_check CHECK (kind IN ('policy', 'open-call', 'call'))`,
  // The shape is that of rate-limiter-flexible. Lost counts cost nothing but a window, so no WAL is written.
  `CREATE UNLOGGED TABLE rate_limits (key varchar(255) PRIMARY KEY, points integer NOT NULL DEFAULT 0, expire bigint)`,
];
