import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { NotFound } from '../../../platform/http/problem.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';

/** One of the caller's own sessions, from another: a browser that was left signed in. */
export class EndSession extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly sessionId: string,
  ) {
    super();
  }
}

@CommandHandler(EndSession)
export class EndSessionHandler implements ICommandHandler<EndSession> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly wakeups: Wakeups,
  ) {}

  async execute({ ctx, sessionId }: EndSession): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { count } = await sql(
        tx,
        'UPDATE sessions SET revoked_at = now() WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL',
        [sessionId, ctx.actor.userId],
      );
      if (count === 0) throw new NotFound('This session');
      await this.audit.record(tx, ctx, {
        action: 'session.end',
        resource: `session:${sessionId}`,
      });
      this.wakeups.afterCommit(tx, 'control');
    });
  }
}
