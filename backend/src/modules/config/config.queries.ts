import { Injectable } from '@nestjs/common';
import {
  type ConfigPreview,
  type ConfigVersion,
  type KeptHistory,
  type OwnAccess,
  type Page,
  type PageQuery,
  type RuntimeConfig,
  type SecretInfo,
  SystemConfig,
} from '@aos/contracts';
import { createHash } from 'node:crypto';
import { Database } from '../../platform/database/database.js';
import { keptTables } from '../../platform/database/partitions.js';
import { type Ctx, allowedProjects } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { configChanges } from '../proposals/index.js';
import { AddressesInSettings } from './addresses-in-settings.js';
import { environmentVariables, toKeptHistory } from './installation.js';
import { requireSoundConfig } from './config-rules.js';
import { type ConfigRow, Settings } from './settings.js';
import { Vault } from './vault.js';

export interface SecretRow {
  name: string;
  purpose: string;
  project_id: string | null;
  version: number;
  last_rotated: Date | null;
  last_used_at: Date | null;
}

/**
 * Of `$1` (whether everywhere) and `$2` (else the projects): secrets, and names that wait for their value, which are
 * at version 0. There is no column here that a value could come from.
 */
export const namedSecrets = `
  SELECT name, purpose, project_id, version, last_rotated, last_used_at FROM secrets WHERE $1 OR project_id = ANY ($2)
  UNION ALL
  SELECT name, purpose, project_id, 0, NULL, NULL FROM secret_names n
   WHERE ($1 OR project_id = ANY ($2)) AND NOT EXISTS (
     SELECT FROM secrets s WHERE s.name = n.name AND s.project_id IS NOT DISTINCT FROM n.project_id)
   ORDER BY name, project_id NULLS FIRST LIMIT 5000`;

/** Changes whenever somebody who may read `rows` would read others: a name, a purpose, the version of a value. */
export const tagOf = (rows: readonly SecretRow[]): string =>
  createHash('sha256')
    .update(JSON.stringify(rows.map((row) => [row.name, row.project_id, row.purpose, row.version])))
    .digest('base64url')
    .slice(0, 22);

export const toSecretInfo = (row: SecretRow): SecretInfo => ({
  name: row.name,
  purpose: row.purpose,
  projectId: row.project_id,
  version: row.version,
  lastRotatedAt: row.last_rotated?.toISOString() ?? null,
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
});

@Injectable()
export class ConfigQueries {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly vault: Vault,
    private readonly addresses: AddressesInSettings,
  ) {}

  async preview(
    input: SystemConfig,
    from: Pick<OwnAccess, 'address' | 'ignoresProxy'>,
  ): Promise<ConfigPreview> {
    await requireSoundConfig(this.vault, undefined, input);
    const { version, config } = await this.settings.stored();
    const access = { ...from, ...this.addresses.accessUnder(input, from.address) };
    const removes = await this.removedBy(config, input);
    return { baseVersion: version, changes: configChanges(config, input), access, removes };
  }

  private async removedBy(present: SystemConfig, input: SystemConfig): Promise<KeptHistory[]> {
    const [than, past] = [present.database.keptDays, input.database.keptDays];
    if (Object.entries(past).every(([part, days]) => days >= than[part as keyof typeof than]))
      return [];
    const gone = await keptTables(this.database, { past, than });
    return gone.filter(({ weeks }) => weeks > 0).map(toKeptHistory);
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

  /** Names and purposes, and the ETag of them. */
  async runtime(ctx: Ctx): Promise<{ tag: string; config: RuntimeConfig }> {
    const projects = allowedProjects(ctx.actor, 'secret.read');
    const rows = await this.database.query<SecretRow>(namedSecrets, [
      projects === 'all',
      projects === 'all' ? [] : projects,
    ]);
    return {
      tag: tagOf(rows),
      config: { secrets: rows.map(toSecretInfo), env: environmentVariables() },
    };
  }
}
