import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CreateMemoryItem as CreateMemoryItemInput, MemoryItem } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { Forbidden, NotFound } from '../../../platform/http/problem.js';
import {
  type MemoryRow,
  memoryColumns,
  requireProject,
  toMemoryItem,
  told,
} from '../memory-item.js';

export class CreateMemoryItem extends Command<MemoryItem> {
  constructor(
    readonly ctx: Ctx,
    readonly input: CreateMemoryItemInput,
  ) {
    super();
  }
}

@CommandHandler(CreateMemoryItem)
export class CreateMemoryItemHandler implements ICommandHandler<CreateMemoryItem> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, input }: CreateMemoryItem): Promise<MemoryItem> {
    const { kind, subject, text, projectId } = input;
    if (!isAllowed(ctx.actor, 'memory.write', projectId))
      throw projectId === null
        ? new Forbidden('You may write for your projects, not for all of them. Name a project.')
        : new NotFound('This project');
    return this.database.transaction(async (tx) => {
      if (projectId !== null) await requireProject(tx, projectId);
      const { rows } = await sql<MemoryRow>(
        tx,
        `INSERT INTO mem_embeddings (kind, subject, text, project_id, created_by)
         VALUES ($1, $2, $3, $4, $5) RETURNING ${memoryColumns}`,
        [kind, subject, text, projectId, ctx.actor.id],
      );
      const item = toMemoryItem(rows[0]!);
      await this.audit.record(tx, ctx, {
        action: 'memory.create',
        resource: `memory:${item.id}`,
        diff: { before: null, after: told(item) },
        projectId,
      });
      return item;
    });
  }
}
