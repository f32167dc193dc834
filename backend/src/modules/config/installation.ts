import { Inject, Injectable } from '@nestjs/common';
import type { Installation, KeptHistory, RuntimeConfig } from '@aos/contracts';
import type { Environment } from '../../platform/config/environment.js';
import { Database } from '../../platform/database/database.js';
import { type KeptTable, keptTables } from '../../platform/database/partitions.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { TraceExport } from '../../platform/telemetry/trace-export.js';

/** The database and the process as they are. */
@Injectable()
export class InstallationFacts {
  constructor(
    private readonly database: Database,
    private readonly traces: TraceExport,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  async describe(): Promise<Installation> {
    const [row] = await this.database.query<{
      version: string;
      vector: boolean;
      bytes: string;
      used: number;
      most: number;
    }>(
      `SELECT current_setting('server_version') AS version,
              EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'vector') AS vector,
              pg_database_size(current_database()) AS bytes,
              (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
              current_setting('max_connections')::int AS most`,
    );
    const history = await keptTables(this.database);
    return {
      database: {
        kind: this.database.kind,
        version: row?.version ?? '',
        hasVector: row?.vector ?? false,
        bytes: Number(row?.bytes ?? 0),
        connections:
          row && this.database.kind === 'server' ? { used: row.used, most: row.most } : null,
        history: history.map(toKeptHistory),
      },
      roles: [...this.environment.roles],
      bus: placeOf(this.environment.bus),
      node: process.versions.node,
      traces: this.traces.state,
    };
  }
}

export const toKeptHistory = ({ setting, from, until, ...rest }: KeptTable): KeptHistory => ({
  part: setting,
  ...rest,
  from: from?.toISOString() ?? null,
  until: until?.toISOString() ?? null,
});

/** Without the password that a broker's URL may hold. */
const placeOf = (bus: string) =>
  URL.canParse(bus) ? `${new URL(bus).protocol}//${new URL(bus).host}` : bus;

const known: Record<string, { purpose: string; fallback: string | null }> = {
  PORT: { purpose: 'Port that it listens on', fallback: '3000' },
  HOST: { purpose: 'Address that it listens on', fallback: '127.0.0.1' },
  AOS_DATA_DIR: {
    purpose: 'Folder of the embedded database, artifacts and the master key',
    fallback: '.aos',
  },
  DATABASE_URL: { purpose: 'A Postgres of your own instead of the embedded one', fallback: null },
  AOS_BUS: { purpose: 'What carries events between processes', fallback: 'postgres' },
  CLICKHOUSE_URL: { purpose: 'A ClickHouse that gets a copy of the history', fallback: null },
  AOS_ROLES: { purpose: 'What this process does', fallback: 'api,relay,worker' },
  AOS_PUBLIC_URL: { purpose: 'The URL under which people reach it', fallback: null },
  AOS_TRUSTED_PROXIES: {
    purpose: 'Addresses of proxies whose X-Forwarded-For is believed',
    fallback: null,
  },
  AOS_ALLOW_ADDRESSES: {
    purpose: 'Addresses let in besides the list of the settings, to mend it',
    fallback: null,
  },
  AOS_LOG_LEVEL: { purpose: 'How much is logged', fallback: 'warn' },
  AOS_OWNER_EMAIL: { purpose: 'The first owner', fallback: null },
  AOS_OWNER_PASSWORD: { purpose: "The first owner's password", fallback: null },
  AOS_MASTER_KEY: {
    purpose: 'Key-encryption key, instead of the file in the data folder',
    fallback: null,
  },
  AOS_DEMO: { purpose: 'Whether the first start plays a task', fallback: 'first-run' },
  OTEL_EXPORTER_OTLP_ENDPOINT: { purpose: 'Where traces go besides AOS itself', fallback: null },
};

export const environmentVariables = (): RuntimeConfig['env'] =>
  Object.entries(known).map(([name, { purpose, fallback }]) => ({
    name,
    purpose,
    isSet: (process.env[name] ?? '') !== '',
    fallback,
  }));
