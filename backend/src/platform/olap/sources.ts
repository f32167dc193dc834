import type { Database } from '../database/database.js';

const MOST_ROWS = 1_000;
const MOST_BYTES = 4_000_000;
/**
 * Samples have no order in which they come in: a process writes the row of a step again while the step lasts, by its own
 * clock. So what is younger than this is read again each time; no clock is off by more.
 */
const SAMPLES_AGAIN_MS = 2 * 3600_000;

/** What is copied: a table of Postgres that grows, and a number by which it is read on. */
export interface Source {
  name: 'logs' | 'spans' | 'events' | 'metric_samples';
  /** In ClickHouse. */
  table: string;
  /** The last number there is, as `head`. */
  head: string;
  /** Where rows with a lower number may still come in, as long as whoever writes there has not ended. */
  writesTo?: string;
  /** Of what is not copied: how long the oldest has waited, as `seconds`, from the position $1 on. */
  waiting: string;
  read(database: Database, after: bigint, upTo: bigint): Promise<Batch>;
}

export interface Batch {
  rows: object[];
  /** Up to here all is among the rows, or was before. */
  position: bigint;
  hasMore: boolean;
}

const time = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;

/** A table with a number of its own for each row. `text` is what may be large in it. */
function numbered(
  source: Omit<Source, 'read' | 'waiting'> & {
    number: string;
    columns: string;
    from: string;
    text: readonly string[];
    age: string;
  },
): Source {
  const { number, columns, from, text, age } = source;
  const size = text.map((column) => `octet_length(r.${column})`).join(' + ');
  // The number of rows is bounded below, and what they hold above: the first one of a batch is always taken.
  const statement = `
    SELECT b.* FROM (
      SELECT r.*, sum(${size}) OVER (ORDER BY r.number) - (${size}) AS before FROM (
        SELECT t.${number} AS number, ${columns} FROM ${from}
         WHERE t.${number} > $1 AND t.${number} <= $2 ORDER BY t.${number} LIMIT ${MOST_ROWS}) AS r) AS b
     WHERE b.before < ${MOST_BYTES} ORDER BY b.number`;
  return {
    ...source,
    waiting: `SELECT extract(epoch FROM clock_timestamp() - (${age}))::float8 AS seconds
                FROM ${source.name} t WHERE t.${number} > $1 ORDER BY t.${number} LIMIT 1`,
    async read(database, after, upTo) {
      const rows = await database.query<{ number: string; before: string }>(statement, [
        String(after),
        String(upTo),
      ]);
      const last = rows.at(-1);
      return {
        rows: rows.map(({ number: _number, before: _before, ...row }) => row),
        // Nothing more up to there, or on from the last one.
        position: last ? BigInt(last.number) : upTo > after ? upTo : after,
        hasMore: last !== undefined,
      };
    },
  };
}

/** Whose last number is kept by the sequence; nothing was given out while `is_called` is false. */
const lastOf = (sequence: string) =>
  `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS head FROM ${sequence}`;

const samples: Source = {
  name: 'metric_samples',
  table: 'metric_samples',
  head: `SELECT (extract(epoch FROM max(at)) * 1000)::bigint AS head FROM metric_samples WHERE step_s = 300`,
  waiting: `SELECT greatest(0, extract(epoch FROM max(at))::float8 - ($1::bigint + ${SAMPLES_AGAIN_MS}) / 1000.0) AS seconds
              FROM metric_samples WHERE step_s = 300 AND at >= to_timestamp($1::bigint / 1000.0)`,
  async read(database, after, upTo) {
    const rows = await database.query<{ ms: string }>(
      `SELECT ${sampleColumns}, (extract(epoch FROM at) * 1000)::bigint AS ms FROM metric_samples
        WHERE step_s = 300 AND at >= to_timestamp($1::bigint / 1000.0) AND at <= to_timestamp($2::bigint / 1000.0)
        ORDER BY at FETCH FIRST ${MOST_ROWS} ROWS WITH TIES`,
      [String(after), String(upTo)],
    );
    const last = BigInt(rows.at(-1)?.ms ?? after);
    const again = upTo - BigInt(SAMPLES_AGAIN_MS);
    return {
      rows: rows.map(({ ms: _ms, ...row }) => row),
      position: last < again ? last : again > after ? again : after,
      hasMore: last < again && last > after,
    };
  },
};
const sampleColumns = `${time('at')} AS at, step_s, process, roles, cpu_percent, rss_bytes, heap_bytes, loop_mean_ms,
  loop_p99_ms, clients, queued, running, waiting, scheduled, relay_lag_ms, events, requests, request_errors,
  jobs_succeeded, jobs_failed, jobs_cancelled, calls_succeeded, calls_failed, job_ms, call_ms`;

export const sources: readonly Source[] = [
  numbered({
    name: 'logs',
    table: 'logs',
    number: 'id',
    head: lastOf('logs_id_seq'),
    writesTo: 'logs',
    from: 'logs t LEFT JOIN jobs j ON j.id = t.job_id',
    columns: `t.id, ${time('t.created_at')} AS created_at, t.level, t.logger, t.message, t.trace_id, t.span_id, t.job_id,
      t.agent_id, j.project_id, t.attributes::text AS attributes`,
    text: ['message', 'attributes'],
    age: 't.created_at',
  }),
  numbered({
    name: 'spans',
    table: 'spans',
    number: 'id',
    head: lastOf('spans_id_seq'),
    writesTo: 'spans',
    from: 'spans t LEFT JOIN traces r ON r.trace_id = t.trace_id',
    columns: `t.id, t.trace_id, t.span_id, t.parent_span_id, t.name, t.kind, ${time('t.started_at')} AS started_at,
      t.duration_us, t.status, t.status_message, t.attributes::text AS attributes, t.events::text AS events, r.project_id`,
    text: ['attributes', 'events'],
    age: `t.started_at + t.duration_us * interval '1 microsecond'`,
  }),
  // The relay numbers them behind their commits: there is nobody to wait for.
  numbered({
    name: 'events',
    table: 'events',
    number: 'seq',
    head: 'SELECT last_seq AS head FROM relay_state',
    from: 'events t',
    columns: `t.id, t.seq, ${time('t.created_at')} AS created_at, t.trace_id, t.job_id, t.project_id, t.topic, t.type,
      t.severity, t.actor, t.summary, t.payload::text AS payload`,
    text: ['summary', 'payload'],
    age: 't.created_at',
  }),
  samples,
];
