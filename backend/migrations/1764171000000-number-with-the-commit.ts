import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * An event that has nobody in front of it gets its number from the transaction that writes it, right before its
 * COMMIT (see Relay). That takes less than `stamp_events`: which rows they are is known, and they are not read again.
 *
 *   take_numbers   so many numbers in a row, and the first of them; null when somebody else is numbering. The row of
 *                  relay_state stays locked until the commit, so these numbers become visible after all lower ones.
 *                  The commit waits for the disk, and may therefore pass `reserved_seq`; it then reserves anew.
 *   lock_traces    the Outbox's locks on the traces. True when no event of theirs waits for a number: as nobody else
 *                  can append to them until this transaction ends, that stays true. It is a function because each
 *                  statement of one sees what was committed while it waited for the locks; `ORDER BY seq DESC` gives
 *                  those without a number first, by the index.
 *   number_events  numbers rows of this very transaction, all or none.
 *
 * Nothing of a table changes. A relay of the build before this one may run beside it: both lock the row of
 * relay_state and the same keys for traces.
 */
const TAKE_NUMBERS = `
CREATE FUNCTION take_numbers(many bigint, reserve bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  up_to bigint;
  is_reserved boolean;
BEGIN
  UPDATE relay_state AS r SET last_seq = n.up_to,
         reserved_seq = CASE WHEN n.up_to > r.reserved_seq THEN n.up_to + reserve ELSE r.reserved_seq END
    FROM (SELECT s.id, s.reserved_seq, many + CASE WHEN EXISTS (SELECT 1 FROM relay_alive) THEN s.last_seq
                                  ELSE greatest(s.last_seq, s.reserved_seq) END AS up_to
            FROM relay_state s WHERE s.id = 1 FOR UPDATE OF s SKIP LOCKED) AS n
   WHERE r.id = n.id RETURNING n.up_to, n.up_to > n.reserved_seq INTO up_to, is_reserved;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF is_reserved THEN INSERT INTO relay_alive VALUES (1) ON CONFLICT DO NOTHING; END IF;
  RETURN up_to - many + 1;
END $$`;

const settings =
  'SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off';

const LOCK_TRACES = `
CREATE FUNCTION lock_traces(traces text[]) RETURNS boolean LANGUAGE plpgsql ${settings} AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(t, 726301)) FROM unnest(traces) AS t;
  RETURN NOT EXISTS (SELECT 1 FROM unnest(traces) AS t
    WHERE (SELECT e.seq IS NULL FROM events e WHERE e.trace_id = t ORDER BY e.seq DESC LIMIT 1));
END $$`;

const NUMBER_EVENTS = `
CREATE FUNCTION number_events(ids bigint[], reserve bigint) RETURNS bigint LANGUAGE plpgsql ${settings} AS $$
DECLARE
  first_seq bigint := take_numbers(cardinality(ids), reserve);
BEGIN
  IF first_seq IS NOT NULL THEN
    UPDATE events e SET seq = first_seq + array_position(ids, e.id) - 1
     WHERE e.id = ANY (ids) AND e.created_at = now();
  END IF;
  RETURN first_seq;
END $$`;

export class NumberWithTheCommit1764171000000 implements MigrationInterface {
  readonly name = 'NumberWithTheCommit1764171000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TAKE_NUMBERS);
    await runner.query(LOCK_TRACES);
    await runner.query(NUMBER_EVENTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION number_events(bigint[], bigint)');
    await runner.query('DROP FUNCTION lock_traces(text[])');
    await runner.query('DROP FUNCTION take_numbers(bigint, bigint)');
  }
}
