import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { lockMemoryItem, told } from '../memory-item.js';

export class DeleteMemoryItem extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly id: string,
  ) {
    super();
  }
}

@CommandHandler(DeleteMemoryItem)
export class DeleteMemoryItemHandler implements ICommandHandler<DeleteMemoryItem> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  execute({ ctx, id }: DeleteMemoryItem): Promise<void> {
    return this.database.transaction(async (tx) => {
      const gone = await lockMemoryItem(tx, ctx, id);
      await sql(tx, 'DELETE FROM mem_embeddings WHERE id = $1::bigint', [id]);
      await this.audit.record(tx, ctx, {
        action: 'memory.delete',
        resource: `memory:${id}`,
        diff: { before: told(gone), after: null },
        projectId: gone.projectId,
      });
    });
  }
}
