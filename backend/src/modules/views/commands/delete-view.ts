import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { NotFound } from '../../../platform/http/problem.js';
import { type ViewRow, toView } from '../views.queries.js';

export class DeleteView extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly viewId: string,
  ) {
    super();
  }
}

@CommandHandler(DeleteView)
export class DeleteViewHandler implements ICommandHandler<DeleteView> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  /** @throws NotFound, also for another person's. */
  async execute({ ctx, viewId }: DeleteView): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { rows } = await sql<ViewRow>(
        tx,
        `DELETE FROM saved_views WHERE id::text = $1 AND user_id = $2
         RETURNING id, room, name, query, created_at`,
        [viewId, ctx.actor.userId],
      );
      if (!rows[0]) throw new NotFound('This view');
      await this.audit.record(tx, ctx, {
        action: 'view.delete',
        resource: `view:${viewId}`,
        diff: { before: toView(rows[0]), after: null },
      });
    });
  }
}
