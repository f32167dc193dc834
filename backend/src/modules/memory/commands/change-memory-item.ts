import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { MemoryItem, PatchMemoryItem } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import {
  type MemoryRow,
  lockMemoryItem,
  memoryColumns,
  toMemoryItem,
  told,
} from '../memory-item.js';

export class ChangeMemoryItem extends Command<MemoryItem> {
  constructor(
    readonly ctx: Ctx,
    readonly id: string,
    /** The version that the change was made on. */
    readonly base: number,
    readonly input: PatchMemoryItem,
  ) {
    super();
  }
}

@CommandHandler(ChangeMemoryItem)
export class ChangeMemoryItemHandler implements ICommandHandler<ChangeMemoryItem> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  execute({ ctx, id, base, input }: ChangeMemoryItem): Promise<MemoryItem> {
    return this.database.transaction(async (tx) => {
      const before = await lockMemoryItem(tx, ctx, id);
      requireVersion(base, before.version);
      const wanted = { ...before, ...input };
      if (JSON.stringify(told(wanted)) === JSON.stringify(told(before))) return before;
      const { rows } = await sql<MemoryRow>(
        tx,
        `UPDATE mem_embeddings SET kind = $2, subject = $3, text = $4, version = version + 1, updated_at = now()
          WHERE id = $1::bigint RETURNING ${memoryColumns}`,
        [id, wanted.kind, wanted.subject, wanted.text],
      );
      const after = toMemoryItem(rows[0]!);
      await this.audit.record(tx, ctx, {
        action: 'memory.change',
        resource: `memory:${id}`,
        diff: { before: told(before), after: told(after) },
        projectId: after.projectId,
      });
      return after;
    });
  }
}
