import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { EventLink, EventType, Severity } from '@aos/contracts';
import { type Tx, sql } from '../database/sql.js';
import { Wakeups } from './wakeups.js';

/** A fact, as a handler states it. The relay gives it its `seq`; nobody else publishes. */
export interface NewEvent {
  traceId: string;
  jobId?: string | null;
  projectId?: string | null;
  topic:
    'task' | 'run' | 'approval' | 'agent' | 'tool' | 'artifact' | 'config' | 'registry' | 'chat';
  type: EventType;
  severity?: Severity;
  /** One sentence that a person can act on. */
  summary: string;
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
    const rows: unknown[][] = [];
    for (const event of events) rows.push(await this.toRow(tx, event));
    const traces = [...new Set(events.map((event) => event.traceId))].sort();
    const { rows: ids } = await sql<{ id: string }>(
      tx,
      `WITH locked AS MATERIALIZED (
         SELECT count(pg_advisory_xact_lock(hashtextextended(t, 726301))) AS n
           FROM unnest($1::text[]) AS t)
       INSERT INTO events (trace_id, job_id, project_id, topic, type, severity, summary, payload, links, actor, payload_ref)
       SELECT e.* FROM locked, LATERAL (
         SELECT e->>0, (e->>1)::bigint, e->>2, e->>3, e->>4, e->>5, e->>6, e->7, e->8, e->>9, (e->>10)::uuid
           FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS a(e, n) WHERE locked.n > 0 ORDER BY a.n) AS e
       RETURNING id`,
      [traces, JSON.stringify(rows)],
    );
    this.wakeups.afterCommit(tx, 'outbox');
    return ids.map((row) => row.id);
  }

  private async toRow(tx: Tx, event: NewEvent): Promise<unknown[]> {
    let payload: unknown = event.payload ?? {};
    let payloadRef: string | null = null;
    const text = JSON.stringify(payload);
    if (Buffer.byteLength(text) > HOT_PAYLOAD_BYTES) {
      payloadRef = randomUUID();
      await sql(tx, 'INSERT INTO event_payloads (id, payload) VALUES ($1, $2)', [payloadRef, text]);
      payload = {};
    }
    return [
      event.traceId,
      event.jobId ?? null,
      event.projectId ?? null,
      event.topic,
      event.type,
      event.severity ?? 'info',
      event.summary,
      payload,
      event.links ?? [],
      event.actor ?? null,
      payloadRef,
    ];
  }
}
