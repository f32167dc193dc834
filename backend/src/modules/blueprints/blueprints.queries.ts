import { Injectable } from '@nestjs/common';
import type {
  Blueprint,
  BlueprintDifference,
  BlueprintInput,
  BlueprintSummary,
  BlueprintVersion,
  BlueprintVersionSummary,
  FieldFault,
  Page,
  PageQuery,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { NotFound } from '../../platform/http/problem.js';
import { configChanges } from '../config/index.js';
import { comparable, contentOf } from './blueprint.js';
import { BlueprintChecks } from './blueprint-checks.js';
import { BlueprintVersionUnknown } from './blueprints.errors.js';
import {
  type BlueprintRow,
  BlueprintsRepository,
  nameOf,
  presentVersion,
  requireRead,
} from './blueprints.repository.js';

interface SummaryRow extends Omit<BlueprintRow, 'content'> {
  description: string;
  inputs: BlueprintInput[];
  steps: number;
}

interface VersionRow {
  version: number;
  name: string;
  steps: number;
  comment: string;
  created_by: string;
  created_at: Date;
}

export const toBlueprint = (row: BlueprintRow, faults: FieldFault[]): Blueprint => ({
  ...contentOf(row.content),
  id: row.id,
  projectId: row.project_id,
  version: row.version,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  updatedBy: row.updated_by,
  updatedAt: row.updated_at.toISOString(),
  faults,
});

const toVersion = (row: VersionRow): BlueprintVersionSummary => ({
  version: row.version,
  name: row.name,
  steps: row.steps,
  comment: row.comment,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
});

const versionColumns = `version, content->>'name' AS name, json_array_length(content->'steps') AS steps, comment,
  ${nameOf('created_by')} AS created_by, created_at`;

@Injectable()
export class BlueprintsQueries {
  constructor(
    private readonly database: Database,
    private readonly blueprints: BlueprintsRepository,
    private readonly checks: BlueprintChecks,
  ) {}

  /** By name. */
  async page(
    ctx: Ctx,
    projectId: string,
    { limit, cursor }: PageQuery,
  ): Promise<Page<BlueprintSummary>> {
    requireRead(ctx, projectId);
    const [after = ''] = decodeCursor(cursor, 1) ?? [];
    const [project] = await this.database.query('SELECT 1 FROM projects WHERE id = $1', [
      projectId,
    ]);
    if (!project) throw new NotFound('This project');
    const rows = await this.database.query<SummaryRow>(
      `SELECT b.id, b.project_id, b.name, b.version, ${nameOf('b.created_by')} AS created_by, b.created_at,
              v.content->>'description' AS description, v.content->'inputs' AS inputs,
              json_array_length(v.content->'steps') AS steps,
              ${nameOf('v.created_by')} AS updated_by, v.created_at AS updated_at
         FROM blueprints b ${presentVersion}
        WHERE b.project_id = $1 AND b.name > $2 ORDER BY b.name LIMIT $3`,
      [projectId, after, limit + 1],
    );
    return toPage(
      rows,
      limit,
      (row) => [row.name],
      (row) => ({
        id: row.id,
        projectId: row.project_id,
        name: row.name,
        description: row.description,
        inputs: row.inputs,
        steps: row.steps,
        version: row.version,
        createdBy: row.created_by,
        createdAt: row.created_at.toISOString(),
        updatedBy: row.updated_by,
        updatedAt: row.updated_at.toISOString(),
      }),
    );
  }

  async get(ctx: Ctx, projectId: string, idOrName: string): Promise<Blueprint> {
    const row = await this.find(ctx, projectId, idOrName);
    return toBlueprint(row, await this.checks.faults(ctx, projectId, row.content));
  }

  /** The newest first. */
  async versions(
    ctx: Ctx,
    projectId: string,
    idOrName: string,
    { limit, cursor }: PageQuery,
  ): Promise<Page<BlueprintVersionSummary>> {
    const { id } = await this.find(ctx, projectId, idOrName);
    const [before = null] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<VersionRow>(
      `SELECT ${versionColumns} FROM blueprint_versions
        WHERE blueprint_id = $1 AND ($2::int IS NULL OR version < $2) ORDER BY version DESC LIMIT $3`,
      [id, before, limit + 1],
    );
    return toPage(rows, limit, (row) => [row.version], toVersion);
  }

  async version(
    ctx: Ctx,
    projectId: string,
    idOrName: string,
    version: string,
  ): Promise<BlueprintVersion> {
    const { id } = await this.find(ctx, projectId, idOrName);
    const number = numberOf(version);
    const content = await this.blueprints.contentAt(id, number);
    const [row] = await this.database.query<VersionRow>(
      `SELECT ${versionColumns} FROM blueprint_versions WHERE blueprint_id = $1 AND version = $2`,
      [id, number],
    );
    if (!row) throw new BlueprintVersionUnknown(version);
    const { steps: _, ...told } = toVersion(row);
    return { ...told, content };
  }

  async difference(
    ctx: Ctx,
    projectId: string,
    idOrName: string,
    version: string,
    against: string | undefined,
  ): Promise<BlueprintDifference> {
    const row = await this.find(ctx, projectId, idOrName);
    const [from, to] = [numberOf(version), against === undefined ? row.version : numberOf(against)];
    const before = await this.blueprints.contentAt(row.id, from);
    const after = await this.blueprints.contentAt(row.id, to);
    return { from, to, changes: configChanges(comparable(before), comparable(after)) };
  }

  private find(ctx: Ctx, projectId: string, idOrName: string): Promise<BlueprintRow> {
    requireRead(ctx, projectId);
    return this.blueprints.find(projectId, idOrName);
  }
}

function numberOf(version: string): number {
  if (!/^[1-9]\d{0,8}$/.test(version)) throw new BlueprintVersionUnknown(version);
  return Number(version);
}
