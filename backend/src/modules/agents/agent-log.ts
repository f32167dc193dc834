import { EventEmitter } from 'node:events';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type LogLine, type Page, type PageQuery, type Said, inEnglish } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';

const LIVE_FROM = 200;

/** How far a reader of the live log has come, in each of the two places that it is made of. */
export interface LogPosition {
  logId: string;
  seq: string;
}

/**
 * What an agent did, line by line: what was written with `write`, and the events of its tasks, which say the
 * same things in sentences. Nothing is written twice for it.
 */
@Injectable()
export class AgentLog implements OnModuleDestroy {
  /** Says "look now" to readers of this process; those elsewhere look once a second. */
  private readonly fresh = new EventEmitter().setMaxListeners(0);

  private readonly stopping = new AbortController();
  /** Aborted when the process stops: live readers are let go, or the server would wait for them. */
  readonly stopped = this.stopping.signal;

  constructor(private readonly database: Database) {}

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  /** Outside any transaction: on the embedded database it would wait for the one it stands in. */
  async write(
    agentId: string,
    jobId: string | null,
    traceId: string | null,
    level: LogLine['level'],
    message: string,
    attributes: Record<string, unknown> = {},
  ): Promise<void> {
    await this.database.query(insert, [
      agentId,
      jobId,
      traceId,
      level,
      message,
      JSON.stringify(attributes),
    ]);
    this.fresh.emit(agentId);
  }

  async writeIn(
    tx: Tx,
    agentId: string,
    traceId: string | null,
    level: LogLine['level'],
    said: Said,
  ): Promise<void> {
    await sql(tx, insert, [
      agentId,
      null,
      traceId,
      level,
      inEnglish(said),
      JSON.stringify({ said }),
    ]);
  }

  async page(agentId: string, query: PageQuery): Promise<Page<LogLine>> {
    const after = decodeCursor(query.cursor, 2);
    const rows = await this.database.query<Row>(
      `SELECT *, created_at::text AS at_key FROM (${lines}) AS l
        WHERE $2::timestamptz IS NULL OR (created_at, id) < ($2, $3)
        ORDER BY created_at DESC, id DESC LIMIT $4`,
      [agentId, after?.[0] ?? null, after?.[1] ?? null, query.limit + 1],
    );
    return toPage(rows, query.limit, (row) => [row.at_key, row.id], toLine);
  }

  /** The last lines, oldest first, and where to go on from. */
  async latest(agentId: string): Promise<{ lines: LogLine[]; position: LogPosition }> {
    const [end] = await this.database.query<LogPosition>(
      `SELECT coalesce((SELECT max(id) FROM logs WHERE agent_id = $1), 0)::text AS "logId",
              coalesce((SELECT max(seq) FROM events WHERE seq IS NOT NULL), 0)::text AS seq`,
      [agentId],
    );
    const { items } = await this.page(agentId, { limit: LIVE_FROM });
    return { lines: items.reverse(), position: end! };
  }

  async since(
    agentId: string,
    position: LogPosition,
  ): Promise<{ lines: LogLine[]; position: LogPosition }> {
    const rows = await this.database.query<Row & { log_id: string | null; seq: string | null }>(
      `SELECT * FROM (
         SELECT 'l' || id AS id, created_at, level, logger, message, trace_id, attributes, id AS log_id, NULL::bigint AS seq
           FROM logs WHERE agent_id = $1 AND logger = 'agent' AND id > $2
         UNION ALL
         SELECT 'e' || e.id, e.created_at, ${levelOf}, e.type, e.summary, e.trace_id, e.payload, NULL, e.seq
           FROM events e JOIN jobs j ON j.trace_id = e.trace_id
          WHERE j.agent_id = $1 AND e.seq > $3) AS l
       ORDER BY created_at, id LIMIT 500`,
      [agentId, position.logId, position.seq],
    );
    const last = (key: 'log_id' | 'seq', before: string) =>
      rows.reduce(
        (most, row) =>
          row[key] !== null && BigInt(row[key]) > BigInt(most) ? String(row[key]) : most,
        before,
      );
    return {
      lines: rows.map(toLine),
      position: { logId: last('log_id', position.logId), seq: last('seq', position.seq) },
    };
  }

  onFresh(agentId: string, listener: () => void): () => void {
    this.fresh.on(agentId, listener);
    return () => this.fresh.off(agentId, listener);
  }
}

interface Row {
  id: string;
  created_at: Date;
  at_key: string;
  level: LogLine['level'];
  logger: string;
  message: string;
  trace_id: string | null;
  attributes: Record<string, unknown>;
}

const insert = `INSERT INTO logs (agent_id, job_id, trace_id, level, logger, message, attributes)
  VALUES ($1, $2, $3, $4, 'agent', $5, $6)`;

const levelOf = `CASE e.severity WHEN 'error' THEN 'error' WHEN 'warning' THEN 'warn' ELSE 'info' END`;

/** Of the last hundred tasks: what is older is in Monitor. */
const lines = `SELECT 'l' || id AS id, created_at, level, logger, message, trace_id, attributes FROM logs
   WHERE agent_id = $1 AND logger = 'agent'
  UNION ALL
  SELECT 'e' || e.id, e.created_at, ${levelOf}, e.type, e.summary, e.trace_id, e.payload FROM events e
   WHERE e.trace_id IN (SELECT trace_id FROM jobs WHERE agent_id = $1 ORDER BY id DESC LIMIT 100)`;

const toLine = (row: Row): LogLine => ({
  id: row.id,
  at: row.created_at.toISOString(),
  level: row.level,
  logger: row.logger,
  message: row.message,
  traceId: row.trace_id,
  attributes: row.attributes,
});
