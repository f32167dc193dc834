import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A change of the settings, of the policies or of roles may want a second person: then it is a row here until somebody
 * else confirms it, and is applied in the transaction that says so (`applied_in`).
 *
 * The triggers are for what does not know of the rule, an older build beside this one before all: it would save at once.
 * While the rule in the latest settings names what is written, the database lets it through only in the transaction that
 * applied a proposal of that kind, and never one whose proposer confirmed it without breaking the glass. What the rule
 * does not name goes on as before, in both builds. So do the built-in roles, which every start brings up to date, and
 * what the process itself writes at its first start.
 *
 * A new table and five triggers on small ones: nothing is rewritten, and nobody waits for longer than their locks.
 */
export class ProposeChanges1764182000000 implements MigrationInterface {
  name = 'ProposeChanges1764182000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

const statements = [
  `CREATE TABLE IF NOT EXISTS proposals (
    id               UUID PRIMARY KEY,
    kind             TEXT NOT NULL CHECK (kind IN ('settings', 'policies', 'roles')),
    action           TEXT NOT NULL,
    target           TEXT NOT NULL,
    project_id       TEXT,
    base             INT,
    before           JSONB,
    after            JSONB,
    comment          TEXT NOT NULL DEFAULT '',
    trace_id         TEXT NOT NULL,
    proposed_by      TEXT NOT NULL,
    proposed_by_user UUID,
    proposed_by_name TEXT NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at       TIMESTAMPTZ NOT NULL,
    -- 'pending' says only that nobody decided: whether it is over or void by now is asked each time.
    status           TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'applied', 'refused', 'withdrawn')),
    decided_by       TEXT,
    decided_by_user  UUID,
    decided_by_name  TEXT,
    decided_at       TIMESTAMPTZ,
    decision_comment TEXT,
    is_break_glass   BOOLEAN NOT NULL DEFAULT false,
    applied_in       XID8,
    CONSTRAINT proposals_second_person CHECK (status <> 'applied' OR is_break_glass
      OR decided_by_user IS NOT NULL AND decided_by_user IS DISTINCT FROM proposed_by_user)
  )`,
  `CREATE INDEX IF NOT EXISTS proposals_waiting ON proposals (id) WHERE status = 'pending'`,
  `CREATE INDEX IF NOT EXISTS proposals_applied ON proposals (applied_in) WHERE applied_in IS NOT NULL`,
  `CREATE OR REPLACE FUNCTION second_person_rule() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT config #> '{security,secondPerson}' FROM config_versions WHERE scope = 'system' ORDER BY version DESC LIMIT 1
  $$`,
  // Of another cluster that was restored here, a number of a transaction may come again; its time does not.
  `CREATE OR REPLACE FUNCTION is_confirmed(of text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM proposals WHERE applied_in = pg_current_xact_id_if_assigned() AND kind = of
                      AND status = 'applied' AND decided_at = now())
  $$`,
  `CREATE OR REPLACE FUNCTION config_wants_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      rule jsonb := second_person_rule();
    BEGIN
      -- Written at every start, and there already.
      IF EXISTS (SELECT FROM config_versions WHERE scope = NEW.scope AND version = NEW.version) THEN
        RETURN NEW;
      END IF;
      IF NEW.scope = 'policies' AND coalesce((rule->>'policies')::boolean, false) AND NOT is_confirmed('policies')
         OR NEW.scope = 'system' AND NOT is_confirmed('settings')
            AND (coalesce((rule->>'settings')::boolean, false)
                 OR (rule @> '{"policies": true}' OR rule @> '{"roles": true}')
                    AND NEW.config #> '{security,secondPerson}' IS DISTINCT FROM rule)
      THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', NEW.scope USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$`,
  `CREATE OR REPLACE FUNCTION roles_want_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF coalesce((second_person_rule()->>'roles')::boolean, false) AND NOT is_confirmed('roles') THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`,
  `CREATE OR REPLACE TRIGGER config_wants_second_person BEFORE INSERT ON config_versions
    FOR EACH ROW WHEN (NEW.scope IN ('system', 'policies')) EXECUTE FUNCTION config_wants_second_person()`,
  `CREATE OR REPLACE TRIGGER roles_made_want_second_person AFTER INSERT ON roles
    FOR EACH ROW WHEN (NOT NEW.is_builtin) EXECUTE FUNCTION roles_want_second_person()`,
  `CREATE OR REPLACE TRIGGER roles_changed_want_second_person AFTER UPDATE ON roles
    FOR EACH ROW WHEN (NOT NEW.is_builtin) EXECUTE FUNCTION roles_want_second_person()`,
  `CREATE OR REPLACE TRIGGER roles_deleted_want_second_person AFTER DELETE ON roles
    FOR EACH ROW EXECUTE FUNCTION roles_want_second_person()`,
  `CREATE OR REPLACE TRIGGER bindings_want_second_person AFTER INSERT OR UPDATE OR DELETE ON role_bindings
    FOR EACH ROW EXECUTE FUNCTION roles_want_second_person()`,
];
