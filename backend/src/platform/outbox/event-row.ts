import type { AosEvent, EventLink, Severity } from '@aos/contracts';

/** A row of `events` as `pg` hands it over: bigints are strings, timestamps are dates. */
export interface EventRow {
  id: string;
  seq: string;
  trace_id: string | null;
  job_id: string | null;
  project_id: string | null;
  topic: string | null;
  type: string;
  severity: Severity | null;
  summary: string;
  payload: Record<string, unknown>;
  /** Of a payload that lives beside the row; null otherwise. */
  large_payload: Record<string, unknown> | null;
  links: EventLink[];
  created_at: Date;
}

/** A row that its writer has just appended. */
export type AppendedRow = Omit<EventRow, 'seq'> & {
  seq: string | null;
  payload_ref: string | null;
};

const columns = `e.id, e.seq, e.trace_id, e.job_id, e.project_id, e.topic, e.type, e.severity, e.summary,
  e.payload, e.links, e.created_at`;

/** Of `events e`, without payloads that live beside the row. */
export const smallEventColumns = `${columns}, e.payload_ref, NULL AS large_payload`;

/** For `events e LEFT JOIN event_payloads p ON p.id = e.payload_ref`. */
export const eventColumns = `${columns}, p.payload AS large_payload`;

export function toAosEvent(row: EventRow): AosEvent {
  return {
    seq: Number(row.seq),
    id: row.id,
    traceId: row.trace_id ?? '',
    jobId: row.job_id,
    projectId: row.project_id,
    topic: row.topic ?? '',
    type: row.type,
    severity: row.severity ?? 'info',
    summary: row.summary,
    payload: row.large_payload ?? row.payload,
    links: row.links,
    createdAt: row.created_at.toISOString(),
  };
}
