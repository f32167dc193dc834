import { say } from '@aos/contracts';
import { Injectable } from '@nestjs/common';
import { bulkhead } from 'cockatiel';
import { isDatabaseAway } from '../../platform/database/away.js';
import { type Asks, Database } from '../../platform/database/database.js';
import { EmbeddedMemory } from '../../platform/database/embedded-memory.js';
import { sql } from '../../platform/database/sql.js';
import { OVERFLOW_WORDS } from '../../platform/database/stack-overflow.js';
import { ToolFault } from './builtin/tool.js';
import { NoPlace, inTurn } from './in-turn.js';
import { QueryGuard } from './query-guard.js';

/**
 * One SQL query on behalf of a tool, on the database that AOS itself lives in, without a way to AOS's own
 * tables or to the server's files.
 *
 * The text is not searched for bad words. It runs inside a function that belongs to the role `aos_reader`
 * and is SECURITY DEFINER, in a READ ONLY transaction that is always rolled back:
 *   - `aos_reader` owns nothing, cannot log in, and may read the schema `workspace` only;
 *   - inside a SECURITY DEFINER function Postgres refuses to change the role or the session's user by any
 *     means. A plain SET ROLE around the query would not do: `SELECT set_config('role', …)` undoes it, and
 *     `query_to_xml` then reads what it likes within the same statement;
 *   - the text is opened as a cursor: one statement, and only one that returns rows. COPY, DO, SET, CALL and
 *     a second statement are refused by Postgres itself; a WITH that writes fails as the transaction is
 *     read only.
 * Queries share the connections that all else of this process needs, and one may hold one for a minute; so only a few
 * run at once, the next ones wait for as long as they may take, and one that nobody waits for any more is ended.
 * What outlives a rollback is not granted where that is AOS's to say: messages in the log of changes, which a query could
 * fill the server's disk with. No row is made to its end that is longer than all that is given out.
 * Session-wide advisory locks outlive a rollback, so a query must not leave any behind: on a server, where the
 * connection is this query's alone, they are given back, and a query that holds any for long is ended (see QueryGuard);
 * the embedded database has one session for all, so there the functions that take them are not granted.
 *
 * The embedded database runs inside this process and knows no statement timeout, so a query that would take
 * too long must not begin: there it is planned first, and refused when the planner expects more than
 * `MOST_EMBEDDED_COST`, or cannot foresee an end: of a recursion, or of a series whose bounds show only while it runs.
 * `pg_sleep`, and what runs the text of another query, are not granted. What queries may take of the process's memory
 * is bounded (see EmbeddedMemory), and with it how long one function works on one text. That the planner is far off is
 * not prevented there. Of rows that are too long to be given, no database sends more than the length.
 */
const MOST_EMBEDDED_COST = 1_000_000;
/** What the planner takes for the length of a series that it cannot foresee. */
const UNFORESEEN_ROWS = 1000;
const MOST_PARAMETERS = 10;
/**
 * Signs of operators behind each other. Postgres reads on to the end of such a run at each comment that begins in it, and
 * cannot be stopped while it reads: a hundred thousand take it twenty seconds.
 */
const MOST_SIGNS = 1000;
const tooManySigns = new RegExp(`[-+*/<>=~!@#%^&|\`?]{${MOST_SIGNS + 1}}`);
const MOST_BYTES = 512 * 1024;
/** A third of the connections that a process has. */
const MOST_AT_ONCE = 4;
/** By which the queries of tools may make the embedded database grow, all together. */
const MOST_EMBEDDED_GROWTH = 128 * 1024 * 1024;

export interface ReadOnlyRows {
  columns: string[];
  rows: unknown[][];
  truncated: boolean;
}

@Injectable()
export class ReadOnlySql {
  private prepared: Promise<void> | undefined;

  private readonly places = bulkhead(MOST_AT_ONCE, Infinity);
  private readonly memory: EmbeddedMemory | undefined;
  private readonly locks: Asks | undefined;

  constructor(private readonly database: Database) {
    this.memory = database.lite && new EmbeddedMemory(database.lite, MOST_EMBEDDED_GROWTH);
    this.locks = database.kind === 'server' ? database.ownLine('query-locks') : undefined;
  }

  async query(
    text: string,
    params: unknown[],
    limits: { maxRows: number; timeoutMs: number },
    signal?: AbortSignal,
  ): Promise<ReadOnlyRows> {
    if (params.length > MOST_PARAMETERS)
      throw new ToolFault(
        'too_many_parameters',
        say('query-many-parameters', { most: MOST_PARAMETERS }),
      );
    if (tooManySigns.test(text))
      throw new ToolFault('query_too_costly', say('query-signs', { most: MOST_SIGNS }));
    await this.prepare();
    signal?.throwIfAborted();
    const values = params.map(toText);
    const { timeoutMs } = limits;
    return inTurn(this.places, { timeoutMs, signal }, () =>
      this.ask(text, values, limits, signal),
    ).catch((error: unknown) => {
      if (error instanceof NoPlace) throw new ToolFault('query_busy', say('query-busy'));
      throw error;
    });
  }

  private ask(
    text: string,
    values: (string | null)[],
    limits: { maxRows: number; timeoutMs: number },
    signal: AbortSignal | undefined,
  ): Promise<ReadOnlyRows> {
    return this.readOnly(limits.timeoutMs, signal, async (run) => {
      if (this.database.kind === 'embedded') await this.refuseCostly(run, text, values);
      const rows = await run(text, values, limits.maxRows + 1);
      const kept: Cell[][] = [];
      for (const row of rows.slice(0, limits.maxRows)) {
        if (row === null) break;
        kept.push(exactly(row) as Cell[]);
      }
      return {
        columns: (kept[0] ?? []).map(([column]) => column),
        rows: kept.map((row) => row.map(([, value]) => value)),
        truncated: kept.length < rows.length,
      };
    });
  }

  private async readOnly<T>(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    work: (run: Run) => Promise<T>,
  ): Promise<T> {
    let answer: { value: T } | { error: unknown } | undefined;
    await this.database
      .transaction(async (tx) => {
        await sql(tx, 'SET TRANSACTION READ ONLY');
        await sql(tx, `SET LOCAL statement_timeout = ${Math.max(1, Math.floor(timeoutMs))}`);
        await sql(tx, boundFiles);
        const run: Run = async (text, values, maxRows) => {
          const result = await sql<{ row: string | null }>(
            tx,
            // As pairs: several columns may have one name, as in `SELECT count(*), count(x)`.
            `SELECT CASE WHEN sum(octet_length(row)) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) <= $4 AND NOT isLonger
                         THEN row END AS row
               FROM (SELECT n, r IS NULL AS isLonger, coalesce((SELECT json_agg(json_build_array(key, value)) FROM json_each(r)), '[]')::text AS row
                       FROM workspace.aos_read($1, $2::text[], $3) WITH ORDINALITY AS t (r, n)) AS rows ORDER BY n`,
            [text, padded(values), maxRows, MOST_BYTES],
          );
          return result.rows.map((each) => each.row);
        };
        await sql(tx, 'SAVEPOINT before_query');
        const guard = this.locks && (await QueryGuard.over(tx, this.locks, signal));
        try {
          const working = () => work(run);
          answer = { value: await (this.memory?.bounded(working) ?? working()) };
        } catch (error) {
          const isHolding = await guard?.end();
          answer = {
            error: isHolding ? new ToolFault('query_refused', say('query-locks')) : error,
          };
          await sql(tx, 'ROLLBACK TO SAVEPOINT before_query');
        }
        await guard?.end();
        if (this.database.kind === 'server') await sql(tx, 'SELECT pg_advisory_unlock_all()');
        throw new RolledBack();
      })
      .catch((error: unknown) => {
        // A query can have its own connection ended (`transaction_timeout`): what it died of is known then.
        if (error instanceof RolledBack || answer) return;
        throw isDatabaseAway(error) ? databaseAway(error) : error;
      });
    if (answer && 'value' in answer) return answer.value;
    throw toFault(answer?.error);
  }

  private async refuseCostly(run: Run, text: string, values: (string | null)[]): Promise<void> {
    const [row] = await run(`EXPLAIN (FORMAT JSON, VERBOSE) ${text}`, values, 1);
    if (row === null) throw new ToolFault('query_too_costly', say('query-costly'));
    const [cell] = JSON.parse(row ?? '[]') as [string, { Plan: PlanNode }[]][];
    const plan = cell?.[1][0]?.Plan;
    if (!plan) return;
    const cost = plan['Total Cost'];
    if (cost > MOST_EMBEDDED_COST || hasNoForeseenEnd(plan))
      throw new ToolFault('query_too_costly', say('query-costly'));
  }

  /** Makes the role and the function once per database; several processes may do it at the same time. */
  private async prepare(): Promise<void> {
    this.prepared ??= this.make().catch((error: unknown) => {
      this.prepared = undefined;
      throw new ToolFault(
        'database_unavailable',
        say('query-unavailable', { why: (error as Error).message }),
        { cause: error },
      );
    });
    await this.prepared;
  }

  private async make(): Promise<void> {
    await this.database.transaction(async (tx) => {
      await sql(tx, `SELECT pg_advisory_xact_lock(726303)`);
      for (const statement of setUp) await sql(tx, statement);
      if (this.database.kind === 'embedded') await sql(tx, withoutWaiting);
    });
  }
}

/** A column's name, and what stands there. */
type Cell = [string, unknown];

/** JSON whose numbers are told as text where a JavaScript number is another one: ids beyond 2^53, long decimals. */
const exactly = (json: string): unknown =>
  (JSON.parse as ParseWithSource)(json, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && isOther(value, source) ? source : value,
  );

/** The third parameter is in V8 since 11.4, and not in TypeScript's library yet. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

const isOther = (value: number, source: string): boolean =>
  source.replace(/[eE].*$|\D/g, '').length > 15 && String(value) !== source;

/** Null from the row on by which all are longer than MOST_BYTES. */
type Run = (text: string, values: (string | null)[], maxRows: number) => Promise<(string | null)[]>;

interface PlanNode {
  'Node Type': string;
  'Total Cost': number;
  'Plan Rows': number;
  'Function Call'?: string;
  Output?: string[];
  Plans?: PlanNode[];
}

class RolledBack extends Error {}

/** The role is the cluster's, the schema and the function are the database's. */
const setUp = [
  `DO $$ BEGIN
     CREATE ROLE aos_reader NOLOGIN NOINHERIT;
   EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
   END $$`,
  // From Postgres 16 on, who makes a role is not by itself a member of it, and only a member may give it a function.
  `DO $$ BEGIN
     IF NOT pg_has_role(current_user, 'aos_reader', 'MEMBER')
        OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
       EXECUTE format('GRANT aos_reader TO %I', current_user);
     END IF;
   END $$`,
  `CREATE SCHEMA IF NOT EXISTS workspace`,
  `GRANT USAGE, CREATE ON SCHEMA workspace TO aos_reader`,
  `CREATE OR REPLACE FUNCTION workspace.aos_read(query text, p text[], max_rows int) RETURNS SETOF json
   LANGUAGE plpgsql SECURITY DEFINER SET search_path = workspace, pg_temp AS $$
   DECLARE
     c refcursor;
     r record;
     j json;
     n int := 0;
     bytes bigint := 0;
   BEGIN
     OPEN c NO SCROLL FOR EXECUTE query USING p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10];
     LOOP
       EXIT WHEN n >= max_rows;
       FETCH c INTO r;
       EXIT WHEN NOT FOUND;
       n := n + 1;
       -- What is longer than all that is given out is not written out, and ends the answer.
       bytes := bytes + pg_column_size(r);
       IF bytes <= ${2 * MOST_BYTES} THEN
         j := to_json(r);
         bytes := bytes - pg_column_size(r) + octet_length(j::text);
       END IF;
       IF bytes > ${2 * MOST_BYTES} THEN
         RETURN NEXT NULL::json;
         EXIT;
       END IF;
       RETURN NEXT j;
     END LOOP;
     CLOSE c;
   END $$`,
  `ALTER FUNCTION workspace.aos_read(text, text[], int) OWNER TO aos_reader`,
  // Nor may the role itself: a query within a query would be planned by nobody.
  `REVOKE ALL ON FUNCTION workspace.aos_read(text, text[], int) FROM PUBLIC, aos_reader`,
  `DO $$ BEGIN EXECUTE format('GRANT EXECUTE ON FUNCTION workspace.aos_read(text, text[], int) TO %I', current_user); END $$`,
  `REVOKE CREATE ON SCHEMA workspace FROM aos_reader`,
  `ALTER DEFAULT PRIVILEGES IN SCHEMA workspace GRANT SELECT ON TABLES TO aos_reader`,
  `GRANT SELECT ON ALL TABLES IN SCHEMA workspace TO aos_reader`,
  // Written at once, whatever becomes of the transaction, read only or not. Only a superuser can take it from all.
  `DO $$ DECLARE f regprocedure; BEGIN
     IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
       FOR f IN SELECT oid FROM pg_proc
                 WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = 'pg_logical_emit_message' LOOP
         EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
       END LOOP;
     END IF;
   END $$`,
];

/** See the note on the embedded database. Its user is a superuser, whom a revoked grant does not concern. */
const withoutWaiting = `DO $$ DECLARE f regprocedure; BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
     AND (proname LIKE 'pg_sleep%' OR proname ~ '^pg_(try_)?advisory_lock'
          OR proname ~ '^(query|cursor|table|schema|database)_to_xml' OR proname = 'ts_stat'
          OR (proname = 'ts_rewrite' AND pronargs = 2)) LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$`;

/** What a sort may write beside the tables, where AOS's role may say so; the query's own role may not. */
const boundFiles = `SELECT set_config('temp_file_limit', '1GB', true) WHERE has_parameter_privilege('temp_file_limit', 'SET')`;

const padded = (values: (string | null)[]) => [
  ...values,
  ...Array<null>(MOST_PARAMETERS - values.length).fill(null),
];

/** Parameters travel as text; the query says what they are: `$1::int`. */
function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const hasNoForeseenEnd = (node: PlanNode): boolean =>
  node['Node Type'] === 'Recursive Union' ||
  isUnforeseenSeries(node) ||
  (node.Plans ?? []).some(hasNoForeseenEnd);

/** Its bounds come from another part of the query. One of a thousand rows by its own bounds shows them. */
function isUnforeseenSeries(node: PlanNode): boolean {
  const made = node['Node Type'] === 'ProjectSet' ? (node.Output ?? []) : [];
  const series = [node['Function Call'] ?? '', ...made].filter((call) =>
    call.includes('generate_series('),
  );
  return (
    series.length > 0 &&
    node['Plan Rows'] % UNFORESEEN_ROWS === 0 &&
    !series.every((call) => ofLiterals.test(call))
  );
}

const literal = /'[^']*'::[a-z ]+|-?\d+(?:\.\d+)?|\('[^']*'::[a-z ]+\)(?:::[a-z ]+)?/.source;
const ofLiterals = new RegExp(`^generate_series\\((?:${literal})(?:, (?:${literal}))*\\)$`);

const databaseAway = (cause: unknown) =>
  new ToolFault('database_unavailable', say('database-away'), { cause });

/** What Postgres says of a query is for its author; it says nothing about AOS's own tables but "denied". */
function toFault(error: unknown): ToolFault {
  if (error instanceof ToolFault) return error;
  const code =
    (error as { driverError?: { code?: string } }).driverError?.code ??
    (error as { code?: string }).code;
  if (code === '53200') return new ToolFault('query_too_costly', say('query-memory'));
  if (code === '54001' || (code === 'XX000' && (error as Error).message === OVERFLOW_WORDS))
    return new ToolFault('query_too_costly', say('query-nested'));
  if (code === '57014' || code === '25P04')
    return new ToolFault('query_timeout', say('query-slow'));
  if (isDatabaseAway(error)) return databaseAway(error);
  return new ToolFault('query_refused', say('query-refused', { why: (error as Error).message }), {
    cause: error,
  });
}
