import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * An approval may want several people, or people of certain roles: what it wants stands in its row, and who said what
 * in a row each. One person has one vote, whatever they show (a session, a token): that is the key.
 *
 * The trigger is for what does not know of votes, an older build beside this one before all: it would take the yes of
 * one person for the decision. The database itself lets such an approval through only with its votes, or with one that
 * broke the glass. What wants one person, whoever it is, goes on as before, in both.
 *
 * Columns with a constant default are added at once, however long the table is. An older build that finds a rule with
 * `approvers` cannot read the policies, and calls no tool until it is gone: see Policies.
 */
export class CountVotes1764179000000 implements MigrationInterface {
  name = 'CountVotes1764179000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE approvals
      ADD COLUMN IF NOT EXISTS required_count INT NOT NULL DEFAULT 1,
      ADD COLUMN IF NOT EXISTS approver_roles TEXT[]`);
    await runner.query(`CREATE TABLE IF NOT EXISTS approval_votes (
      approval_id    UUID NOT NULL REFERENCES approvals(id) ON DELETE CASCADE,
      voter          TEXT NOT NULL,
      voter_user     UUID,
      voter_name     TEXT NOT NULL,
      decision       TEXT NOT NULL CHECK (decision IN ('continue', 'degrade', 'abort')),
      comment        TEXT,
      is_break_glass BOOLEAN NOT NULL DEFAULT false,
      -- Set when the approval is decided; until then it is asked anew each time.
      counted        BOOLEAN,
      created_at     TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (approval_id, voter)
    )`);
    await runner.query(`CREATE OR REPLACE FUNCTION approvals_need_votes() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF (SELECT count(*) FILTER (WHERE is_break_glass) = 0 AND count(*) < NEW.required_count
              FROM approval_votes
             WHERE approval_id = NEW.id AND decision = 'continue' AND voter_user IS NOT NULL
               AND NOT (NEW.second_person AND voter_user IS NOT DISTINCT FROM NEW.requested_by_user))
        THEN
          RAISE EXCEPTION 'the approval % wants % votes', NEW.id, NEW.required_count
            USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
      END $$`);
    await runner.query(`CREATE OR REPLACE TRIGGER approvals_need_votes BEFORE UPDATE OF status ON approvals
      FOR EACH ROW WHEN (NEW.status = 'continued' AND OLD.status <> 'continued'
                         AND (NEW.required_count > 1 OR NEW.approver_roles IS NOT NULL))
      EXECUTE FUNCTION approvals_need_votes()`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
