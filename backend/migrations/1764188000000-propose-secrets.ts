import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Values of secrets may want a second person too. One that waits is kept beside its proposal, encrypted as every secret
 * is, and goes in the transaction that decides the proposal or takes away what it was made on: by triggers, so that an
 * older build beside this one that withdraws it, or writes the secret, leaves none behind.
 *
 * As for the settings, the database itself refuses what does not know of the rule. That a secret was used, and what it
 * is for, is written as before. So that an older build cannot turn the rule off alone, a change of it is held as soon as
 * any part of it is on, also one that is not known here.
 *
 * A new table and triggers on small ones: nothing is rewritten.
 */
export class ProposeSecrets1764188000000 implements MigrationInterface {
  name = 'ProposeSecrets1764188000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

const statements = [
  `ALTER TABLE proposals DROP CONSTRAINT IF EXISTS proposals_kind_check`,
  `ALTER TABLE proposals ADD CONSTRAINT proposals_kind_check
     CHECK (kind IN ('settings', 'policies', 'roles', 'secrets')) NOT VALID`,
  `CREATE TABLE IF NOT EXISTS proposed_secrets (
    proposal_id UUID PRIMARY KEY REFERENCES proposals(id) ON DELETE CASCADE,
    ciphertext  BYTEA NOT NULL,
    wrapped_key BYTEA NOT NULL,
    key_id      TEXT NOT NULL
  )`,
  `CREATE OR REPLACE FUNCTION forget_proposed_secret() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      DELETE FROM proposed_secrets WHERE proposal_id = NEW.id;
      RETURN NULL;
    END $$`,
  // At the commit: what is confirmed is written by the value that this takes away.
  `DROP TRIGGER IF EXISTS decided_secrets_are_forgotten ON proposals`,
  `CREATE CONSTRAINT TRIGGER decided_secrets_are_forgotten AFTER UPDATE ON proposals DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind = 'secrets' AND NEW.status <> 'pending') EXECUTE FUNCTION forget_proposed_secret()`,
  `CREATE OR REPLACE FUNCTION secrets_want_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      it secrets := coalesce(NEW, OLD);
    BEGIN
      IF coalesce((second_person_rule()->>'secrets')::boolean, false) AND NOT is_confirmed('secrets') THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      DELETE FROM proposed_secrets v USING proposals p
       WHERE p.id = v.proposal_id AND p.target = 'secret:' || it.name AND p.project_id IS NOT DISTINCT FROM it.project_id;
      RETURN NULL;
    END $$`,
  `CREATE OR REPLACE TRIGGER secrets_made_want_second_person AFTER INSERT OR DELETE ON secrets
    FOR EACH ROW EXECUTE FUNCTION secrets_want_second_person()`,
  `CREATE OR REPLACE TRIGGER secrets_changed_want_second_person
    AFTER UPDATE OF id, name, project_id, version, ciphertext, wrapped_key, key_id ON secrets
    FOR EACH ROW EXECUTE FUNCTION secrets_want_second_person()`,
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
                 OR NEW.config #> '{security,secondPerson}' IS DISTINCT FROM rule
                    AND EXISTS (SELECT FROM jsonb_each(rule) WHERE value = 'true'))
      THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', NEW.scope USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$`,
];
