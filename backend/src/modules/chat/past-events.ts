import { Injectable } from '@nestjs/common';
import { type AosEvent, type Page, type PastEventsQuery, say } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { AosError } from '../../platform/http/problem.js';
import { type EventRow, eventColumns, toAosEvent } from '../../platform/outbox/event-row.js';
import { Filter } from '../../platform/realtime/filter.js';

/** What the value stream told before somebody looked. The same filter as the live stream's: no more and no less. */
@Injectable()
export class PastEvents {
  constructor(private readonly database: Database) {}

  /** The latest first. */
  async list(ctx: Ctx, query: PastEventsQuery): Promise<Page<AosEvent>> {
    const last = decodeCursor(query.cursor, 1)?.[0] ?? query.before;
    if (last !== undefined && typeof last !== 'number')
      throw new AosError('invalid_cursor', say('cursor-as-given'));
    const { types, traceId } = query;
    const filter = new Filter({ types, traceId }, ctx.actor).toSql(3);
    const rows = await this.database.query<EventRow>(
      `SELECT ${eventColumns} FROM events e LEFT JOIN event_payloads p ON p.id = e.payload_ref
        WHERE e.seq IS NOT NULL AND ($1::bigint IS NULL OR e.seq < $1) AND ${filter.condition}
        ORDER BY e.seq DESC LIMIT $2`,
      [last ?? null, query.limit + 1, ...filter.values],
    );
    return toPage(rows, query.limit, (row) => [Number(row.seq)], toAosEvent);
  }
}
