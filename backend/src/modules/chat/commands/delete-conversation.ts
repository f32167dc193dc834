import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { ChatQueries } from '../chat.queries.js';

export class DeleteConversation extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly id: string,
  ) {
    super();
  }
}

/** Takes the talk away. The runs that came of it stay as they are, and so does the audit. */
@CommandHandler(DeleteConversation)
export class DeleteConversationHandler implements ICommandHandler<DeleteConversation> {
  constructor(
    private readonly database: Database,
    private readonly chat: ChatQueries,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, id }: DeleteConversation): Promise<void> {
    const conversation = await this.chat.changeable(ctx, id);
    await this.database.transaction(async (tx) => {
      // Locked first: a message that is being written now is counted, or comes too late and is refused.
      await sql(tx, 'SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE', [id]);
      const { rows } = await sql<{ open: boolean; messages: string }>(
        tx,
        `SELECT EXISTS (SELECT 1 FROM jobs WHERE conversation_id = $1
                          AND status IN ('scheduled', 'queued', 'running', 'waiting')) AS open,
                (SELECT count(*) FROM messages WHERE conversation_id = $1) AS messages`,
        [id],
      );
      if (rows[0]?.open) throw new AosError('conflict', say('conversation-busy'));
      await sql(tx, 'DELETE FROM conversations WHERE id = $1', [id]);
      await this.audit.record(tx, ctx, {
        action: 'conversation.delete',
        resource: `conversation:${id}`,
        diff: { before: { title: conversation.title, messages: Number(rows[0]?.messages ?? 0) } },
        projectId: conversation.projectId,
      });
    });
  }
}
