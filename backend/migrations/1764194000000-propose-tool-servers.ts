import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Tool servers may want a second person too: which there are, where and with what they are reached, what they may do, and
 * which definitions of their tools hold.
 *
 * As for the other kinds, the database itself refuses what does not know of the rule. What a process writes by itself goes
 * on, in both builds: a server's health, the tools that it leaves out, what it tells of its tools by now, the built-in servers
 * of every start. A tool that is new at a server which is there already is switched off until its definition is confirmed,
 * where it was let in before; an older build beside this one does not know that, so the row is turned over here.
 *
 * A new table and triggers on small ones: nothing is rewritten.
 */
export class ProposeToolServers1764194000000 implements MigrationInterface {
  name = 'ProposeToolServers1764194000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

/** What calls are made by and decided on; not what is seen of a server from time to time. */
const held =
  `base_url, description, capabilities, auth_token, timeout_ms, transport, command, args, idempotent_tools, use_prefix,
  is_enabled, agent_id, limits, auth, openapi, is_launch_kept, created_at`
    .split(',')
    .map((column) => column.trim());
/** Where a built-in server is belongs to the build, and is written at its start. */
const rowOf = (row: string) =>
  `ROW(${held
    .map((column) =>
      column === 'base_url'
        ? `CASE WHEN ${row}.transport <> 'builtin' THEN ${row}.base_url END`
        : `${row}.${column}`,
    )
    .join(', ')}, ${row}.name)`;

const statements = [
  `ALTER TABLE proposals DROP CONSTRAINT IF EXISTS proposals_kind_check`,
  `ALTER TABLE proposals ADD CONSTRAINT proposals_kind_check
     CHECK (kind IN ('settings', 'policies', 'roles', 'secrets', 'servers')) NOT VALID`,
  // The service of an OpenAPI document as it would be kept: nothing of it is fetched again. The proposal has its hash.
  `CREATE TABLE IF NOT EXISTS proposed_services (
    proposal_id UUID PRIMARY KEY REFERENCES proposals(id) ON DELETE CASCADE,
    service     JSONB NOT NULL
  )`,
  `CREATE OR REPLACE FUNCTION servers_are_held() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((second_person_rule()->>'servers')::boolean, false) AND NOT is_confirmed('servers')
  $$`,
  // What the hash of a definition is made of.
  `CREATE OR REPLACE FUNCTION held_definition(definition jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(definition->'name', definition->'title', definition->'description', definition->'inputSchema',
                             definition->'outputSchema', definition->'annotations')
  $$`,
  `CREATE OR REPLACE FUNCTION servers_want_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF servers_are_held() THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`,
  `CREATE OR REPLACE TRIGGER servers_made_want_second_person AFTER INSERT ON mcp_registry
    FOR EACH ROW WHEN (NEW.transport <> 'builtin') EXECUTE FUNCTION servers_want_second_person()`,
  `CREATE OR REPLACE TRIGGER servers_removed_want_second_person AFTER DELETE ON mcp_registry
    FOR EACH ROW EXECUTE FUNCTION servers_want_second_person()`,
  `CREATE OR REPLACE TRIGGER servers_changed_want_second_person AFTER UPDATE OF ${held.join(', ')}, name ON mcp_registry
    FOR EACH ROW WHEN (${rowOf('NEW')} IS DISTINCT FROM ${rowOf('OLD')}) EXECUTE FUNCTION servers_want_second_person()`,
  // Of AOS's own servers the definitions come with the build.
  `CREATE OR REPLACE FUNCTION new_tools_want_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT FROM mcp_tools WHERE server = NEW.server AND name = NEW.name)
         AND NOT EXISTS (SELECT FROM mcp_registry WHERE name = NEW.server AND transport IN ('builtin', 'agent'))
         AND servers_are_held()
      THEN
        NEW.pin_state := 'quarantined';
      END IF;
      RETURN NEW;
    END $$`,
  `CREATE OR REPLACE TRIGGER new_tools_want_second_person BEFORE INSERT ON mcp_tools
    FOR EACH ROW WHEN (NEW.pin_state <> 'quarantined') EXECUTE FUNCTION new_tools_want_second_person()`,
  `CREATE OR REPLACE FUNCTION tools_want_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (NEW.server <> OLD.server OR NEW.name <> OLD.name
          OR NEW.is_read_only AND NOT OLD.is_read_only OR NEW.is_idempotent AND NOT OLD.is_idempotent
          -- One that was let in goes off and on again with the definition that it was let in with, and with no other.
          OR NEW.pin_state <> 'quarantined'
             AND (OLD.pin_state = 'quarantined' OR held_definition(NEW.definition) <> held_definition(OLD.definition)
                  OR NEW.told_hash = NEW.definition_hash
                     AND held_definition(NEW.told::jsonb) IS DISTINCT FROM held_definition(NEW.definition)))
         AND EXISTS (SELECT FROM mcp_registry
                      WHERE name IN (OLD.server, NEW.server) AND transport NOT IN ('builtin', 'agent'))
         AND servers_are_held()
      THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`,
  `CREATE OR REPLACE TRIGGER tools_want_second_person AFTER UPDATE ON mcp_tools
    FOR EACH ROW EXECUTE FUNCTION tools_want_second_person()`,
];
