import { Injectable } from '@nestjs/common';
import type { LiveLogsQuery, LogsQuery, MonitorLogLine, MonitorLogPage } from '@aos/contracts';
import type { z } from 'zod';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects } from '../../platform/http/context.js';
import { decodeCursor, encodeCursor } from '../../platform/http/cursor.js';
import { History, type Told, dateOf, inRange } from './history.js';

/** A search that finds little looks at so many lines and then answers with what it has and where to go on. */
export const MOST_LOOKED_AT = 20_000;
const FRESH_AT_ONCE = 500;
export const LATE_IDS = 1_000n;

type Key = [at: string | number, id: string | number];

@Injectable()
export class LogsQueries {
  constructor(
    private readonly database: Database,
    private readonly history: History,
  ) {}

  /** Lines that Postgres has, and behind or before them those that only the copy in ClickHouse has. */
  async page(ctx: Ctx, query: LogsQuery): Promise<z.infer<typeof MonitorLogPage>> {
    if (this.history.state === 'off') return { ...(await this.kept(ctx, query)), history: 'off' };
    return query.order === 'newest' ? this.backwards(ctx, query) : this.forwards(ctx, query);
  }

  /** What Postgres has not below a line that is the last it has, it has no longer. */
  private async backwards(ctx: Ctx, query: LogsQuery): Promise<z.infer<typeof MonitorLogPage>> {
    const kept = await this.kept(ctx, query);
    if (kept.nextCursor !== null) return { ...kept, history: this.history.state };
    const cursor = kept.items.at(-1)?.cursor ?? query.cursor;
    const left = query.limit - kept.items.length;
    const { history, rows } = await this.older(ctx, { ...query, cursor }, null, left + 1);
    const items = [...kept.items, ...rows.slice(0, left).map(toLine)];
    return { items, nextCursor: rows.length > left ? items.at(-1)!.cursor : null, history };
  }

  private async forwards(ctx: Ctx, query: LogsQuery): Promise<z.infer<typeof MonitorLogPage>> {
    const [from] = await this.micros([query.cursor ? keyOf(query)?.[0] : query.from]);
    const [floor] = await this.database.query<{ at: string | null }>(
      'SELECT (extract(epoch FROM min(created_at)) * 1000000)::bigint AS at FROM logs',
    );
    const oldest = floor?.at ?? null;
    if (from !== null && oldest !== null && Number(from) >= Number(oldest))
      return { ...(await this.kept(ctx, query)), history: this.history.state };
    const { history, rows } = await this.older(ctx, query, oldest, query.limit + 1);
    const items = rows.slice(0, query.limit).map(toLine);
    const last = items.at(-1);
    if (items.length === query.limit)
      return {
        items,
        nextCursor: rows.length > query.limit || oldest !== null ? last!.cursor : null,
        history,
      };
    const kept = await this.kept(ctx, { ...query, limit: query.limit - items.length });
    return { items: [...items, ...kept.items], nextCursor: kept.nextCursor, history };
  }

  /** From the copy, in the order of the query. @param before only what is older, in microseconds */
  private async older(
    ctx: Ctx,
    query: LogsQuery,
    before: string | null,
    limit: number,
  ): Promise<Told<LogRow>> {
    const key = keyOf(query);
    const [at, from, to] = await this.micros([key?.[0], query.from, query.to]);
    const projects = allowedProjects(ctx.actor, 'monitor.read');
    const [ahead, sort] = query.order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
    const moment = (name: string) => `fromUnixTimestamp64Micro({${name}:Int64}, 'UTC')`;
    const isGiven: [unknown, string][] = [
      [at, `created_at ${ahead}= ${moment('at')}`],
      [at, `(created_at, id) ${ahead} (${moment('at')}, {id:Int64})`],
      [from, `created_at >= ${moment('from')}`],
      [to, `created_at < ${moment('to')}`],
      [before, `created_at < ${moment('before')}`],
      [query.level, 'has({level:Array(String)}, level)'],
      [query.traceId, 'trace_id = {traceId:String}'],
      [query.jobId, 'job_id = {jobId:Int64}'],
      [query.agentId, 'agent_id = {agentId:Int64}'],
      [
        query.logger,
        query.logger?.endsWith('*')
          ? 'startsWith(logger, {logger:String})'
          : 'logger = {logger:String}',
      ],
      [query.text, 'positionCaseInsensitiveUTF8(message, {text:String}) > 0'],
      [projects !== 'all', `has({projects:Array(String)}, ifNull(project_id, ''))`],
    ];
    const where = isGiven.filter(([given]) => given !== null && given !== undefined && given);
    const told = await this.history.ask<CopiedLine>(
      `SELECT id, toString(created_at) AS at_text, level, logger, message, trace_id, job_id, agent_id, attributes
         FROM logs FINAL WHERE installation = {installation:String}
              ${where.map(([, condition]) => `AND ${condition}`).join('\n              ')}
        ORDER BY created_at ${sort}, id ${sort} LIMIT {limit:UInt32}`,
      {
        ...{ at: at && inRange(at), from: from && inRange(from), to: to && inRange(to) },
        before: before && inRange(before),
        id: key?.[1],
        level: query.level,
        traceId: query.traceId,
        jobId: query.jobId,
        agentId: query.agentId,
        logger: query.logger?.replace(/\*$/, ''),
        text: query.text,
        projects,
        limit,
      },
    );
    return {
      history: told.history,
      rows: told.rows.map(({ at_text, attributes, ...row }) => ({
        ...row,
        created_at: dateOf(at_text),
        at_key: `${at_text}+00`,
        attributes: JSON.parse(attributes) as Record<string, unknown>,
      })),
    };
  }

  /** As Postgres reads them: a cursor holds what it wrote, in the zone of its session. */
  private async micros(moments: readonly unknown[]): Promise<(string | null)[]> {
    const rows = await this.database.query<{ at: string | null }>(
      `SELECT CASE WHEN isfinite(m) THEN (extract(epoch FROM m) * 1000000)::bigint END AS at
         FROM unnest($1::timestamptz[]) WITH ORDINALITY AS t (m, n) ORDER BY n`,
      [moments.map((moment) => moment ?? null)],
    );
    return rows.map(({ at }) => at);
  }

  private async kept(ctx: Ctx, query: LogsQuery) {
    const after = keyOf(query);
    const { where, params } = this.conditions(ctx, query, 4);
    const [ahead, sort] = query.order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
    // The inner part walks an index and stops; only what is in it is compared with words and projects.
    const walk = `SELECT l.*, l.created_at::text AS at_key FROM logs l
      WHERE ($1::timestamptz IS NULL OR (l.created_at, l.id) ${ahead} ($1, $2))
        AND ($3::timestamptz IS NULL OR l.created_at >= $3)
        AND ($4::timestamptz IS NULL OR l.created_at < $4)
        ${where.walked.join('\n        ')}
      ORDER BY l.created_at ${sort}, l.id ${sort} LIMIT ${MOST_LOOKED_AT}`;
    const bounds = [after?.[0] ?? null, after?.[1] ?? null, query.from ?? null, query.to ?? null];
    const rows = await this.database.query<LogRow>(
      `SELECT w.* FROM (${walk}) AS w LEFT JOIN jobs j ON j.id = w.job_id
        WHERE true ${where.compared.join('\n        ')}
        ORDER BY w.created_at ${sort}, w.id ${sort} LIMIT ${query.limit + 1}`,
      [...bounds, ...params],
    );
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    const hasMore = rows.length > query.limit && last !== undefined;
    const walked = [...bounds, ...params.slice(0, where.walkedParams)];
    return {
      items: page.map(toLine),
      nextCursor: hasMore
        ? cursorOf(last)
        : where.compared.length === 0
          ? null
          : await this.endOfWalk(walk, walked),
    };
  }

  /** Where a walk that was cut short goes on; null when it came to the end. */
  private async endOfWalk(walk: string, params: unknown[]): Promise<string | null> {
    const [row] = await this.database.query<{ at_key: string; id: string }>(
      `SELECT at_key, id FROM (${walk}) AS w OFFSET ${MOST_LOOKED_AT - 1}`,
      params,
    );
    return row ? cursorOf(row) : null;
  }

  /** The newest id there is. */
  async head(): Promise<bigint> {
    const [row] = await this.database.query<{ id: string | null }>(
      'SELECT max(id) AS id FROM logs',
    );
    return BigInt(row?.id ?? 0);
  }

  /** The ids that a line may still come in among. */
  async idsUpTo(position: bigint): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      'SELECT id FROM logs WHERE id > $1::bigint - $3::bigint AND id <= $1::bigint ORDER BY id LIMIT $2',
      [String(position), Number(LATE_IDS), String(LATE_IDS)],
    );
    return rows.map(({ id }) => id);
  }

  /**
   * Lines with an id above `since`, the oldest first, and up to `LATE_IDS` below it unless they are among `seen`: an id
   * is given out before its line is committed, so a line may come in behind a later one.
   */
  async fresh(
    ctx: Ctx,
    query: LiveLogsQuery,
    since: bigint,
    seen: readonly string[],
  ): Promise<MonitorLogLine[]> {
    const { where, params } = this.conditions(ctx, query, 2);
    const rows = await this.database.query<LogRow>(
      `SELECT w.*, w.created_at::text AS at_key
         FROM (SELECT l.* FROM logs l
                WHERE l.id > $1::bigint AND l.id <> ALL ($2::bigint[]) ${where.walked.join(' ')}
                ORDER BY l.id LIMIT ${MOST_LOOKED_AT}) AS w
         LEFT JOIN jobs j ON j.id = w.job_id
        WHERE true ${where.compared.join(' ')} ORDER BY w.id LIMIT ${FRESH_AT_ONCE}`,
      [String(since - LATE_IDS), seen, ...params],
    );
    return rows.map(toLine);
  }

  /** `taken` parameters stand before those of the conditions. */
  private conditions(ctx: Ctx, query: LiveLogsQuery, taken: number) {
    const projects = allowedProjects(ctx.actor, 'monitor.read');
    const params: unknown[] = [];
    const add = (value: unknown) => `$${taken + params.push(value)}`;
    const walked: string[] = [];
    if (query.level) {
      // Written out for the two that have an index of their own.
      const isOfProblems = query.level.every((level) => level === 'warn' || level === 'error');
      if (isOfProblems) walked.push(`AND l.level IN ('warn', 'error')`);
      walked.push(`AND l.level = ANY (${add(query.level)}::text[])`);
    }
    if (query.traceId) walked.push(`AND l.trace_id = ${add(query.traceId)}`);
    if (query.jobId) walked.push(`AND l.job_id = ${add(query.jobId)}::bigint`);
    if (query.agentId) walked.push(`AND l.agent_id = ${add(query.agentId)}::bigint`);
    const walkedParams = params.length;
    const compared: string[] = [];
    if (query.logger?.endsWith('*'))
      compared.push(`AND starts_with(w.logger, ${add(query.logger.slice(0, -1))})`);
    else if (query.logger) compared.push(`AND w.logger = ${add(query.logger)}`);
    if (query.text) compared.push(`AND strpos(lower(w.message), lower(${add(query.text)})) > 0`);
    if (projects !== 'all') compared.push(`AND j.project_id = ANY (${add(projects)}::text[])`);
    return { params, where: { walked, walkedParams, compared } };
  }
}

const keyOf = (query: LogsQuery) => decodeCursor(query.cursor, 2) as Key | undefined;

type CopiedLine = Omit<LogRow, 'created_at' | 'at_key' | 'attributes'> & {
  at_text: string;
  attributes: string;
};

interface LogRow {
  id: string;
  created_at: Date;
  at_key: string;
  level: string;
  logger: string;
  message: string;
  trace_id: string | null;
  job_id: string | null;
  agent_id: string | null;
  attributes: Record<string, unknown>;
}

const cursorOf = ({ at_key, id }: { at_key: string; id: string }) => encodeCursor([at_key, id]);

const toLine = (row: LogRow): MonitorLogLine => ({
  id: row.id,
  at: row.created_at.toISOString(),
  level: row.level as MonitorLogLine['level'],
  logger: row.logger,
  message: row.message,
  traceId: row.trace_id,
  jobId: row.job_id,
  agentId: row.agent_id,
  attributes: row.attributes,
  cursor: cursorOf(row),
});
