import { Injectable } from '@nestjs/common';
import {
  type ConfigPreview,
  type ConfigVersion,
  type Page,
  type PageQuery,
  type RuntimeConfig,
  type SecretInfo,
  SystemConfig,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { configChanges } from './config-diff.js';
import { environmentVariables } from './installation.js';
import { requireSoundConfig } from './config-rules.js';
import { type ConfigRow, Settings } from './settings.js';
import { Vault } from './vault.js';

export interface SecretRow {
  id: string;
  name: string;
  purpose: string;
  project_id: string | null;
  version: number;
  last_rotated: Date;
  last_used_at: Date | null;
}

export const toSecretInfo = (row: SecretRow): SecretInfo => ({
  name: row.name,
  purpose: row.purpose,
  projectId: row.project_id,
  version: row.version,
  lastRotatedAt: row.last_rotated.toISOString(),
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
});

@Injectable()
export class ConfigQueries {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly vault: Vault,
  ) {}

  async preview(input: SystemConfig): Promise<ConfigPreview> {
    await requireSoundConfig(this.vault, undefined, input);
    const { version, config } = await this.settings.stored();
    return { baseVersion: version, changes: configChanges(config, input) };
  }

  async history({ limit, cursor }: PageQuery): Promise<Page<ConfigVersion>> {
    const [before = null] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<ConfigRow & { previous: unknown }>(
      `SELECT v.version, v.config, v.comment, v.created_by, v.created_at, p.config AS previous
         FROM config_versions v
         LEFT JOIN config_versions p ON p.scope = v.scope AND p.version = v.version - 1
        WHERE v.scope = 'system' AND ($1::int IS NULL OR v.version < $1) ORDER BY v.version DESC LIMIT $2`,
      [before, limit + 1],
    );
    return toPage(
      rows,
      limit,
      (row) => [row.version],
      (row) => ({
        version: row.version,
        updatedAt: row.created_at.toISOString(),
        updatedBy: row.created_by,
        comment: row.comment,
        config: row.config as SystemConfig,
        changes: row.previous === null ? [] : configChanges(row.previous, row.config),
      }),
    );
  }

  /** Names and purposes. There is no column here that a value could come from. */
  async runtime(ctx: Ctx): Promise<RuntimeConfig> {
    const projects = allowedProjects(ctx.actor, 'secret.read');
    const rows = await this.database.query<SecretRow>(
      `SELECT id, name, purpose, project_id, version, last_rotated, last_used_at FROM secrets
        WHERE $1 OR project_id = ANY ($2) ORDER BY name, project_id NULLS FIRST LIMIT 5000`,
      [projects === 'all', projects === 'all' ? [] : projects],
    );
    return { secrets: rows.map(toSecretInfo), env: environmentVariables() };
  }
}
