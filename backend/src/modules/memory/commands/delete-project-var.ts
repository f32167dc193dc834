import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVarWrite, toldOfVar } from '../project-var.js';
import { lockVar } from './change-project-var.js';

export class DeleteProjectVar extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly projectId: string,
    readonly varName: string,
  ) {
    super();
  }
}

@CommandHandler(DeleteProjectVar)
export class DeleteProjectVarHandler implements ICommandHandler<DeleteProjectVar> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  execute({ ctx, projectId, varName }: DeleteProjectVar): Promise<void> {
    requireVarWrite(ctx, projectId);
    return this.database.transaction(async (tx) => {
      const gone = await lockVar(tx, projectId, varName);
      await sql(tx, 'DELETE FROM project_vars WHERE project_id = $1 AND name = $2', [
        projectId,
        varName,
      ]);
      await this.audit.record(tx, ctx, {
        action: 'var.delete',
        resource: `var:${projectId}/${varName}`,
        diff: { before: toldOfVar(gone), after: null },
        projectId,
      });
    });
  }
}
