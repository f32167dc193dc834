import { Injectable } from '@nestjs/common';
import {
  type Agent,
  type AgentConfig,
  type AgentStanding,
  type AgentStats,
  type AgentVersion,
  type Page,
  type PageQuery,
  say,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { AgentsRepository, toAgent, toStanding } from './agents.repository.js';
import { agentTemplates } from './templates.js';

interface VersionRow {
  version: string;
  comment: string;
  created_by: string;
  created_at: Date;
  config: AgentConfig;
}

@Injectable()
export class AgentsQueries {
  constructor(
    private readonly database: Database,
    private readonly agents: AgentsRepository,
  ) {}

  async list(query: PageQuery): Promise<Page<Agent>> {
    const after = decodeCursor(query.cursor, 1);
    const rows = await this.agents.list(after ? String(after[0]) : null, query.limit + 1);
    return toPage(rows, query.limit, (row) => [String(row.id)], toAgent);
  }

  async standings(query: PageQuery): Promise<Page<AgentStanding>> {
    const after = decodeCursor(query.cursor, 1);
    const rows = await this.agents.listStandings(after ? String(after[0]) : null, query.limit + 1);
    return toPage(rows, query.limit, (row) => [String(row.id)], toStanding);
  }

  /** The newest first. */
  async versions(agentId: string, query: PageQuery): Promise<Page<AgentVersion>> {
    const after = decodeCursor(query.cursor, 1);
    const rows = await this.database.query<VersionRow>(
      `SELECT version, comment, coalesce((SELECT u.name FROM users u WHERE 'user:' || u.id = created_by), created_by) AS created_by,
              created_at, config FROM agent_versions
        WHERE agent_id = $1 AND ($2::int IS NULL OR version::int < $2) ORDER BY version::int DESC LIMIT $3`,
      [agentId, after?.[0] ?? null, query.limit + 1],
    );
    return toPage(
      rows,
      query.limit,
      (row) => [Number(row.version)],
      (row) => ({
        version: row.version,
        comment: row.comment,
        ...saidOf(row),
        createdBy: row.created_by,
        createdAt: row.created_at.toISOString(),
        config: row.config,
      }),
    );
  }

  async stats(agentId: string): Promise<AgentStats> {
    const [row] = await this.database.query<StatsRow>(
      `SELECT count(*)::int AS ended,
              count(*) FILTER (WHERE status = 'succeeded')::int AS succeeded,
              count(*) FILTER (WHERE status = 'failed')::int AS failed,
              count(*) FILTER (WHERE status = 'cancelled')::int AS cancelled,
              percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS p50,
              percentile_disc(0.95) WITHIN GROUP (ORDER BY ms) AS p95,
              max(finished_at) AS last_ended_at
         FROM (SELECT status, finished_at, extract(epoch FROM finished_at - started_at) * 1000 AS ms FROM jobs
                WHERE agent_id = $1 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 200) AS j`,
      [agentId],
    );
    const { ended, succeeded, failed, cancelled, p50, p95, last_ended_at } = row!;
    return {
      ended,
      succeeded,
      failed,
      cancelled,
      p50Ms: p50 === null ? null : Math.round(Number(p50)),
      p95Ms: p95 === null ? null : Math.round(Number(p95)),
      lastEndedAt: last_ended_at?.toISOString() ?? null,
    };
  }
}

interface StatsRow {
  ended: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  p50: string | null;
  p95: string | null;
  last_ended_at: Date | null;
}

/** The comment of the first version is AOS's own; of all others, somebody's. */
function saidOf({ version, comment }: VersionRow): Pick<AgentVersion, 'said'> {
  const [, name] = /^from the template (.+)$/.exec(version === '1' ? comment : '') ?? [];
  if (name === undefined) return {};
  const known = agentTemplates.find((each) => each.name === name);
  return { said: say('from-template', { template: known?.said.title ?? name }) };
}
