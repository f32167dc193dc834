import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../../platform/database/database.js';
import { Vault } from '../../config/index.js';
import { storable } from '../chain/result-check.js';
import type { ServerRow } from '../registry.js';
import type { ListKind } from '../upstreams/upstream.js';
import { Upstreams } from '../upstreams/upstreams.js';

export interface KeptList {
  items: Record<string, unknown>[];
  /** Why this is not what the server says now. */
  error?: string;
}

interface Entry extends KeptList {
  /** Another process has read it since. */
  isOld: boolean;
  /** Of the server's row: another one was registered under the name, or this one changed. */
  born: number;
  version: number;
  readAt: number;
  refreshing: Promise<void> | undefined;
}

/** Nobody waits longer than this for a server that was never heard of. */
const FIRST_WAIT_MS = 3000;
const REFRESH_LIMIT_MS = 15_000;
const FRESH_MS = 300_000;
/** After a failure. */
const PAUSE_MS = 15_000;
const MOST_ITEMS = 5000;
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * The last good state of the servers' lists of prompts, resources and templates: in memory, and in the table
 * mcp_lists for the next start. What is there is answered at once and read anew behind it when it is old;
 * only a list that was never read is waited for, and not for long.
 */
@Injectable()
export class KeptLists {
  private readonly logger = new Logger(KeptLists.name);
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly database: Database,
    private readonly upstreams: Upstreams,
    private readonly vault: Vault,
  ) {}

  async of(server: ServerRow, kind: ListKind): Promise<KeptList> {
    const entry = await this.entry(server, kind);
    const age = performance.now() - entry.readAt;
    if (age < (entry.error === undefined ? FRESH_MS : PAUSE_MS)) return entry;
    const refreshed = this.refresh(server, kind);
    if (entry.readAt === -Infinity && entry.items.length === 0)
      await Promise.race([refreshed, soon(FIRST_WAIT_MS)]);
    return entry;
  }

  /** Never throws: a server that cannot be asked leaves what is kept, with the reason. */
  async refresh(server: ServerRow, kind: ListKind): Promise<void> {
    const entry = await this.entry(server, kind);
    entry.refreshing ??= this.read(server, kind, entry).finally(() => {
      entry.refreshing = undefined;
    });
    await entry.refreshing;
  }

  /** Other processes have read some of these since: what they have kept is looked at the next time. */
  readElsewhere(kinds: readonly ListKind[]): void {
    for (const [key, entry] of this.entries)
      if (kinds.some((kind) => key.endsWith(`\n${kind}`))) entry.isOld = true;
  }

  lost(server: string): void {
    for (const [key, entry] of this.entries)
      if (key.startsWith(`${server}\n`)) entry.error ??= 'the connection to the server was lost';
  }

  private async read(server: ServerRow, kind: ListKind, entry: Entry): Promise<void> {
    try {
      const items = await this.upstreams.of(server).items(kind, { timeoutMs: REFRESH_LIMIT_MS });
      entry.items = storable(bounded(this.vault.redactor()(items)));
      delete entry.error;
      await this.keep(server.name, kind, entry.items);
    } catch (error) {
      entry.error = (error as Error).message.slice(0, 300);
      this.logger.debug({ msg: 'a list could not be read', server: server.name, kind, err: error });
    }
    entry.readAt = performance.now();
  }

  private async entry(server: ServerRow, kind: ListKind): Promise<Entry> {
    const key = `${server.name}\n${kind}`;
    const [born, version] = [server.created_at.getTime(), server.version];
    const known = this.entries.get(key);
    if (known?.born === born && !known.isOld) {
      if (known.version !== version) Object.assign(known, { version, readAt: -Infinity });
      return known;
    }
    const [row] = await this.database.query<{ items: Record<string, unknown>[] }>(
      'SELECT items FROM mcp_lists WHERE server = $1 AND kind = $2',
      [server.name, kind],
    );
    const error = known?.born === born ? known.error : undefined;
    const entry: Entry = {
      items: row?.items ?? [],
      ...(error === undefined ? {} : { error }),
      isOld: false,
      born,
      version,
      readAt: -Infinity,
      refreshing: undefined,
    };
    const other = this.entries.get(key);
    if (other?.born === born && !other.isOld) return other; // two asked at once
    this.entries.set(key, entry);
    return entry;
  }

  private async keep(
    server: string,
    kind: ListKind,
    items: Record<string, unknown>[],
  ): Promise<void> {
    await this.database.run(
      `INSERT INTO mcp_lists (server, kind, items) SELECT name, $2, $3 FROM mcp_registry WHERE name = $1
       ON CONFLICT (server, kind) DO UPDATE SET items = EXCLUDED.items, read_at = now()
       WHERE mcp_lists.items <> EXCLUDED.items`,
      [server, kind, JSON.stringify(items)],
    );
  }
}

/** A server cannot fill the lists of all others' clients. */
function bounded(items: Record<string, unknown>[]): Record<string, unknown>[] {
  let bytes = 0;
  return items
    .slice(0, MOST_ITEMS)
    .filter((item) => (bytes += JSON.stringify(item).length) <= MOST_BYTES);
}

const soon = (ms: number) => new Promise<void>((done) => setTimeout(done, ms).unref());
