import { randomBytes } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import {
  type McpServerInfo,
  type McpTool,
  type OutboundOAuth,
  type Said,
  type ServerLimits,
  inEnglish,
  say,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { isDeeperThan } from '../../platform/http/json-depth.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import type { Nameable } from './aggregate/offered-names.js';
import { headerFault } from './chain/header-names.js';
import { escaped } from './chain/hidden-text.js';
import { LimitsInForce } from './chain/limits-in-force.js';
import { type KeptTool, type PinState, definitionHash, pin, pinEvent } from './chain/pins.js';
import { storable } from './chain/result-check.js';
import {
  ServerDisabled,
  ServerUnreachable,
  UnknownServer,
  UnknownTool,
} from './integrations.errors.js';
import { type ToolDefinition, type Upstream, UpstreamFault } from './upstreams/upstream.js';
import type { RestService } from './openapi/rest-upstream.js';
import { MAX_DEFINITION_DEPTH, unfitOf } from './upstreams/unfit-tools.js';
import { type UpstreamRow, Upstreams } from './upstreams/upstreams.js';
import type { Health } from './upstreams/warm-client.js';

/** For reading a server's list of tools. */
const LIST_TIMEOUT_MS = 15_000;
const MAX_TOOLS = 1000;
const MAX_DEFINITION_BYTES = 256 * 1024;
/** What a call can name. */
const LONGEST_NAME = 200;
/** Of the tools that are left out, so many are told of. */
const MOST_LEFT_OUT = 20;

export interface ServerRow {
  name: string;
  base_url: string;
  description: string | null;
  capabilities: Record<string, unknown>;
  auth_token: string | null;
  limits: ServerLimits;
  auth: OutboundOAuth | null;
  openapi: RestService | null;
  timeout_ms: number | null;
  transport: McpServerInfo['transport'];
  command: string | null;
  args: string[];
  is_launch_kept: boolean;
  idempotent_tools: string[];
  use_prefix: boolean;
  is_enabled: boolean;
  agent_id: string | null;
  health: {
    state: 'unknown' | 'healthy' | 'unhealthy';
    checkedAt?: string;
    error?: string;
    said?: Said;
    latencyMs?: number;
  };
  version: number;
  created_at: Date;
  updated_at: Date;
  tools: number;
  tools_changed: number;
  tools_quarantined: number;
  left_out: LeftOutTool[];
}

/** A tool without its name among those of all servers, which depends on what these call theirs (see offeredNames). */
export type KnownTool = Omit<McpTool, 'aggregateName'>;

/** What a call needs to know of its tool. */
export interface Target {
  server: ServerRow;
  tool: KnownTool;
  definition: ToolDefinition;
  /** Of the pinned definition. */
  hash: string;
  pin: PinState;
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
  pin_state: PinState;
}

/** What a server's tools are offered with. */
export interface OfferingRow {
  server: string;
  use_prefix: boolean;
  registered_at: Date;
  health: ServerRow['health'];
  tools: number;
  /** Another one when there are other tools, or one of them is told of otherwise. */
  stamp: string;
}

/** A tool as its server told of it, ready to be kept. */
export interface ListedTool {
  definition: ToolDefinition;
  isIdempotent: boolean;
  isReadOnly: boolean;
  /** Comes with this build: its definitions need nobody's approval. */
  isOurs: boolean;
}

/** A tool that its server tells of and nobody is offered, and why. */
export interface LeftOutTool {
  /** As it is called, shown; empty where it has no name. */
  tool: string;
  said: Said;
}

/** What a server told of its tools. */
export interface Listed {
  tools: ListedTool[];
  leftOut: LeftOutTool[];
}

export const nothingListed: Listed = { tools: [], leftOut: [] };

/** How old what calls are made by may be when another process changed it and its wake-up was lost. */
const CACHE_MS = 5_000;
const MOST_CACHED = 10_000;
/** Somewhat less than what lies between two looks at a server's health. */
const RETELL_MS = 15_000;
/** So long a server that turned out to have no tools is not asked for them again by who names one. */
const EMPTY_FOR_MS = 30_000;

/**
 * The registered servers and the definitions of their tools, as kept in mcp_registry and mcp_tools. Calls
 * are checked and made by the kept definition, not by what the server says today.
 * What a server claims of its tools (read-only, idempotent) is believed of the built-in ones only; for others
 * the registration names the idempotent ones.
 * What a call needs is kept for some seconds; whatever changes it wakes `control` after its commit.
 */
@Injectable()
export class Registry implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Registry.name);
  private readonly reported = new Map<string, { said: string; at: number }>();
  private readonly targets = new Map<
    string,
    { target: Omit<Target, 'upstream'>; staleAt: number }
  >();
  /** By name: servers without a kept tool that were asked for theirs since somebody named one. */
  private readonly asked = new Map<string, { of: string; until: number; done: Promise<void> }>();
  private generation = 0;
  private readonly stopListening: () => void;

  constructor(
    private readonly database: Database,
    private readonly upstreams: Upstreams,
    private readonly outbox: Outbox,
    private readonly wakeups: Wakeups,
    private readonly inForce: LimitsInForce,
  ) {
    this.stopListening = wakeups.on('control', () => {
      this.generation++;
      this.targets.clear();
    });
  }

  onModuleInit(): void {
    this.upstreams.onHealth = (server, health) => void this.keepHealth(server, health);
  }

  onApplicationShutdown(): void {
    this.stopListening();
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
    const key = `${serverName}\u0000${toolName}`;
    const kept = this.targets.get(key);
    const target =
      kept && performance.now() < kept.staleAt
        ? kept.target
        : await this.load(key, serverName, toolName);
    return { ...target, upstream: this.upstreams.of(target.server) };
  }

  private async load(
    key: string,
    serverName: string,
    toolName: string,
  ): Promise<Omit<Target, 'upstream'>> {
    const { generation } = this;
    const server = await this.find(serverName);
    if (!server.is_enabled) throw new ServerDisabled(serverName);
    let row = await this.toolRow(serverName, toolName);
    if (!row && server.tools === 0 && server.transport !== 'builtin') {
      // It could not be reached when it was registered: its tools are read when it is first needed.
      await this.firstTools(server).catch((error: unknown) => {
        if (!(error instanceof UpstreamFault)) throw error;
        throw new ServerUnreachable(`${error.message}.`, error.retryAfterSeconds);
      });
      row = await this.toolRow(serverName, toolName);
    }
    if (!row) throw new UnknownTool(serverName, toolName);
    const target = {
      server,
      tool: toTool(row),
      definition: row.definition,
      hash: definitionHash(row.definition),
      pin: row.pin_state,
      timeoutMs: await this.inForce.timeoutMs(server),
    };
    if (generation !== this.generation) return target;
    if (this.targets.size >= MOST_CACHED) this.targets.delete(this.targets.keys().next().value!);
    this.targets.set(key, { target, staleAt: performance.now() + CACHE_MS });
    return target;
  }

  /** Anybody can name a tool that there is not, as often as they like: what was asked is good for a while. */
  private firstTools(server: ServerRow): Promise<void> {
    const of = `${server.created_at.getTime()}/${server.version}`;
    const known = this.asked.get(server.name);
    if (known?.of === of && performance.now() < known.until) return known.done;
    const asked = { of, until: Infinity, done: this.syncTools(server) };
    this.asked.set(server.name, asked);
    asked.done.then(
      () => (asked.until = performance.now() + EMPTY_FOR_MS),
      () => (asked.until = 0), // whoever asked is told; the next one may have more luck
    );
    return asked.done;
  }

  async tool(server: string, name: string): Promise<KnownTool | undefined> {
    const rows = await this.database.query<ToolRow>(
      `${selectTools} AND t.server = $1 AND t.name = $2`,
      [server, name],
    );
    return rows[0] && toTool(rows[0]);
  }

  /** The servers of whose tools some are offered. */
  offering(): Promise<OfferingRow[]> {
    return this.database.query<OfferingRow>(`${selectOfferings} ORDER BY o.server`);
  }

  /** The tools of these, as their servers told of them. */
  offered(servers: readonly string[]): Promise<Pick<ToolRow, 'server' | 'definition'>[]> {
    return this.database.query(
      `SELECT server, definition FROM (${selectTools}) AS t WHERE server = ANY($1)`,
      [servers],
    );
  }

  /** What the names of all tools that are offered depend on. */
  async nameable(): Promise<Nameable[]> {
    const rows = await this.database.query<Omit<ToolRow, 'definition'>>(
      `SELECT server, name, use_prefix, registered_at FROM (${selectTools}) AS t`,
    );
    return rows.map((row) => ({
      server: row.server,
      name: row.name,
      usesPrefix: row.use_prefix,
      registeredAt: row.registered_at,
    }));
  }

  /** Every tool of every server that is switched on. */
  async tools(): Promise<KnownTool[]> {
    const rows = await this.database.query<ToolRow>(`${selectTools} ORDER BY t.server, t.name`);
    return rows.map(toTool);
  }

  /** Asks the server for its tools. @throws UpstreamFault when it cannot be reached. */
  async ask(server: UpstreamRow): Promise<Listed> {
    const definitions = await this.upstreams.of(server).list({ timeoutMs: LIST_TIMEOUT_MS });
    const isOurs = server.transport === 'builtin' || server.transport === 'agent';
    const [names, leftOut]: [Set<string>, LeftOutTool[]] = [new Set(), []];
    const tools = definitions
      .filter((definition) => {
        const { name } = definition;
        const said = names.has(name) ? say('tool-name-taken') : faultOf(definition, names.size);
        if (said === undefined) {
          names.add(name);
          return true;
        }
        if (leftOut.length < MOST_LEFT_OUT)
          leftOut.push({ tool: escaped(name.slice(0, LONGEST_NAME)), said });
        return false;
      })
      .map((definition) => ({
        definition,
        isIdempotent: isOurs && definition.annotations?.idempotentHint === true,
        isReadOnly: isOurs && definition.annotations?.readOnlyHint === true,
        isOurs,
      }));
    return { tools, leftOut: storable(leftOut) };
  }

  async keptTools(tx: Tx, server: string): Promise<ToolDefinition[]> {
    const { rows } = await sql<{ definition: ToolDefinition }>(
      tx,
      'SELECT definition FROM mcp_tools WHERE server = $1 AND NOT is_gone ORDER BY name',
      [server],
    );
    return rows.map(({ definition }) => definition);
  }

  /** Compares what the server tells with what is pinned, and stores both: see pins.ts. */
  async keepTools(
    tx: Tx,
    server: string,
    { tools, leftOut }: Listed,
    traceId = randomBytes(16).toString('hex'),
  ): Promise<void> {
    const { rows } = await sql<KeptTool>(
      tx,
      `SELECT name, definition, pin_state, seen_hash FROM mcp_tools WHERE server = $1 FOR UPDATE`,
      [server],
    );
    const kept = new Map(rows.map((row) => [row.name, row]));
    const isNew = tools.some((tool) => !tool.isOurs && !kept.has(tool.definition.name));
    const isHeld = isNew && (await serversAreHeld(tx));
    const pinned = tools.map((tool) => ({
      ...pin(tool.definition, kept.get(tool.definition.name), tool.isOurs, isHeld),
      isIdempotent: tool.isIdempotent,
      isReadOnly: tool.isReadOnly,
      told: tool.definition,
      toldHash: definitionHash(tool.definition),
    }));
    await sql(
      tx,
      `INSERT INTO mcp_tools (server, name, definition, definition_hash, is_idempotent, is_read_only, pin_state,
                              seen_definition, seen_hash, hidden_text, pin_changed_at, told, told_hash)
       SELECT $1, t->>'name', t->'definition', t->>'hash', (t->>'isIdempotent')::boolean, (t->>'isReadOnly')::boolean,
              t->>'state', nullif(t->'seen', 'null'), t->>'seenHash', t->'hiddenText',
              CASE WHEN (t->>'isNews')::boolean THEN now() END, as_sent->'told', t->>'toldHash'
         FROM json_array_elements($2::json) AS as_sent, LATERAL (SELECT as_sent::jsonb) AS sorted(t)
       ON CONFLICT (server, name) DO UPDATE
         SET definition = EXCLUDED.definition, definition_hash = EXCLUDED.definition_hash, is_gone = false,
             is_idempotent = EXCLUDED.is_idempotent, is_read_only = EXCLUDED.is_read_only, seen_at = now(),
             pin_state = EXCLUDED.pin_state, seen_definition = EXCLUDED.seen_definition, seen_hash = EXCLUDED.seen_hash,
             hidden_text = EXCLUDED.hidden_text, told = EXCLUDED.told, told_hash = EXCLUDED.told_hash,
             pin_changed_at = coalesce(EXCLUDED.pin_changed_at, mcp_tools.pin_changed_at)`,
      [server, JSON.stringify(storable(pinned))],
    );
    await sql(tx, `UPDATE mcp_tools SET is_gone = true WHERE server = $1 AND name <> ALL($2)`, [
      server,
      tools.map((tool) => tool.definition.name),
    ]);
    await this.keepLeftOut(tx, server, leftOut);
    const news = pinned.filter((tool) => tool.isNews);
    await this.outbox.append(
      tx,
      news.map((tool) => pinEvent(server, tool, traceId)),
    );
    this.wakeups.afterCommit(tx, 'control');
  }

  /** Written, and said in the log, when it changes. */
  private async keepLeftOut(tx: Tx, server: string, leftOut: LeftOutTool[]): Promise<void> {
    const { count } = await sql(
      tx,
      'UPDATE mcp_registry SET left_out = $2 WHERE name = $1 AND left_out <> $2::jsonb',
      [server, JSON.stringify(leftOut)],
    );
    if (count > 0 && leftOut.length > 0)
      this.logger.warn({ msg: 'tools of a server are left out', server, leftOut });
  }

  /** Asks the server for its tools, and keeps them when they are others than it told of before. @throws UpstreamFault */
  async lookForChanges(server: UpstreamRow): Promise<void> {
    const listed = await this.ask(server);
    const { tools } = listed;
    // What older code has kept, or kept since, has no order: it is kept once more.
    const kept = await this.database.query<{ name: string; hash: string | null }>(
      `SELECT name, CASE WHEN told_hash = coalesce(seen_hash, definition_hash) THEN told_hash END AS hash
         FROM mcp_tools WHERE server = $1 AND NOT is_gone`,
      [server.name],
    );
    const hashes = new Map(kept.map(({ name, hash }) => [name, hash]));
    const isSame = ({ definition }: ListedTool) =>
      hashes.get(definition.name) === definitionHash(definition);
    const isSameList = tools.length === kept.length && tools.every(isSame);
    if (isSameList && (await this.leavesOut(server.name, listed.leftOut))) return;
    await this.database.transaction((tx) => this.keepTools(tx, server.name, listed));
  }

  /** Whether it is known that just these are left out. */
  async leavesOut(server: string, leftOut: LeftOutTool[]): Promise<boolean> {
    const rows = await this.database.query(
      'SELECT 1 FROM mcp_registry WHERE name = $1 AND left_out = $2::jsonb',
      [server, JSON.stringify(leftOut)],
    );
    return rows.length > 0;
  }

  async syncTools(server: ServerRow): Promise<void> {
    const listed = await this.ask(server);
    await this.database.transaction((tx) => this.keepTools(tx, server.name, listed));
  }

  private async toolRow(server: string, name: string): Promise<ToolRow | undefined> {
    const rows = await this.database.query<ToolRow>(
      `${selectAnyTools} AND t.server = $1 AND t.name = $2`,
      [server, name],
    );
    return rows[0];
  }

  /**
   * Written when it changes, not at each call. Now and then also when it does not: another process may have written what it
   * saw since, and may be gone.
   */
  private async keepHealth(server: string, health: Health): Promise<void> {
    const said = health.state === 'healthy' ? 'healthy' : health.error;
    const before = this.reported.get(server);
    const at = performance.now();
    const isNews = before?.said !== said;
    if (!isNews && at - before.at < RETELL_MS) return;
    this.reported.set(server, { said, at });
    const kept = storable(healthOf(health));
    try {
      await this.database.query(
        `UPDATE mcp_registry SET health = $2 WHERE name = $1 AND ($3 OR health->>'state' IS DISTINCT FROM $4)`,
        [server, JSON.stringify(kept), isNews, kept.state],
      );
    } catch (error) {
      this.reported.delete(server);
      this.logger.warn({ msg: 'the health of a server could not be kept', server, err: error });
    }
  }
}

/** A second person is wanted, and this transaction applies nothing that one has confirmed. */
async function serversAreHeld(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ held: boolean }>(tx, 'SELECT servers_are_held() AS held');
  return rows[0]!.held;
}

/** Why a tool is left out, and the others of its server are kept. `before`: so many are kept already. */
function faultOf(definition: ToolDefinition, before: number): Said | undefined {
  const { name } = definition;
  const unfit = unfitOf(definition);
  if (unfit !== undefined) return say('tool-unfit', { faults: unfit });
  if (name === '' || name.length > LONGEST_NAME || name.includes('\u0000') || !name.isWellFormed())
    return say('tool-unnamable');
  if (isDeeperThan(definition, MAX_DEFINITION_DEPTH)) return say('tool-too-deep');
  if (JSON.stringify(definition).length > MAX_DEFINITION_BYTES) return say('tool-too-long');
  const header = headerFault(definition);
  if (header !== undefined) return say('tool-header', { fault: header });
  return before < MAX_TOOLS ? undefined : say('tool-too-many', { most: MAX_TOOLS });
}

/** As it is told outside. */
export const leftOutOf = (leftOut: readonly LeftOutTool[]): McpServerInfo['leftOut'] =>
  leftOut.map(({ tool, said }) => ({ tool, why: inEnglish(said), said }));

export const healthOf = (health: Health): ServerRow['health'] => ({
  state: health.state,
  checkedAt: new Date().toISOString(),
  ...(health.state === 'healthy' ? { latencyMs: health.latencyMs } : toldOf(health, 1000)),
});

/** What went wrong with a server, no longer than that; the code only goes with the whole of it. */
export const toldOf = (
  { error, said }: { error: string; said?: Said | undefined },
  most: number,
) => ({ error: error.slice(0, most), ...(said && error.length <= most ? { said } : {}) });

export const selectServers = `SELECT r.*, c.tools, c.tools_changed, c.tools_quarantined FROM mcp_registry r,
  LATERAL (SELECT count(*)::int AS tools, count(*) FILTER (WHERE t.pin_state = 'changed')::int AS tools_changed,
                  count(*) FILTER (WHERE t.pin_state = 'quarantined')::int AS tools_quarantined
             FROM mcp_tools t WHERE t.server = r.name AND NOT t.is_gone) c`;

/** Also those that wait for approval. A definition is in its server's order, where that has told of it since. */
const selectAnyTools = `SELECT t.server, t.name,
    CASE WHEN t.told_hash = t.definition_hash THEN t.told ELSE t.definition::json END AS definition, t.is_idempotent, t.is_read_only, t.pin_state, r.idempotent_tools,
    r.use_prefix, r.created_at AS registered_at, r.health
  FROM mcp_tools t JOIN mcp_registry r ON r.name = t.server WHERE r.is_enabled AND NOT t.is_gone`;

/** What is offered: servers that are on, tools whose definition is the approved one. */
export const selectTools = `${selectAnyTools} AND t.pin_state = 'pinned'`;

/** Read again and again, so by hashes: definitions are a thousand times as long. */
export const selectOfferings = `SELECT o.*, r.use_prefix, r.created_at AS registered_at, r.health
  FROM (SELECT server, count(*)::int AS tools, bit_xor(hashtextextended(
            name || ' ' || definition_hash || ' ' || coalesce(told_hash, ''), 0))::text AS stamp
          FROM mcp_tools WHERE NOT is_gone AND pin_state = 'pinned' GROUP BY server) AS o
  JOIN mcp_registry r ON r.name = o.server WHERE r.is_enabled`;

export function toTool(row: ToolRow): KnownTool {
  const { definition } = row;
  return {
    server: row.server,
    name: row.name,
    tool: `${row.server}.${row.name}`,
    title: definition.title ?? definition.annotations?.title ?? null,
    description: definition.description ?? '',
    inputSchema: definition.inputSchema,
    outputSchema: definition.outputSchema ?? null,
    idempotent: row.is_idempotent || row.idempotent_tools.includes(row.name),
    readOnly: row.is_read_only,
  };
}
