import { Injectable } from '@nestjs/common';
import type { AuditQuery, AuditRow, Page } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { type AuditLogRow, entryColumns, entryOf } from './chain.js';

interface Row extends AuditLogRow {
  seq: string | null;
  hash: string | null;
}

export type AuditFilter = Omit<AuditQuery, 'limit' | 'cursor'>;

const EXPORT_BATCH = 500;

@Injectable()
export class AuditQueries {
  constructor(private readonly database: Database) {}

  async page({ limit, cursor, ...filter }: AuditQuery): Promise<Page<AuditRow>> {
    const [before = null] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<Row>(
      `${select('LEFT JOIN')} AND ($8::bigint IS NULL OR l.id < $8) ORDER BY l.id DESC LIMIT $9`,
      [...parametersOf(filter), before, limit + 1],
    );
    return toPage(rows, limit, (row) => [row.id], toAuditRow);
  }

  /** In the order of the chain, up to what is sealed when it begins, in short queries: nothing is held while it streams. */
  async *rows(filter: AuditFilter): AsyncGenerator<AuditRow> {
    const [end] = await this.database.query<{ seq: string | null }>(
      'SELECT max(seq) AS seq FROM audit_seals',
    );
    for (let after = '0'; end?.seq != null;) {
      const rows = await this.database.query<Row>(
        `${select('JOIN')} AND s.seq > $8::bigint AND s.seq <= $9::bigint ORDER BY s.seq LIMIT ${EXPORT_BATCH}`,
        [...parametersOf(filter), after, end.seq],
      );
      yield* rows.map(toAuditRow);
      if (rows.length < EXPORT_BATCH) return;
      after = rows.at(-1)!.seq!;
    }
  }
}

const select = (join: 'JOIN' | 'LEFT JOIN') => `
  SELECT ${entryColumns}, s.seq::text AS seq, encode(s.hash, 'hex') AS hash
    FROM audit_logs AS l ${join} audit_seals AS s ON s.audit_id = l.id
   WHERE ($1::text IS NULL OR l.actor = $1) AND ($2::text IS NULL OR l.action = $2)
     AND ($3::text IS NULL OR l.resource = $3) AND ($4::text IS NULL OR l.trace_id = $4)
     AND ($5::text IS NULL OR l.outcome = $5)
     AND ($6::timestamptz IS NULL OR l.created_at >= $6) AND ($7::timestamptz IS NULL OR l.created_at < $7)`;

const parametersOf = ({ actor, action, resource, traceId, outcome, since, until }: AuditFilter) =>
  [actor, action, resource, traceId, outcome, since, until].map((value) => value ?? null);

const toAuditRow = (row: Row): AuditRow => ({
  ...entryOf(row),
  seq: row.seq === null ? null : Number(row.seq),
  hash: row.hash,
});
