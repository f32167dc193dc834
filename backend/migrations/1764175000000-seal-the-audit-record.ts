import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The chain over the audit record. What is written to `audit_logs` waits in `audit_unsealed` until it is sealed, by a
 * trigger: so rows of an older build that still runs beside this one are sealed as well, and `audit_logs` itself stays as
 * it is, append-only. `audit_seals` is append-only too. What is on record already is sealed by the first process that
 * starts; writers wait for the copy of its ids, which takes about a second a million.
 */
export class SealTheAuditRecord1764175000000 implements MigrationInterface {
  name = 'SealTheAuditRecord1764175000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE audit_unsealed (audit_id bigint PRIMARY KEY)`);
    await runner.query(`
      CREATE TABLE audit_seals (
        seq      bigint PRIMARY KEY,
        audit_id bigint NOT NULL UNIQUE,
        hash     bytea  NOT NULL CHECK (octet_length(hash) = 32))`);
    await runner.query(`
      CREATE FUNCTION audit_seals_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'audit_seals is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END $$`);
    await runner.query(`CREATE TRIGGER audit_seals_no_change BEFORE UPDATE OR DELETE ON audit_seals
      FOR EACH ROW EXECUTE FUNCTION audit_seals_append_only()`);
    await runner.query(`CREATE TRIGGER audit_seals_no_truncate BEFORE TRUNCATE ON audit_seals
      FOR EACH STATEMENT EXECUTE FUNCTION audit_seals_append_only()`);
    await runner.query(`
      CREATE FUNCTION audit_logs_await_seal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO audit_unsealed (audit_id) VALUES (NEW.id);
      RETURN NULL;
    END $$`);
    await runner.query(`CREATE TRIGGER audit_logs_wait AFTER INSERT ON audit_logs
      FOR EACH ROW EXECUTE FUNCTION audit_logs_await_seal()`);
    await runner.query(`INSERT INTO audit_unsealed SELECT id FROM audit_logs`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
