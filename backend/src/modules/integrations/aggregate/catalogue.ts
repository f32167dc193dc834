import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type {
  Prompt,
  Resource,
  ResourceTemplateType,
  ServerNotifier,
  Tool,
} from '@modelcontextprotocol/server';
import { UriTemplate } from '@modelcontextprotocol/server';
import { describeFailure } from '../../../platform/database/away.js';
import { Database } from '../../../platform/database/database.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { UnknownServer } from '../integrations.errors.js';
import {
  type OfferingRow,
  Registry,
  type ServerRow,
  selectOfferings,
  selectServers,
} from '../registry.js';
import type { ListKind, UpstreamChange } from '../upstreams/upstream.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { KeptLists } from './kept-lists.js';
import { type Nameable, offeredNames } from './offered-names.js';

export interface OfferedTool extends Nameable {
  definition: Tool;
  health: ServerRow['health'];
}

export interface OfferedPrompt extends Nameable {
  definition: Prompt;
}

/** A resource, or a template, under the address by which clients know it. */
export interface Owned<T> {
  server: string;
  uri: string;
  definition: T;
}

/** What was read last. Definitions may be newer than their stamp, and then are read once more; they are never older. */
interface Kept {
  /** The servers, as they were then. */
  of: string;
  /** By server. */
  definitions: Map<string, { stamp: string; tools: Tool[] }>;
  tools: Map<string, OfferedTool>;
}

type Change = Exclude<UpstreamChange['kind'], 'lost' | 'found' | 'new'>;
type Stamp = Record<'tools' | 'prompts' | 'resources', string>;
const TOOLS_FRESH_MS = 1000;
/** The same for who asks for a tool that is not there: anybody can do that, as often as they like. */
const MISSED_FRESH_MS = 200;
const LOOK_MS = 3000;
/** A server that tells of changes without end is asked so often, and not at each word. */
const FOLLOW_EVERY_MS = 1000;
const MOST_REMEMBERED = 10_000;
/** Definitions read in one go, in between other work has its turn; one server has as many at most. */
const TOOLS_AT_ONCE = 1000;

/**
 * What all servers offer together, under names that do not clash.
 *
 * Tools are the definitions kept in the registry. Prompts, resources and templates are asked for at the
 * servers and kept (see KeptLists), so that a list never waits for a server that is away: it answers from the
 * last good state, and the entries of that server carry the mark `aos.dev/unreachable`.
 *
 * Addresses of resources are left as they are, since answers of tools refer to them. Where two servers have
 * the same, the one registered first has it, and the other's reads `aos-<server>+<address>`.
 *
 * Word of changes comes from the servers themselves, and, for what people change in the registry and other processes
 * read of the servers, from looking at it while somebody listens; so it reaches every process. A server that tells of one while it is being
 * registered has no row yet: that is followed once the registration is committed. What is known of the tools is good
 * for a moment, and no longer than until somebody changes them. Then the servers are looked at, by a stamp of their tools, and
 * definitions are read of those alone that have others: of 20,000 tools that takes a second, in which nothing else would be done.
 */
@Injectable()
export class Catalogue implements OnApplicationShutdown {
  private readonly logger = new Logger(Catalogue.name);
  private readonly listeners = new Set<ServerNotifier>();
  private readonly remembered = new Map<string, string>();
  /** By server and change; `again` when it was told of once more meanwhile. */
  private readonly followed = new Map<string, { again: boolean }>();
  /** Told by servers that are being registered: what there is of them yet is a connection, and no row. */
  private readonly early = new Map<string, { server: string; change: UpstreamChange }>();
  private generation = 0;
  private cached: { at: number; tools: Promise<Map<string, OfferedTool>> } | undefined;
  private kept: Kept | undefined;
  private stamp: Stamp | undefined;
  private looking: NodeJS.Timeout | undefined;
  private readonly stopListening: () => void;

  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly upstreams: Upstreams,
    private readonly lists: KeptLists,
    wakeups: Wakeups,
  ) {
    this.stopListening = wakeups.on('control', () => {
      this.cached = undefined;
      this.generation++;
      this.followEarly();
    });
    upstreams.onChange = (server, change) => void this.follow(server, change);
  }

  onApplicationShutdown(): void {
    this.stopListening();
    clearInterval(this.looking);
  }

  /** By the name that clients use, in its order. */
  tools(freshMs = TOOLS_FRESH_MS): Promise<Map<string, OfferedTool>> {
    const now = performance.now();
    if (this.cached && now - this.cached.at < freshMs) return this.cached.tools;
    const tools = this.readTools();
    this.cached = { at: now, tools };
    tools.catch(() => (this.cached = undefined));
    return tools;
  }

  /** A tool that another process has just made known may not be in what is cached. */
  async tool(name: string): Promise<OfferedTool | undefined> {
    return (await this.tools()).get(name) ?? (await this.tools(MISSED_FRESH_MS)).get(name);
  }

  async prompts(): Promise<Map<string, OfferedPrompt>> {
    const servers = await this.servers();
    const lists = await Promise.all(
      servers.map(async (server) =>
        (await this.items<Prompt>(server, 'prompts')).map((definition) => ({
          server: server.name,
          name: definition.name,
          usesPrefix: server.use_prefix,
          registeredAt: server.created_at,
          definition,
        })),
      ),
    );
    return offeredNames(lists.flat());
  }

  resources(): Promise<Map<string, Owned<Resource>>> {
    return this.owned<Resource>('resources', (each) => each.uri);
  }

  templates(): Promise<Map<string, Owned<ResourceTemplateType>>> {
    return this.owned<ResourceTemplateType>('resourceTemplates', (each) => each.uriTemplate);
  }

  /** The server of a resource and its address there, if any server is known to have it. */
  async ownerOf(uri: string): Promise<{ server: string; uri: string } | undefined> {
    const listed = (await this.resources()).get(uri);
    if (listed) return { server: listed.server, uri: listed.definition.uri };
    const [, named, rest] = /^aos-([A-Za-z0-9_.-]+)\+(.+)$/s.exec(uri) ?? [];
    if (named !== undefined && rest !== undefined && (await this.server(named)))
      return { server: named, uri: rest };
    for (const { server, definition } of (await this.templates()).values())
      if (matches(definition.uriTemplate, uri)) return { server, uri };
    const server = this.remembered.get(uri);
    return server === undefined ? undefined : { server, uri };
  }

  /** Addresses in the answers of a tool need not be in any list; they can be read all the same. */
  remember(server: string, content: readonly Record<string, unknown>[]): void {
    for (const part of content) {
      const resource = part['type'] === 'resource_link' ? part : part['resource'];
      const uri = (resource as { uri?: unknown } | undefined)?.uri;
      if (typeof uri !== 'string' || this.remembered.has(uri)) continue;
      if (this.remembered.size >= MOST_REMEMBERED)
        this.remembered.delete(this.remembered.keys().next().value!);
      this.remembered.set(uri, server);
    }
  }

  async server(name: string): Promise<ServerRow | undefined> {
    return (await this.servers()).find((server) => server.name === name);
  }

  /** Whoever tells clients of changes. */
  listen(notifier: ServerNotifier): () => void {
    this.listeners.add(notifier);
    this.looking ??= setInterval(() => void this.look(), LOOK_MS).unref();
    return () => {
      this.listeners.delete(notifier);
      if (this.listeners.size > 0) return;
      clearInterval(this.looking);
      this.looking = undefined;
    };
  }

  /** Looks whether there are other tools, prompts or resources than before, and says so. */
  async look(): Promise<void> {
    try {
      const now = await this.readStamp();
      const before = this.stamp;
      this.stamp = now;
      if (!before) return;
      if (before.tools !== now.tools) {
        this.cached = undefined;
        this.tell('tools');
      }
      for (const kind of ['prompts', 'resources'] as const) {
        if (before[kind] === now[kind]) continue;
        this.lists.readElsewhere(listsOf[kind]);
        this.tell(kind);
      }
    } catch (error) {
      this.logger.warn(`what the servers offer could not be looked at: ${describeFailure(error)}`);
    }
  }

  /** The first word of a change is followed at once; all that come while that is done lead to one more look. */
  private async follow(server: string, change: UpstreamChange): Promise<void> {
    if (change.kind === 'lost') return this.changed(server, change);
    const key = JSON.stringify([server, change]);
    const followed = this.followed.get(key);
    if (followed) return void (followed.again = true);
    const state = { again: true };
    this.followed.set(key, state);
    while (state.again) {
      state.again = false;
      await this.changed(server, change);
      if (state.again) await pause(FOLLOW_EVERY_MS, undefined, { ref: false });
    }
    this.followed.delete(key);
  }

  private async changed(server: string, change: UpstreamChange): Promise<void> {
    try {
      const row = await this.rowOf(server);
      if (!row) return this.keepEarly(server, change);
      if (change.kind === 'resource') return this.tell('resource', change.uri);
      if (change.kind === 'lost') return this.lists.lost(server);
      if (change.kind === 'tools' || change.kind === 'found') {
        await this.registry.syncTools(row);
        this.cached = undefined;
        await this.tellHere('tools');
      }
      for (const kind of ['prompts', 'resources'] as const) {
        if (change.kind !== kind && change.kind !== 'found' && change.kind !== 'new') continue;
        const lists = listsOf[kind].map((list) => this.lists.refresh(row, list));
        await Promise.all(lists);
        if (change.kind !== 'new') await this.tellHere(kind);
      }
      // That its lists are empty is nothing to be told.
      if (change.kind === 'new') await this.look();
    } catch (error) {
      // It was removed meanwhile, or has gone again; the next look or the next call finds out.
      this.logger.warn({ msg: 'a change of a server could not be followed', server, err: error });
    }
  }

  /** Undefined where it is not registered, or not yet: its row may be committed while it is looked for. */
  private async rowOf(server: string): Promise<ServerRow | undefined> {
    for (;;) {
      const { generation } = this;
      const row = await this.registry.find(server).catch((error: unknown) => {
        if (!(error instanceof UnknownServer)) throw error;
        return undefined;
      });
      if (row || generation === this.generation) return row;
    }
  }

  /** Nobody has heard yet what there is of it, so a connection that is lost is no news. */
  private keepEarly(server: string, change: UpstreamChange): void {
    if (change.kind !== 'lost' && this.upstreams.has(server))
      this.early.set(JSON.stringify([server, change]), { server, change });
  }

  /** The registry has changed, maybe by them; where it was by others, they wait on. */
  private followEarly(): void {
    const told = [...this.early.values()];
    this.early.clear();
    for (const { server, change } of told) void this.follow(server, change);
  }

  private async readStamp(): Promise<Stamp> {
    const [row] = await this.database.query<Stamp>(STAMP);
    return row!;
  }

  /** What is told at once is not told once more at the next look. */
  private async tellHere(kind: keyof Stamp): Promise<void> {
    const now = await this.readStamp();
    if (this.stamp) this.stamp = { ...this.stamp, [kind]: now[kind] };
    this.tell(kind);
  }

  private tell(kind: Change, uri = ''): void {
    for (const listener of this.listeners) {
      if (kind === 'tools') listener.toolsChanged();
      else if (kind === 'prompts') listener.promptsChanged();
      else if (kind === 'resources') listener.resourcesChanged();
      else listener.resourceUpdated(uri);
    }
  }

  private async readTools(): Promise<Map<string, OfferedTool>> {
    const before = this.kept;
    const servers = await this.registry.offering();
    const of = JSON.stringify(servers);
    if (before?.of === of) return before.tools;
    const definitions = await this.definitionsOf(servers, before);
    const tools = offeredNames(
      servers.flatMap(({ server, use_prefix, registered_at, health }) =>
        definitions.get(server)!.tools.map((definition) => ({
          ...{ server, name: definition.name, usesPrefix: use_prefix },
          ...{ registeredAt: registered_at, definition, health },
        })),
      ),
    );
    this.kept = { of, definitions, tools };
    return tools;
  }

  private async definitionsOf(servers: readonly OfferingRow[], before: Kept | undefined) {
    const definitions: Kept['definitions'] = new Map();
    const others: OfferingRow[] = [];
    for (const row of servers) {
      const known = before?.definitions.get(row.server);
      if (known?.stamp === row.stamp) definitions.set(row.server, known);
      else {
        definitions.set(row.server, { stamp: row.stamp, tools: [] });
        others.push(row);
      }
    }
    for (const some of portionsOf(others))
      for (const { server, definition } of await this.registry.offered(some))
        definitions.get(server)!.tools.push(definition as Tool);
    return definitions;
  }

  private servers(): Promise<ServerRow[]> {
    return this.database.query<ServerRow>(
      `${selectServers} WHERE r.is_enabled AND r.transport IN ('http', 'sse', 'stdio') ORDER BY r.created_at, r.name`,
    );
  }

  private async owned<T extends Resource | ResourceTemplateType>(
    kind: ListKind,
    uriOf: (item: T) => string,
  ): Promise<Map<string, Owned<T>>> {
    const servers = await this.servers();
    const lists = await Promise.all(servers.map((server) => this.items<T>(server, kind)));
    const owned = new Map<string, Owned<T>>();
    for (const [at, { name: server }] of servers.entries())
      for (const definition of lists[at] ?? []) {
        const plain = uriOf(definition);
        const uri = owned.has(plain) ? `aos-${server}+${plain}` : plain;
        if (!owned.has(uri)) owned.set(uri, { server, uri, definition });
      }
    return new Map([...owned].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private async items<T>(server: ServerRow, kind: ListKind): Promise<T[]> {
    const { items, error } = await this.lists.of(server, kind);
    return (error === undefined ? items : items.map((item) => marked(item, error))) as T[];
  }
}

function portionsOf(rows: readonly OfferingRow[]): string[][] {
  const portions: { servers: string[]; tools: number }[] = [];
  for (const { server, tools } of rows) {
    const last = portions.at(-1);
    if (last && last.tools + tools <= TOOLS_AT_ONCE) {
      last.servers.push(server);
      last.tools += tools;
    } else portions.push({ servers: [server], tools });
  }
  return portions.map(({ servers }) => servers);
}

/** Says of an entry that its server could not be asked, and why. */
export function marked<T extends object>(item: T, error: string): T {
  const meta = (item as { _meta?: object })._meta;
  return { ...item, _meta: { ...meta, 'aos.dev/unreachable': error } };
}

function matches(template: string, uri: string): boolean {
  try {
    return new UriTemplate(template).match(uri) !== null;
  } catch {
    return false; // no template at all
  }
}

const listsOf = {
  prompts: ['prompts'],
  resources: ['resources', 'resourceTemplates'],
} as const satisfies Record<string, readonly ListKind[]>;

/** Whoever reads a list keeps it with the time at which it became another one. */
const keptLists = (kinds: readonly ListKind[]) => `(
    SELECT md5(coalesce(string_agg(l.server || ' ' || l.kind || ' ' || extract(epoch FROM l.read_at), ',' ORDER BY l.server, l.kind), ''))
      FROM mcp_lists AS l JOIN mcp_registry AS r ON r.name = l.server
     WHERE r.is_enabled AND l.items <> '[]' AND l.kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')}))`;

/** Of all that lists are made of: the tools, and the rules that close some of them to some; prompts; resources. */
const STAMP = `SELECT md5(coalesce(string_agg(server || ' ' || use_prefix || ' ' || stamp, ',' ORDER BY server), ''))
    || (SELECT coalesce(max(version), 0) FROM config_versions WHERE scope = 'policies') AS tools,
    ${keptLists(listsOf.prompts)} AS prompts, ${keptLists(listsOf.resources)} AS resources
  FROM (${selectOfferings}) AS t`;
