import { Injectable } from '@nestjs/common';
import type { AuditQuery, AuditRow, Page } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';

interface Row {
  id: string;
  actor: string;
  action: string;
  resource: string;
  outcome: AuditRow['outcome'];
  diff: unknown;
  trace_id: string | null;
  ip: string | null;
  created_at: Date;
}

export type AuditFilter = Omit<AuditQuery, 'limit' | 'cursor'>;

const EXPORT_BATCH = 500;

@Injectable()
export class AuditQueries {
  constructor(private readonly database: Database) {}

  async page({ limit, cursor, ...filter }: AuditQuery): Promise<Page<AuditRow>> {
    const [before = null] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<Row>(
      `${select} AND ($8::bigint IS NULL OR id < $8) ORDER BY audit_logs.id DESC LIMIT $9`,
      [...parametersOf(filter), before, limit + 1],
    );
    return toPage(rows, limit, (row) => [row.id], toAuditRow);
  }

  /** Oldest first, up to what is there when it begins, in short queries: nothing is held while it streams. */
  async *rows(filter: AuditFilter): AsyncGenerator<AuditRow> {
    const [end] = await this.database.query<{ id: string | null }>(
      'SELECT max(id) AS id FROM audit_logs',
    );
    for (let after = '0'; end?.id != null;) {
      const rows = await this.database.query<Row>(
        `${select} AND id > $8::bigint AND id <= $9::bigint ORDER BY audit_logs.id LIMIT ${EXPORT_BATCH}`,
        [...parametersOf(filter), after, end.id],
      );
      yield* rows.map(toAuditRow);
      if (rows.length < EXPORT_BATCH) return;
      after = rows.at(-1)!.id;
    }
  }
}

const select = `
  SELECT id::text AS id, actor, action, resource, outcome, diff, trace_id, ip, created_at FROM audit_logs
   WHERE ($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR action = $2)
     AND ($3::text IS NULL OR resource = $3) AND ($4::text IS NULL OR trace_id = $4)
     AND ($5::text IS NULL OR outcome = $5)
     AND ($6::timestamptz IS NULL OR created_at >= $6) AND ($7::timestamptz IS NULL OR created_at < $7)`;

const parametersOf = ({ actor, action, resource, traceId, outcome, since, until }: AuditFilter) =>
  [actor, action, resource, traceId, outcome, since, until].map((value) => value ?? null);

const toAuditRow = ({ trace_id, created_at, ...row }: Row): AuditRow => ({
  ...row,
  traceId: trace_id,
  createdAt: created_at.toISOString(),
});
