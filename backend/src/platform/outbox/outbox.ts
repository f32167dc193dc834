import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import {
  type EventLink,
  type EventType,
  type Said,
  type Severity,
  inEnglish,
} from '@aos/contracts';
import type { Asks } from '../database/database.js';
import { type Tx, preparedSql, sql } from '../database/sql.js';
import { appendedIn } from './appended.js';
import { type AppendedRow, smallEventColumns } from './event-row.js';
import { type Turn, Wakeups } from './wakeups.js';

/** A fact, as a handler states it. The relay gives it its `seq`; nobody else publishes. */
export interface NewEvent {
  traceId: string;
  jobId?: string | null;
  projectId?: string | null;
  topic:
    'task' | 'run' | 'approval' | 'agent' | 'tool' | 'artifact' | 'config' | 'registry' | 'chat';
  type: EventType;
  severity?: Severity;
  /**
   * One sentence that a person can act on, or several. What the console shows is said by its code, so that it can show
   * it in its own language: the event then has the English as its summary, and the code as `said` in its payload. What
   * is only kept on record may be words alone.
   */
  summary: string | Said | readonly Said[];
  payload?: Record<string, unknown>;
  links?: EventLink[];
  actor?: string;
}

/** Payloads above this many bytes live beside the hot row. */
const HOT_PAYLOAD_BYTES = 8 * 1024;

/**
 * Where facts leave a transaction. A row appended here is committed with the change that it tells of, or
 * not at all. Within one trace the rows come out in the order in which their transactions commit: the
 * append takes a lock on the trace first, so that no transaction gets a later id and commits before an
 * earlier one. Transactions are short, so the wait is too. The wake-up of the relay goes out after the
 * commit, coalesced, and carries nothing (see Wakeups); if it is lost, polling finds the row.
 */
@Injectable()
export class Outbox {
  constructor(private readonly wakeups: Wakeups) {}

  /** @returns the ids of the new events, in order. */
  async append(tx: Tx, events: readonly NewEvent[]): Promise<string[]> {
    if (events.length === 0) return [];
    const { traces, rows, large } = toRows(events);
    for (const [, id, payload] of large)
      await sql(tx, 'INSERT INTO event_payloads (id, payload) VALUES ($1, $2)', [
        id,
        JSON.stringify(payload),
      ]);
    const appended = appendedIn(tx);
    const more = traces.filter((trace) => !appended.traces.has(trace));
    const inserted = await preparedSql<AppendedRow & { is_next: boolean }>(
      tx,
      'aos-outbox-append',
      appendSql,
      [more, JSON.stringify(rows)],
    );
    for (const { is_next, ...row } of inserted.rows) {
      appended.isNext &&= is_next;
      appended.rows.push(row);
    }
    for (const trace of more) appended.traces.add(trace);
    this.wakeups.afterCommit(tx, 'outbox');
    return inserted.rows.map((row) => row.id);
  }

  /**
   * A change and its events in one statement, which commits by itself: one trip to the database where a transaction
   * takes four. `change` writes, and returns as `n` the place (from 1) of each event that is to be told, so that what
   * it did not write is not told either. Its parameters are $4 and on. When the relay of this process has nothing to
   * do, the events have their numbers from the same statement. `name` is that of the whole statement (see
   * Database.query).
   * @returns the places that `change` returned.
   */
  async appendWith(
    line: Asks,
    { name, change }: { name: string; change: string },
    params: readonly unknown[],
    events: readonly NewEvent[],
  ): Promise<Set<number>> {
    const { traces, rows, large } = toRows(events);
    const turn = this.wakeups.relay?.takeTurn();
    let told: (AppendedRow & { n: string })[] | undefined;
    try {
      told = await line.query(
        `WITH changed AS (${change}), ${tellOfChanged(turn)}`,
        [traces, JSON.stringify(rows), JSON.stringify(large), ...params],
        turn ? `${name}-numbered` : name,
      );
    } finally {
      turn?.end(told ?? []);
    }
    if (told.length > 0) this.wakeups.wake('outbox', turn !== undefined);
    return new Set(told.map(({ n }) => Number(n)));
  }
}

/** `from` gives the events as `a.e`, in the order of `a.n`. */
const insertEvents = (from: string, seq: string) => `
  INSERT INTO events AS e (trace_id, job_id, project_id, topic, type, severity, summary, payload, links, actor, payload_ref, seq)
  SELECT r.* FROM locked, LATERAL (
    SELECT e->>0, (e->>1)::bigint, e->>2, e->>3, e->>4, e->>5, e->>6, e->7, e->8, e->>9, (e->>10)::uuid, ${seq}
      FROM ${from} WHERE locked.is_next IS NOT NULL ORDER BY n) AS r`;

/** The rows come back in the order in which they went in. */
const appendSql = `
  WITH locked AS MATERIALIZED (SELECT lock_traces($1) AS is_next)
  ${insertEvents('jsonb_array_elements($2::jsonb) WITH ORDINALITY AS a(e, n)', 'NULL::bigint')}
  RETURNING ${smallEventColumns}, (SELECT is_next FROM locked)`;

/** What follows `changed`; in its order too, so that each row comes back with the place it had there. */
const tellOfChanged = (turn: Turn | undefined) => `
  locked AS MATERIALIZED (SELECT lock_traces($1) AS is_next),
  numbers AS MATERIALIZED (
    SELECT ${turn ? `CASE WHEN locked.is_next THEN take_numbers(c.many, ${turn.reserve}) END` : 'NULL::bigint'} AS first_seq
      FROM locked, (SELECT count(*) AS many FROM changed) AS c WHERE c.many > 0),
  told AS (${insertEvents(
    'jsonb_array_elements($2::jsonb) WITH ORDINALITY AS a(e, n) JOIN changed USING (n), numbers',
    'numbers.first_seq + row_number() OVER (ORDER BY n) - 1',
  )} RETURNING ${smallEventColumns}),
  kept AS (INSERT INTO event_payloads (id, payload)
           SELECT (p->>1)::uuid, p->2 FROM jsonb_array_elements($3::jsonb) AS p JOIN changed ON changed.n = (p->>0)::bigint)
  SELECT t.*, c.n FROM (SELECT told.*, row_number() OVER (ORDER BY id) AS place FROM told) AS t
    JOIN (SELECT n, row_number() OVER (ORDER BY n) AS place FROM changed) AS c USING (place) ORDER BY place`;

/** The traces are sorted: whoever locks several does so in the same order. */
function toRows(events: readonly NewEvent[]) {
  const large: [n: number, id: string, payload: unknown][] = [];
  const rows = events.map((event, index) => {
    const { words, said } = spoken(event.summary);
    const payload = { ...event.payload, ...(said ? { said } : {}) };
    const isLarge = Buffer.byteLength(JSON.stringify(payload)) > HOT_PAYLOAD_BYTES;
    const payloadRef = isLarge ? randomUUID() : null;
    if (payloadRef !== null) large.push([index + 1, payloadRef, payload]);
    return [
      event.traceId,
      event.jobId ?? null,
      event.projectId ?? null,
      event.topic,
      event.type,
      event.severity ?? 'info',
      words,
      isLarge ? {} : payload,
      event.links ?? [],
      event.actor ?? null,
      payloadRef,
    ];
  });
  return { traces: [...new Set(events.map(({ traceId }) => traceId))].sort(), rows, large };
}

function spoken(summary: NewEvent['summary']): { words: string; said?: readonly Said[] } {
  if (typeof summary === 'string') return { words: summary };
  const said = [summary].flat() as readonly Said[];
  return { words: inEnglish(said), said };
}
