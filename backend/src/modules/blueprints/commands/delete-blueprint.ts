import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { contentOf } from '../blueprint.js';
import { blueprintChanged } from '../blueprint-changed.js';
import { BlueprintsRepository, requireWrite } from '../blueprints.repository.js';

/** Deletes a blueprint with all its versions. Tasks that were made of it keep their steps and its name. */
export class DeleteBlueprint extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly projectId: string,
    readonly idOrName: string,
    readonly base: number,
  ) {
    super();
  }
}

@CommandHandler(DeleteBlueprint)
export class DeleteBlueprintHandler implements ICommandHandler<DeleteBlueprint> {
  constructor(
    private readonly database: Database,
    private readonly blueprints: BlueprintsRepository,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  async execute({ ctx, projectId, idOrName, base }: DeleteBlueprint): Promise<void> {
    requireWrite(ctx, projectId);
    await this.database.transaction(async (tx) => {
      const gone = await this.blueprints.findForChange(tx, projectId, idOrName);
      requireVersion(base, gone.version);
      await sql(tx, 'DELETE FROM blueprints WHERE id = $1', [gone.id]);
      await this.audit.record(tx, ctx, {
        action: 'blueprint.delete',
        resource: `blueprint:${gone.id}`,
        diff: { before: contentOf(gone.content), after: null },
        projectId,
      });
      const said = say('blueprint-deleted', { who: ctx.actor.name, blueprint: gone.name });
      await this.outbox.append(tx, [
        blueprintChanged(ctx, { projectId, id: gone.id, version: null }, said),
      ]);
    });
  }
}
