import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type CreateProjectVar as CreateProjectVarInput,
  type ProjectVar,
  say,
} from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { Vault } from '../../config/index.js';
import { requireProject } from '../memory-item.js';
import {
  type VarRow,
  requireSource,
  requireVarWrite,
  toProjectVar,
  toldOfVar,
  varColumns,
} from '../project-var.js';

export class CreateProjectVar extends Command<ProjectVar> {
  constructor(
    readonly ctx: Ctx,
    readonly projectId: string,
    readonly input: CreateProjectVarInput,
  ) {
    super();
  }
}

@CommandHandler(CreateProjectVar)
export class CreateProjectVarHandler implements ICommandHandler<CreateProjectVar> {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
    private readonly audit: AuditTrail,
  ) {}

  execute({ ctx, projectId, input }: CreateProjectVar): Promise<ProjectVar> {
    requireVarWrite(ctx, projectId);
    return this.database.transaction(async (tx) => {
      await requireProject(tx, projectId);
      await requireSource(tx, this.vault, projectId, input);
      const { rows } = await sql<VarRow>(
        tx,
        `INSERT INTO project_vars AS v (project_id, name, value, secret_ref, usage) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING RETURNING ${varColumns}`,
        [
          projectId,
          input.name,
          input.value === undefined ? null : JSON.stringify(input.value),
          input.secretRef ?? null,
          input.usage,
        ],
      );
      if (!rows[0])
        throw new AosError('already_exists', say('variable-exists', { name: input.name }));
      const variable = toProjectVar(rows[0]);
      await this.audit.record(tx, ctx, {
        action: 'var.create',
        resource: `var:${projectId}/${input.name}`,
        diff: { before: null, after: toldOfVar(variable) },
        projectId,
      });
      return variable;
    });
  }
}
