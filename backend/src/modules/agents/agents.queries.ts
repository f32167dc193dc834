import { Injectable } from '@nestjs/common';
import type { Agent, AgentConfig, AgentVersion, Page, PageQuery } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { AgentsRepository, toAgent } from './agents.repository.js';

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

  /** The newest first. */
  async versions(agentId: string, query: PageQuery): Promise<Page<AgentVersion>> {
    const after = decodeCursor(query.cursor, 1);
    const rows = await this.database.query<VersionRow>(
      `SELECT version, comment, created_by, created_at, config FROM agent_versions
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
        createdBy: row.created_by,
        createdAt: row.created_at.toISOString(),
        config: row.config,
      }),
    );
  }
}
