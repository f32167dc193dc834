import { createHash } from 'node:crypto';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { McpServerInfo, McpTool } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { aggregateName } from './aggregate-name.js';
import {
  ServerDisabled,
  ServerUnreachable,
  UnknownServer,
  UnknownTool,
} from './integrations.errors.js';
import { type ToolDefinition, type Upstream, UpstreamFault } from './upstreams/upstream.js';
import { Upstreams } from './upstreams/upstreams.js';
import type { Health } from './upstreams/warm-client.js';

export const DEFAULT_TIMEOUT_MS = 60_000;
/** For reading a server's list of tools. */
const LIST_TIMEOUT_MS = 15_000;
const MAX_TOOLS = 1000;
const MAX_DEFINITION_BYTES = 256 * 1024;

export interface ServerRow {
  name: string;
  base_url: string;
  description: string | null;
  capabilities: Record<string, unknown>;
  auth_token: string | null;
  timeout_ms: number | null;
  transport: McpServerInfo['transport'];
  command: string | null;
  args: string[];
  idempotent_tools: string[];
  use_prefix: boolean;
  is_enabled: boolean;
  agent_id: string | null;
  health: {
    state: 'unknown' | 'healthy' | 'unhealthy';
    checkedAt?: string;
    error?: string;
    latencyMs?: number;
  };
  version: number;
  created_at: Date;
  updated_at: Date;
  tools: number;
}

/** What a call needs to know of its tool. */
export interface Target {
  server: ServerRow;
  tool: McpTool;
  definition: ToolDefinition;
  upstream: Upstream;
  timeoutMs: number;
}

export interface ToolRow {
  server: string;
  name: string;
  definition: ToolDefinition;
  is_idempotent: boolean;
  is_read_only: boolean;
  idempotent_tools: string[];
  use_prefix: boolean;
  registered_at: Date;
  health: ServerRow['health'];
}

/** A tool as its server told of it, ready to be kept. */
export interface ListedTool {
  definition: ToolDefinition;
  isIdempotent: boolean;
  isReadOnly: boolean;
}

/**
 * The registered servers and the definitions of their tools, as kept in mcp_registry and mcp_tools. Calls
 * are checked and made by the kept definition, not by what the server says today.
 * What a server claims of its tools (read-only, idempotent) is believed of the built-in ones only; for others
 * the registration names the idempotent ones.
 */
@Injectable()
export class Registry implements OnModuleInit {
  private readonly logger = new Logger(Registry.name);
  private readonly reported = new Map<string, string>();

  constructor(
    private readonly database: Database,
    private readonly upstreams: Upstreams,
  ) {}

  onModuleInit(): void {
    this.upstreams.onHealth = (server, health) => void this.keepHealth(server, health);
  }

  async find(name: string): Promise<ServerRow> {
    const rows = await this.database.query<ServerRow>(`${selectServers} WHERE r.name = $1`, [name]);
    if (!rows[0]) throw new UnknownServer(name);
    return rows[0];
  }

  /** Locks the row for the length of the transaction. */
  async findForChange(tx: Tx, name: string): Promise<ServerRow> {
    const { rows } = await sql<ServerRow>(
      tx,
      `${selectServers} WHERE r.name = $1 FOR UPDATE OF r`,
      [name],
    );
    if (!rows[0]) throw new UnknownServer(name);
    return rows[0];
  }

  /** @throws UnknownServer, UnknownTool, ServerDisabled */
  async target(serverName: string, toolName: string): Promise<Target> {
    const server = await this.find(serverName);
    if (!server.is_enabled) throw new ServerDisabled(serverName);
    const upstream = this.upstreams.of(server);
    let row = await this.toolRow(serverName, toolName);
    if (!row && server.tools === 0 && server.transport !== 'builtin') {
      // It could not be reached when it was registered: its tools are read when it is first needed.
      await this.syncTools(server).catch((error: unknown) => {
        if (!(error instanceof UpstreamFault)) throw error;
        throw new ServerUnreachable(`${error.message}.`, error.retryAfterSeconds);
      });
      row = await this.toolRow(serverName, toolName);
    }
    if (!row) throw new UnknownTool(serverName, toolName);
    return {
      server,
      tool: toTool(row),
      definition: row.definition,
      upstream,
      timeoutMs: server.timeout_ms ?? DEFAULT_TIMEOUT_MS,
    };
  }

  async tool(server: string, name: string): Promise<McpTool | undefined> {
    const rows = await this.database.query<ToolRow>(
      `${selectTools} AND t.server = $1 AND t.name = $2`,
      [server, name],
    );
    return rows[0] && toTool(rows[0]);
  }

  /** The same as rows, with what the aggregate endpoint needs of their servers. */
  offered(): Promise<ToolRow[]> {
    return this.database.query<ToolRow>(`${selectTools} ORDER BY t.server, t.name`);
  }

  /** Every tool of every server that is switched on. */
  async tools(): Promise<McpTool[]> {
    const rows = await this.database.query<ToolRow>(`${selectTools} ORDER BY t.server, t.name`);
    return rows.map(toTool);
  }

  /** Asks the server for its tools. @throws UpstreamFault when it cannot be reached. */
  async ask(
    server: Pick<ServerRow, 'name' | 'transport' | 'base_url' | 'command' | 'args' | 'auth_token'>,
  ): Promise<ListedTool[]> {
    const definitions = await this.upstreams.of(server).list({ timeoutMs: LIST_TIMEOUT_MS });
    const isOurs = server.transport === 'builtin' || server.transport === 'agent';
    return definitions
      .filter((definition) => JSON.stringify(definition).length <= MAX_DEFINITION_BYTES)
      .slice(0, MAX_TOOLS)
      .map((definition) => ({
        definition,
        isIdempotent: isOurs && definition.annotations?.idempotentHint === true,
        isReadOnly: isOurs && definition.annotations?.readOnlyHint === true,
      }));
  }

  async keepTools(tx: Tx, server: string, tools: readonly ListedTool[]): Promise<void> {
    await sql(
      tx,
      `INSERT INTO mcp_tools (server, name, definition, definition_hash, is_idempotent, is_read_only)
       SELECT $1, t->>'name', t->'definition', t->>'hash', (t->>'isIdempotent')::boolean, (t->>'isReadOnly')::boolean
         FROM jsonb_array_elements($2::jsonb) AS t
       ON CONFLICT (server, name) DO UPDATE
         SET definition = EXCLUDED.definition, definition_hash = EXCLUDED.definition_hash, is_gone = false,
             is_idempotent = EXCLUDED.is_idempotent, is_read_only = EXCLUDED.is_read_only, seen_at = now()`,
      [
        server,
        JSON.stringify(
          tools.map((tool) => ({
            name: tool.definition.name,
            definition: tool.definition,
            hash: createHash('sha256').update(JSON.stringify(tool.definition)).digest('hex'),
            isIdempotent: tool.isIdempotent,
            isReadOnly: tool.isReadOnly,
          })),
        ),
      ],
    );
    await sql(tx, `UPDATE mcp_tools SET is_gone = true WHERE server = $1 AND name <> ALL($2)`, [
      server,
      tools.map((tool) => tool.definition.name),
    ]);
  }

  async syncTools(server: ServerRow): Promise<void> {
    const tools = await this.ask(server);
    await this.database.transaction((tx) => this.keepTools(tx, server.name, tools));
  }

  private async toolRow(server: string, name: string): Promise<ToolRow | undefined> {
    const rows = await this.database.query<ToolRow>(
      `${selectTools} AND t.server = $1 AND t.name = $2`,
      [server, name],
    );
    return rows[0];
  }

  /** Written when it changes, not at each call. */
  private async keepHealth(server: string, health: Health): Promise<void> {
    const said = health.state === 'healthy' ? 'healthy' : health.error;
    if (this.reported.get(server) === said) return;
    this.reported.set(server, said);
    try {
      await this.database.query(`UPDATE mcp_registry SET health = $2 WHERE name = $1`, [
        server,
        JSON.stringify(healthOf(health)),
      ]);
    } catch (error) {
      this.reported.delete(server);
      this.logger.warn({ msg: 'the health of a server could not be kept', server, err: error });
    }
  }
}

export const healthOf = (health: Health): ServerRow['health'] => ({
  state: health.state,
  checkedAt: new Date().toISOString(),
  ...(health.state === 'healthy'
    ? { latencyMs: health.latencyMs }
    : { error: health.error.slice(0, 1000) }),
});

export const selectServers = `SELECT r.*, (SELECT count(*)::int FROM mcp_tools t WHERE t.server = r.name AND NOT t.is_gone) AS tools
  FROM mcp_registry r`;

export const selectTools = `SELECT t.server, t.name, t.definition, t.is_idempotent, t.is_read_only, r.idempotent_tools,
    r.use_prefix, r.created_at AS registered_at, r.health
  FROM mcp_tools t JOIN mcp_registry r ON r.name = t.server WHERE r.is_enabled AND NOT t.is_gone`;

export function toServerInfo(row: ServerRow): McpServerInfo {
  return {
    name: row.name,
    url: row.base_url,
    transport: row.transport,
    command: row.command,
    args: row.args,
    description: row.description ?? '',
    authSecret: row.auth_token,
    caps: row.capabilities,
    enabled: row.is_enabled,
    health: {
      state: row.is_enabled ? row.health.state : 'disabled',
      checkedAt: row.health.checkedAt ?? null,
      error: row.health.error ?? null,
      latencyMs: row.health.latencyMs ?? null,
    },
    quota: {},
    tools: row.tools,
    timeoutMs: row.timeout_ms ?? DEFAULT_TIMEOUT_MS,
    idempotentTools: row.idempotent_tools,
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export function toTool(row: ToolRow): McpTool {
  const { definition } = row;
  return {
    server: row.server,
    name: row.name,
    tool: `${row.server}.${row.name}`,
    aggregateName: row.use_prefix ? aggregateName(row.server, row.name) : row.name,
    title: definition.title ?? definition.annotations?.title ?? null,
    description: definition.description ?? '',
    inputSchema: definition.inputSchema,
    outputSchema: definition.outputSchema ?? null,
    idempotent: row.is_idempotent || row.idempotent_tools.includes(row.name),
    readOnly: row.is_read_only,
  };
}
