import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A second factor of a person: the secret of their app, encrypted under the master key, and the hashes of their recovery
 * codes. `last_step` is the newest half minute of which a code was taken: no code counts twice, nor one that is older.
 *
 * The trigger is for what does not know of second factors, an older build beside this one before all: it would let in
 * by the password alone. The database itself takes a session of somebody with a second factor only when it says by what
 * that was shown. What an older build does not do is to lead those to set one up of whom the settings want it: update
 * all processes before that is asked of anybody.
 *
 * Nothing here rewrites a table.
 */
export class KeepSecondFactors1764184000000 implements MigrationInterface {
  name = 'KeepSecondFactors1764184000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE IF NOT EXISTS second_factors (
      user_id      UUID PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
      ciphertext   BYTEA NOT NULL,
      key_id       TEXT NOT NULL,
      -- Null until a code of it was shown: it asks nothing of anybody before.
      confirmed_at TIMESTAMPTZ,
      last_step    BIGINT NOT NULL DEFAULT 0,
      -- Wrong codes in a row, from wherever they came.
      failures     INT NOT NULL DEFAULT 0,
      paused_until TIMESTAMPTZ,
      created_at   TIMESTAMPTZ NOT NULL DEFAULT now()
    )`);
    await runner.query(`CREATE TABLE IF NOT EXISTS recovery_codes (
      user_id   UUID NOT NULL REFERENCES second_factors(user_id) ON DELETE CASCADE,
      code_hash BYTEA NOT NULL,
      used_at   TIMESTAMPTZ,
      PRIMARY KEY (user_id, code_hash)
    )`);
    await runner.query(`ALTER TABLE sessions ADD COLUMN IF NOT EXISTS second_factor TEXT
      CHECK (second_factor IN ('app', 'recovery'))`);
    await runner.query(`CREATE OR REPLACE FUNCTION sessions_need_second_factor() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM second_factors WHERE user_id = NEW.user_id AND confirmed_at IS NOT NULL) THEN
          RAISE EXCEPTION 'a session of this person takes a second factor' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
      END $$`);
    await runner.query(`CREATE OR REPLACE TRIGGER sessions_need_second_factor BEFORE INSERT ON sessions
      FOR EACH ROW WHEN (NEW.second_factor IS NULL) EXECUTE FUNCTION sessions_need_second_factor()`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
