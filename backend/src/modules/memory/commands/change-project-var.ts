import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { PatchProjectVar, ProjectVar } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { NotFound } from '../../../platform/http/problem.js';
import { Vault } from '../../config/index.js';
import {
  type VarRow,
  requireSource,
  requireVarWrite,
  toProjectVar,
  toldOfVar,
  varColumns,
} from '../project-var.js';

export class ChangeProjectVar extends Command<ProjectVar> {
  constructor(
    readonly ctx: Ctx,
    readonly projectId: string,
    readonly varName: string,
    readonly base: number,
    readonly input: PatchProjectVar,
  ) {
    super();
  }
}

@CommandHandler(ChangeProjectVar)
export class ChangeProjectVarHandler implements ICommandHandler<ChangeProjectVar> {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
    private readonly audit: AuditTrail,
  ) {}

  execute({ ctx, projectId, varName, base, input }: ChangeProjectVar): Promise<ProjectVar> {
    requireVarWrite(ctx, projectId);
    return this.database.transaction(async (tx) => {
      const before = await lockVar(tx, projectId, varName);
      requireVersion(base, before.version);
      const isNewSource = input.value !== undefined || input.secretRef !== undefined;
      if (isNewSource) await requireSource(tx, this.vault, projectId, input);
      const source = isNewSource ? input : { value: before.value, secretRef: before.secretRef };
      const { rows } = await sql<VarRow>(
        tx,
        `UPDATE project_vars AS v SET value = $3, secret_ref = $4, usage = $5, version = version + 1, updated_at = now()
          WHERE project_id = $1 AND name = $2 RETURNING ${varColumns}`,
        [
          projectId,
          varName,
          // JSON's null is a value too; SQL's null says that there is none.
          source.secretRef == null ? JSON.stringify(source.value ?? null) : null,
          source.secretRef ?? null,
          input.usage ?? before.usage,
        ],
      );
      const after = toProjectVar(rows[0]!);
      await this.audit.record(tx, ctx, {
        action: 'var.change',
        resource: `var:${projectId}/${varName}`,
        diff: { before: toldOfVar(before), after: toldOfVar(after) },
        projectId,
      });
      return after;
    });
  }
}

export async function lockVar(tx: Tx, projectId: string, name: string): Promise<ProjectVar> {
  const { rows } = await sql<VarRow>(
    tx,
    `SELECT ${varColumns} FROM project_vars v WHERE project_id = $1 AND name = $2 FOR UPDATE OF v`,
    [projectId, name],
  );
  if (!rows[0]) throw new NotFound('This variable');
  return toProjectVar(rows[0]);
}
