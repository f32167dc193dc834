import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * `replicas` of an agent begins to mean something: so many of its tasks run at a time, over all processes.
 *
 * A queued job of an agent that is full has `awaits_replica`, which takes it out of the index that claims walk: a thousand of them
 * cost the claims of others nothing, and each is looked at once. Two parts of the database see to it, so that an older
 * build beside this one, which knows nothing of it, keeps to it too:
 *  - claim_jobs locks the agents of what it found, and holds back what is one too many, with everything else that is
 *    queued for an agent that turned out to be full. It goes on with what stands behind, so a full agent hides no other's jobs.
 *  - Whatever leaves a place of an agent free (a job that ends, waits, or is put off; a cancel of one that was to be
 *    claimed) lets the next one go, in the same transaction. It locks the agent too: either the claim sees the place, or
 *    the one who leaves it sees what was held back. Both take the locks in one order, jobs first and then agents, and
 *    pass over jobs that others have locked; a worker looks now and then for what was passed over (Queue.letGo).
 *
 * A job that goes on after waiting comes before those that have not begun.
 *
 * The operator of a table with many millions of jobs makes the column and the three indexes by hand before the update,
 * these CONCURRENTLY: then the statements below find them. Otherwise nothing reads or writes the table meanwhile, about a
 * second per million rows.
 */
export class LetAgentsBeScaled1764181000000 implements MigrationInterface {
  name = 'LetAgentsBeScaled1764181000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

const walkTheIndex = ['seqscan', 'bitmapscan', 'sort', 'hashjoin', 'mergejoin']
  .map((way) => `SET enable_${way} = off`)
  .concat('SET jit = off')
  .join(' ');

const statements = [
  `ALTER TABLE jobs ADD COLUMN IF NOT EXISTS awaits_replica BOOLEAN NOT NULL DEFAULT false`,
  `CREATE INDEX IF NOT EXISTS jobs_next ON jobs (priority DESC, run_at, id) WHERE status = 'queued' AND NOT awaits_replica`,
  `CREATE INDEX IF NOT EXISTS jobs_awaiting_replica ON jobs (agent_id, (started_at IS NULL), priority DESC, run_at, id)
    WHERE awaits_replica AND status = 'queued'`,
  `CREATE INDEX IF NOT EXISTS jobs_of_agent ON jobs (agent_id)
    WHERE agent_id IS NOT NULL AND status IN ('queued', 'running') AND NOT awaits_replica`,
  `DROP INDEX jobs_claim`,
  `CREATE OR REPLACE FUNCTION claim_jobs(most int, kinds text[], owner text, lease_ms float8) RETURNS SETOF jobs
    LANGUAGE plpgsql ROWS 100 ${walkTheIndex} AS $$
    DECLARE
      found_ids bigint[];
      of_agents bigint[];
      full_agents bigint[];
      claimed int;
      taken int := 0;
    BEGIN
      LOOP
        SELECT array_agg(n.id), array_agg(DISTINCT n.agent_id) FILTER (WHERE n.agent_id IS NOT NULL)
          INTO found_ids, of_agents
          FROM (SELECT q.id, q.agent_id FROM jobs q WHERE q.status = 'queued' AND NOT q.awaits_replica AND q.kind = ANY(kinds)
                 ORDER BY q.priority DESC, q.run_at, q.id LIMIT most - taken FOR UPDATE SKIP LOCKED) AS n;
        EXIT WHEN found_ids IS NULL;
        full_agents := NULL;
        IF of_agents IS NOT NULL THEN
          PERFORM 1 FROM agents a WHERE a.id = ANY(of_agents) ORDER BY a.id FOR NO KEY UPDATE;
          WITH turn AS (
            SELECT j.id, j.agent_id,
                   row_number() OVER (PARTITION BY j.agent_id ORDER BY j.started_at IS NULL, j.priority DESC, j.run_at, j.id) AS place
              FROM jobs j WHERE j.id = ANY(found_ids) AND j.agent_id IS NOT NULL),
          surplus AS (
            SELECT turn.id, turn.agent_id FROM turn JOIN agents a ON a.id = turn.agent_id
             WHERE turn.place > a.replicas - (SELECT count(*) FROM jobs r WHERE r.agent_id = a.id AND r.status = 'running' AND NOT r.awaits_replica)),
          held AS (UPDATE jobs h SET awaits_replica = true FROM surplus WHERE h.id = surplus.id RETURNING h.agent_id)
          SELECT array_agg(DISTINCT held.agent_id) INTO full_agents FROM held;
        END IF;
        RETURN QUERY
        UPDATE jobs j SET status = 'running', lease_owner = owner,
               lease_until = now() + lease_ms * interval '1 millisecond', fence = j.fence + 1,
               attempts = j.attempts + 1, claimed_at = now(), started_at = coalesce(j.started_at, now())
         WHERE j.id = ANY(found_ids) AND NOT j.awaits_replica RETURNING j.*;
        GET DIAGNOSTICS claimed = ROW_COUNT;
        taken := taken + claimed;
        EXIT WHEN full_agents IS NULL OR taken >= most;
        UPDATE jobs h SET awaits_replica = true WHERE h.id IN (
          SELECT q.id FROM jobs q WHERE q.agent_id = ANY(full_agents) AND q.status = 'queued' AND NOT q.awaits_replica
           LIMIT 1000 FOR UPDATE SKIP LOCKED);
      END LOOP;
    END $$`,
  `CREATE FUNCTION let_go(agent bigint, most int) RETURNS int LANGUAGE plpgsql AS $$
    DECLARE
      gone int;
    BEGIN
      PERFORM 1 FROM agents a WHERE a.id = agent FOR NO KEY UPDATE;
      UPDATE jobs h SET awaits_replica = false WHERE h.id IN (
        SELECT q.id FROM jobs q WHERE q.agent_id = agent AND q.awaits_replica AND q.status = 'queued'
         ORDER BY q.started_at IS NULL, q.priority DESC, q.run_at, q.id LIMIT most FOR UPDATE SKIP LOCKED);
      GET DIAGNOSTICS gone = ROW_COUNT;
      RETURN gone;
    END $$`,
  `CREATE FUNCTION let_next_go() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM let_go(NEW.agent_id, 1);
      RETURN NULL;
    END $$`,
  `CREATE TRIGGER jobs_let_next_go AFTER UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.agent_id IS NOT NULL AND OLD.status IN ('queued', 'running') AND NOT OLD.awaits_replica
          AND NEW.status NOT IN ('queued', 'running'))
    EXECUTE FUNCTION let_next_go()`,
];
