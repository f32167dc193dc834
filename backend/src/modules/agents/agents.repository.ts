import { Injectable } from '@nestjs/common';
import type { Agent, AgentConfig, AgentStanding } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import type { Ctx } from '../../platform/http/context.js';
import type { AgentStatus } from './agent.js';
import { AgentUnknown, VersionUnknown } from './agents.errors.js';

export interface AgentRow {
  id: string;
  name: string;
  type: 'local' | 'remote';
  version: string;
  route_prefix: string | null;
  replicas: number;
  status: AgentStatus;
  config: AgentConfig;
  created_at: Date;
  revision: number;
  last_error: string | null;
  registered: boolean;
  running: number;
  queued: number;
}

/** The row without what the agent is made of. */
export type StandingRow = Pick<
  AgentRow,
  'id' | 'version' | 'status' | 'replicas' | 'last_error' | 'registered' | 'running' | 'queued'
>;

@Injectable()
export class AgentsRepository {
  constructor(private readonly database: Database) {}

  async find(idOrName: string): Promise<AgentRow> {
    const rows = await this.database.query<AgentRow>(`${selectAgents} AND ${byIdOrName}`, [
      idOrName,
    ]);
    if (!rows[0]) throw new AgentUnknown(idOrName);
    return rows[0];
  }

  /** Locks the row: orders to one agent take turns, and so does the end of its last run. */
  async findForChange(tx: Tx, idOrName: string): Promise<AgentRow> {
    const { rows } = await sql<AgentRow>(tx, `${selectAgents} AND ${byIdOrName} FOR UPDATE OF a`, [
      idOrName,
    ]);
    if (!rows[0]) throw new AgentUnknown(idOrName);
    return rows[0];
  }

  async list(after: string | null, limit: number): Promise<AgentRow[]> {
    return this.database.query<AgentRow>(`${selectAgents} ${nextById}`, [after, limit]);
  }

  async listStandings(after: string | null, limit: number): Promise<StandingRow[]> {
    return this.database.query<StandingRow>(
      `${selectOf('a.id, a.version, a.status, a.replicas, a.last_error')} ${nextById}`,
      [after, limit],
    );
  }

  async setStatus(tx: Tx, id: string, status: AgentStatus): Promise<void> {
    await sql(
      tx,
      `UPDATE agents SET status = $2, last_error = CASE WHEN $2 = 'failed' THEN last_error END WHERE id = $1`,
      [id, status],
    );
  }

  async keepVersion(
    tx: Tx,
    ctx: Ctx,
    id: string,
    version: string,
    config: AgentConfig,
    comment: string,
  ): Promise<void> {
    await sql(
      tx,
      `INSERT INTO agent_versions (agent_id, version, config, comment, created_by) VALUES ($1, $2, $3, $4, $5)`,
      [id, version, JSON.stringify(config), comment, ctx.actor.id],
    );
  }

  /** @throws VersionUnknown */
  async findVersion(tx: Tx, { id, name }: AgentRow, version: string): Promise<AgentConfig> {
    const { rows } = await sql<{ config: AgentConfig }>(
      tx,
      'SELECT config FROM agent_versions WHERE agent_id = $1 AND version = $2',
      [id, version],
    );
    if (!rows[0]) throw new VersionUnknown(name, version);
    return rows[0].config;
  }

  /** One more than the newest: the present one may be older, after it was rolled back. */
  async nextVersion(tx: Tx, id: string): Promise<string> {
    const { rows } = await sql<{ version: string }>(
      tx,
      `SELECT (coalesce(max(version::int), 0) + 1)::text AS version FROM agent_versions WHERE agent_id = $1`,
      [id],
    );
    return rows[0]!.version;
  }

  /** Tasks that were accepted and have not ended; one that is scheduled for later is not under way. */
  async tasksUnderWay(tx: Tx, id: string): Promise<number> {
    const { rows } = await sql<{ n: number }>(
      tx,
      `SELECT count(*)::int AS n FROM jobs WHERE agent_id = $1 AND status IN ('queued', 'running', 'waiting')`,
      [id],
    );
    return rows[0]!.n;
  }
}

const byIdOrName = `(a.id::text = $1 OR a.name = $1)`;

const nextById = `AND ($1::bigint IS NULL OR a.id > $1) ORDER BY a.id LIMIT $2`;

const selectOf = (columns: string) => `SELECT ${columns},
    EXISTS (SELECT 1 FROM mcp_registry r WHERE r.agent_id = a.id) AS registered,
    (SELECT count(*)::int FROM jobs j WHERE j.agent_id = a.id AND j.status IN ('running', 'waiting')) AS running,
    (SELECT count(*)::int FROM jobs j WHERE j.agent_id = a.id AND j.status IN ('queued', 'scheduled')) AS queued
  FROM agents a WHERE a.deleted_at IS NULL`;
const selectAgents = selectOf('a.*');

export const toStanding = (row: StandingRow): AgentStanding => ({
  id: String(row.id),
  version: row.version,
  status: row.status,
  replicas: row.replicas,
  registered: row.registered,
  load: { running: row.running, queued: row.queued },
  lastError: row.last_error,
});

export const toAgent = (row: AgentRow): Agent => ({
  ...toStanding(row),
  name: row.name,
  type: row.type,
  routePrefix: row.route_prefix,
  config: row.config,
  createdAt: row.created_at.toISOString(),
});
