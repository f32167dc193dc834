import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { SystemConfig } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { defaultSettings, readStored, toStored } from './stored-settings.js';

/** How old settings may be when another process changed them and its wake-up was lost. */
const CACHE_MS = 5_000;

export interface StoredConfig {
  version: number;
  config: SystemConfig;
  comment: string;
  createdBy: string;
  createdAt: Date;
}

/** The system settings as they are now. Version 1 is the defaults, written at the first start. */
@Injectable()
export class Settings implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Settings.name);
  private cached:
    { stored: StoredConfig; config: Promise<SystemConfig>; staleAt: number } | undefined;
  private generation = 0;
  private readonly stopListening: () => void;

  constructor(
    private readonly database: Database,
    wakeups: Wakeups,
  ) {
    this.stopListening = wakeups.on('control', () => {
      this.generation++;
      this.cached = undefined;
    });
  }

  async onModuleInit(): Promise<void> {
    await this.database.query(
      `INSERT INTO config_versions (scope, version, config, comment, created_by)
       VALUES ('system', 1, $1, 'defaults', 'system') ON CONFLICT DO NOTHING`,
      [JSON.stringify(toStored(defaultSettings()))],
    );
  }

  onApplicationShutdown(): void {
    this.stopListening();
  }

  /** What is known to be in force, where nobody has to be asked. */
  fresh(): SystemConfig | undefined {
    return this.cached && performance.now() < this.cached.staleAt
      ? this.cached.stored.config
      : undefined;
  }

  /** The same promise to everybody for as long as they are fresh: a call of a tool asks five times. */
  system(): Promise<SystemConfig> {
    if (this.cached && performance.now() < this.cached.staleAt) return this.cached.config;
    return this.stored().then(({ config }) => config);
  }

  async stored(): Promise<StoredConfig> {
    if (this.cached && performance.now() < this.cached.staleAt) return this.cached.stored;
    const generation = this.generation;
    const [row] = await this.database.query<ConfigRow>(latest);
    const stored = this.read(row);
    if (generation === this.generation) {
      const config = Promise.resolve(stored.config);
      this.cached = { stored, config, staleAt: performance.now() + CACHE_MS };
    }
    return stored;
  }

  /** The latest version, locked against other writers until the transaction ends. */
  async lock(tx: Tx): Promise<StoredConfig> {
    await sql(tx, `SELECT pg_advisory_xact_lock(hashtextextended('config:system', 726301))`);
    const { rows } = await sql<ConfigRow>(tx, latest);
    return this.read(rows[0]);
  }

  private read(row: ConfigRow | undefined): StoredConfig {
    const { config, fits } = readStored(row?.config ?? {});
    if (fits === 'in part')
      this.logger.warn('The stored settings have keys of a newer version; those are passed over.');
    if (fits === 'not')
      this.logger.error(
        'Sections of the stored settings do not fit this version; for those the defaults are used.',
      );
    return {
      version: row?.version ?? 0,
      config,
      comment: row?.comment ?? '',
      createdBy: row?.created_by ?? 'system',
      createdAt: row?.created_at ?? new Date(0),
    };
  }
}

export interface ConfigRow {
  version: number;
  config: unknown;
  comment: string;
  created_by: string;
  created_at: Date;
}

const latest = `SELECT version, config, comment, created_by, created_at FROM config_versions
  WHERE scope = 'system' ORDER BY version DESC LIMIT 1`;
