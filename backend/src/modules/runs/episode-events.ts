import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { AosEvent, LogLine, Page, PageQuery } from '@aos/contracts';
import type { Request, Response } from 'express';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { follow } from '../../platform/http/follow.js';
import { NotFound } from '../../platform/http/problem.js';
import { type EventRow, eventColumns, toAosEvent } from '../../platform/outbox/event-row.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { JobsQueries } from '../jobs/index.js';

const LOOK_AT = 200;
/** Whose session has ended meanwhile is found out when their browser comes back. */
const LONGEST_STREAM_MS = 5 * 60_000;

/** What one run wrote, event by event and line by line. */
@Injectable()
export class EpisodeEvents implements OnModuleDestroy {
  private readonly stopping = new AbortController();

  constructor(
    private readonly database: Database,
    private readonly jobs: JobsQueries,
    private readonly wakeups: Wakeups,
  ) {}

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  /** Oldest first: a run is read, and replayed, from its beginning. @throws NotFound */
  async page(
    ctx: Ctx,
    traceId: string,
    { limit, cursor, since }: PageQuery & { since?: number | undefined },
  ): Promise<Page<AosEvent>> {
    await this.requireSight(ctx, traceId);
    const after = decodeCursor(cursor, 1)?.[0] ?? since ?? 0;
    const rows = await this.after(traceId, Number(after), limit + 1);
    return toPage(rows, limit, (row) => [Number(row.seq)], toAosEvent);
  }

  /** The same as it happens. The seq is the id, so that a browser resumes by itself. @throws NotFound */
  async stream(
    ctx: Ctx,
    traceId: string,
    since: number,
    request: Request,
    response: Response,
  ): Promise<void> {
    await this.requireSight(ctx, traceId);
    let seq = since;
    await follow(
      {
        stopped: this.stopping.signal,
        longestMs: LONGEST_STREAM_MS,
        hear: [(wake) => this.wakeups.onNews(wake)],
        look: async () => {
          const events = (await this.after(traceId, seq, LOOK_AT)).map(toAosEvent);
          seq = events.at(-1)?.seq ?? seq;
          return events.map((event) => ({ id: String(event.seq), event: 'event', data: event }));
        },
      },
      request,
      response,
    );
  }

  /** What the server and the agent wrote while they worked on it, oldest first. @throws NotFound */
  async lines(ctx: Ctx, traceId: string, { limit, cursor }: PageQuery): Promise<Page<LogLine>> {
    await this.requireSight(ctx, traceId);
    const after = decodeCursor(cursor, 1)?.[0] ?? 0;
    const rows = await this.database.query<LineRow>(
      `SELECT id, created_at, level, logger, message, trace_id, attributes FROM logs
        WHERE trace_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
      [traceId, Number(after), limit + 1],
    );
    return toPage(rows, limit, (row) => [Number(row.id)], toLine);
  }

  private after(traceId: string, seq: number, limit: number): Promise<EventRow[]> {
    return this.database.query<EventRow>(
      `SELECT ${eventColumns} FROM events e LEFT JOIN event_payloads p ON p.id = e.payload_ref
        WHERE e.trace_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3`,
      [traceId, seq, limit],
    );
  }

  private async requireSight(ctx: Ctx, traceId: string): Promise<void> {
    const [row] = await this.database.query<{ id: string }>(
      'SELECT id FROM jobs WHERE trace_id = $1',
      [traceId],
    );
    if (!row) throw new NotFound(`The run ${traceId}`);
    await this.jobs.get(ctx, String(row.id)); // asks whether they may see it
  }
}

interface LineRow {
  id: string;
  created_at: Date;
  level: LogLine['level'];
  logger: string;
  message: string;
  trace_id: string | null;
  attributes: Record<string, unknown>;
}

const toLine = ({ created_at, trace_id, ...row }: LineRow): LogLine => ({
  ...row,
  at: created_at.toISOString(),
  traceId: trace_id,
});
