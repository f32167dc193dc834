import { hash } from 'node:crypto';
import type { AuditRow } from '@aos/contracts';
import { canonical } from '../../platform/http/canonical-hash.js';

/** What stands where the hash of the entry before the first would. */
export const BEFORE_THE_FIRST = '0'.repeat(64);

/** An entry as it is hashed, and exported: whoever has the export can hash it. */
export type Sealable = Omit<AuditRow, 'seq' | 'hash'>;

/**
 * The hash of an entry: of the hash before it, a newline, and the entry with its number, in the canonical form of
 * RFC 8785. So an entry that is changed, moved or left out changes its own hash and every one after it.
 */
export const chained = (before: string, seq: number, entry: Sealable): string =>
  hash('sha256', `${before}\n${canonical({ ...entry, seq })}`, 'hex');

export interface AuditLogRow {
  id: string;
  actor: string;
  action: string;
  resource: string;
  outcome: AuditRow['outcome'];
  diff: unknown;
  trace_id: string | null;
  ip: string | null;
  actor_user: string | null;
  project_id: string | null;
  created: string;
}

/** The columns of `audit_logs` that make an entry; `l` is the table. */
export const entryColumns = `l.id::text AS id, l.actor, l.action, l.resource, l.outcome, l.diff, l.trace_id, l.ip,
  l.actor_user::text AS actor_user, l.project_id,
  to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created`;

export const entryOf = (row: AuditLogRow): Sealable => ({
  id: row.id,
  actor: row.actor,
  action: row.action,
  resource: row.resource,
  outcome: row.outcome,
  diff: row.diff,
  traceId: row.trace_id,
  ip: row.ip,
  actorUser: row.actor_user,
  projectId: row.project_id,
  createdAt: row.created,
});
