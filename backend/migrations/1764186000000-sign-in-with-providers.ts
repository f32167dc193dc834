import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who somebody is at an OpenID Connect provider, and sign-ins that are under way there.
 *
 * An identity is (issuer, subject); an e-mail address ties nothing. A person has one at an issuer. A role that a provider
 * gives is a binding like any other, made by `identity:<id>`: that it may come and go without a second person is said here
 * to the rule of an earlier migration, for what the claims give was confirmed with the settings that map them.
 *
 * A flow is found by the hash of what the browser's cookie holds, and everything else that has to be guessed is made of
 * that: nothing in the row is of use to whoever reads it.
 *
 * An older build beside this one knows neither table and goes on; it does not know of `security.signIn` either, and lets
 * everybody in by password: update all processes before that is for owners alone. Nothing here rewrites a table.
 */
export class SignInWithProviders1764186000000 implements MigrationInterface {
  name = 'SignInWithProviders1764186000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

const statements = [
  `CREATE TABLE IF NOT EXISTS identities (
    id           UUID PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    -- As it was called when this was made; for people to read.
    provider     TEXT NOT NULL,
    email        TEXT,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_used_at TIMESTAMPTZ,
    UNIQUE (issuer, subject),
    UNIQUE (user_id, issuer)
  )`,
  `CREATE TABLE IF NOT EXISTS sign_in_flows (
    token_hash   BYTEA PRIMARY KEY,
    provider     TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    return_to    TEXT NOT NULL,
    -- Set where an identity is to be connected: with whom, and in which of their sessions it was begun.
    connects     UUID REFERENCES users(id) ON DELETE CASCADE,
    session_id   UUID,
    -- Set once the provider has said who it is, and a code of their second factor is still wanted.
    waits_for    UUID REFERENCES identities(id) ON DELETE CASCADE,
    ends_session BOOLEAN NOT NULL DEFAULT false,
    expires_at   TIMESTAMPTZ NOT NULL
  )`,
  `CREATE INDEX IF NOT EXISTS sign_in_flows_over ON sign_in_flows (expires_at)`,
  `ALTER TABLE sessions ADD COLUMN IF NOT EXISTS identity_id UUID,
     ADD COLUMN IF NOT EXISTS provider TEXT, ADD COLUMN IF NOT EXISTS provider_ends BOOLEAN`,
  `ALTER TABLE sessions DROP CONSTRAINT IF EXISTS sessions_second_factor_check`,
  `ALTER TABLE sessions ADD CONSTRAINT sessions_second_factor_check
     CHECK (second_factor IN ('app', 'recovery', 'provider')) NOT VALID`,
  `CREATE OR REPLACE FUNCTION roles_want_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_TABLE_NAME = 'role_bindings' AND TG_OP <> 'UPDATE'
         AND coalesce(to_jsonb(NEW), to_jsonb(OLD))->>'created_by' LIKE 'identity:%' THEN
        RETURN NULL;
      END IF;
      IF coalesce((second_person_rule()->>'roles')::boolean, false) AND NOT is_confirmed('roles') THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`,
];
