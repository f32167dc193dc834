import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Conversation, PatchConversation } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { ChatQueries } from '../chat.queries.js';

export class RenameConversation extends Command<Conversation> {
  constructor(
    readonly ctx: Ctx,
    readonly id: string,
    readonly version: number,
    readonly input: PatchConversation,
  ) {
    super();
  }
}

@CommandHandler(RenameConversation)
export class RenameConversationHandler implements ICommandHandler<RenameConversation> {
  constructor(
    private readonly database: Database,
    private readonly chat: ChatQueries,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, id, version, input }: RenameConversation): Promise<Conversation> {
    const { projectId } = await this.chat.changeable(ctx, id);
    await this.database.transaction(async (tx) => {
      const { rows } = await sql<{ title: string; version: number }>(
        tx,
        'SELECT title, version FROM conversations WHERE id = $1 FOR UPDATE',
        [id],
      );
      requireVersion(version, rows[0]?.version ?? 0);
      // Its place in the list stays: a new name is not a new message.
      await sql(tx, 'UPDATE conversations SET title = $2, version = version + 1 WHERE id = $1', [
        id,
        input.title,
      ]);
      await this.audit.record(tx, ctx, {
        action: 'conversation.rename',
        resource: `conversation:${id}`,
        diff: { before: { title: rows[0]?.title }, after: { title: input.title } },
        projectId,
      });
    });
    return this.chat.conversation(ctx, id);
  }
}
