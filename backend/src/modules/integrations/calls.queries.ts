import { Injectable } from '@nestjs/common';
import type {
  Page,
  RecentCall,
  RecentCallsQuery,
  Said,
  ToolActivity,
  ToolActivityQuery,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { type CallRow, toToolCall } from './call-row.js';
import { Ledger } from './chain/ledger.js';

/** A server with more tools than this is told of by the first of them; AOS keeps no more than half as many. */
const MAX_TOOLS = 2000;
const MAX_RESULT_BYTES = 64 * 1024;
const MAX_ERROR_CHARS = 1000;

/**
 * The ledger of calls, read by tool: each question goes down the index on (server, tool, started_at) and stops
 * after a bounded number of rows, whatever the length of the ledger.
 */
@Injectable()
export class CallsQueries {
  constructor(
    private readonly database: Database,
    private readonly ledger: Ledger,
  ) {}

  /** By server; of one server, by tool. Only those that were called of late: a page may hold fewer than it could. */
  async activity(ctx: Ctx, query: ToolActivityQuery): Promise<Page<ToolActivity>> {
    const { server, limit } = query;
    const after = decodeCursor(query.cursor, 1);
    const rows = await this.look(server === undefined ? servers : toolsOfServer, [
      server ?? null,
      after?.[0] ?? null,
      limit + 1,
    ]);
    const keyOf = (row: ActivityRow) => [row.tool ?? row.server];
    const page = toPage(rows, limit, keyOf, (row) => toActivity(row, mayReadErrors(ctx)));
    return { ...page, items: page.items.filter(({ calls }) => calls > 0) };
  }

  /** Null when it was not called of late. */
  async activityOf(ctx: Ctx, server: string, tool: string): Promise<ToolActivity | null> {
    const [row] = await this.look(oneTool, [server, tool, 1]);
    return row && row.calls > 0 ? toActivity(row, mayReadErrors(ctx)) : null;
  }

  /** @param what servers and tools (null: all of the server), chosen by the three values. */
  private async look(what: string, values: unknown[]): Promise<ActivityRow[]> {
    await this.ledger.settled();
    return this.database.query<ActivityRow>(
      `SELECT w.server, w.tool,
              count(c.started_at)::int AS calls,
              count(*) FILTER (WHERE c.status IN ('failed', 'unknown'))::int AS failed,
              percentile_disc(0.5) WITHIN GROUP (ORDER BY c.ms) AS p50,
              percentile_disc(0.95) WITHIN GROUP (ORDER BY c.ms) AS p95,
              max(c.started_at) AS last_call_at,
              (array_agg(c.error ORDER BY c.started_at DESC) FILTER (WHERE c.error IS NOT NULL))[1] AS last_error,
              (array_agg(c.error_said ORDER BY c.started_at DESC) FILTER (WHERE c.error IS NOT NULL))[1] AS last_error_said,
              max(c.started_at) FILTER (WHERE c.error IS NOT NULL) AS last_error_at
         FROM (${what}) AS w
         LEFT JOIN LATERAL (
           SELECT name FROM mcp_tools WHERE server = w.server AND (w.tool IS NULL OR name = w.tool)
            ORDER BY name LIMIT ${MAX_TOOLS}) AS t ON true
         LEFT JOIN LATERAL (
           SELECT started_at, status, error, error_said, extract(epoch FROM finished_at - started_at) * 1000 AS ms
             FROM tool_calls
            WHERE server = w.server AND tool = t.name
              AND started_at > now() - interval '24 hours' AND created_at > now() - interval '8 days'
            ORDER BY started_at DESC LIMIT 200) AS c ON true
        GROUP BY 1, 2 ORDER BY 1, 2`,
      values,
    );
  }

  /** The newest first. Calls of projects that the actor may not see are left out. */
  async recent(ctx: Ctx, query: RecentCallsQuery): Promise<Page<RecentCall>> {
    await this.ledger.settled();
    const before = decodeCursor(query.cursor, 2);
    const projects = allowedProjects(ctx.actor, 'task.read');
    const rows = await this.database.query<RecentCallRow>(
      `SELECT c.*, coalesce((SELECT u.name FROM users u WHERE 'user:' || u.id = c.actor),
                            (SELECT a.name FROM agents a WHERE 'agent:' || a.id = c.actor), c.actor) AS actor_name
         FROM (SELECT name FROM mcp_tools
                         WHERE server = $1 AND ($2::text IS NULL OR name = $2) LIMIT ${MAX_TOOLS}) AS t
        CROSS JOIN LATERAL (
          SELECT id, job_id, trace_id, step_id, attempt, server, tool, status, args, error, error_said, error_kind, error_fingerprint,
                 started_at, started_at::text AS at_key, finished_at, actor, project_id,
                 CASE WHEN pg_column_size(result) <= ${MAX_RESULT_BYTES} THEN result END AS result,
                 result IS NOT NULL AND pg_column_size(result) > ${MAX_RESULT_BYTES} AS is_left_out
            FROM tool_calls
           WHERE server = $1 AND tool = t.name AND ($3::text[] IS NULL OR project_id = ANY($3))
             AND ($4::timestamptz IS NULL OR (started_at <= $4 AND (started_at, id) < ($4, $5::uuid)))
           ORDER BY started_at DESC, id DESC LIMIT $6) AS c
        ORDER BY c.started_at DESC, c.id DESC LIMIT $6`,
      [
        query.server,
        query.tool ?? null,
        projects === 'all' ? null : projects,
        before?.[0] ?? null,
        before?.[1] ?? null,
        query.limit + 1,
      ],
    );
    return toPage(rows, query.limit, (row) => [row.at_key, row.id], toCall);
  }
}

const servers = `SELECT name AS server, NULL::text AS tool FROM mcp_registry
  WHERE $1::text IS NULL AND ($2::text IS NULL OR name > $2) ORDER BY name LIMIT $3`;
const toolsOfServer = `SELECT server, name AS tool FROM mcp_tools
  WHERE server = $1 AND ($2::text IS NULL OR name > $2) ORDER BY name LIMIT $3`;
const oneTool = `SELECT server, name AS tool FROM mcp_tools WHERE server = $1 AND name = $2 LIMIT $3`;

const mayReadErrors = ({ actor }: Ctx): boolean => allowedProjects(actor, 'task.read') === 'all';

interface ActivityRow {
  server: string;
  tool: string | null;
  calls: number;
  failed: number;
  p50: string | null;
  p95: string | null;
  last_call_at: Date | null;
  last_error: string | null;
  last_error_said: Said | null;
  last_error_at: Date | null;
}

const ms = (value: string | null) => (value === null ? null : Math.round(Number(value) * 10) / 10);

const toActivity = (row: ActivityRow, withErrors: boolean): ToolActivity => ({
  server: row.server,
  tool: row.tool,
  calls: row.calls,
  failed: row.failed,
  p50Ms: ms(row.p50),
  p95Ms: ms(row.p95),
  lastCallAt: row.last_call_at?.toISOString() ?? null,
  lastError: withErrors ? (row.last_error?.slice(0, MAX_ERROR_CHARS) ?? null) : null,
  ...(withErrors && row.last_error_said && row.last_error!.length <= MAX_ERROR_CHARS
    ? { lastErrorSaid: row.last_error_said }
    : {}),
  lastErrorAt: row.last_error_at?.toISOString() ?? null,
});

interface RecentCallRow extends CallRow {
  is_left_out: boolean;
  error_kind: string | null;
  at_key: string;
  actor_name: string;
  project_id: string | null;
}

const toCall = (row: RecentCallRow): RecentCall => ({
  ...toToolCall(row),
  isResultLeftOut: row.is_left_out,
  errorKind: row.error_kind,
  actorName: row.actor_name,
  projectId: row.project_id,
});
