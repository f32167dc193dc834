import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';

export class SignOut extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly sessionId: string,
  ) {
    super();
  }
}

@CommandHandler(SignOut)
export class SignOutHandler implements ICommandHandler<SignOut> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly wakeups: Wakeups,
  ) {}

  async execute({ ctx, sessionId }: SignOut): Promise<void> {
    await this.database.transaction(async (tx) => {
      await sql(tx, 'UPDATE sessions SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL', [
        sessionId,
      ]);
      await this.audit.record(tx, ctx, { action: 'logout', resource: `session:${sessionId}` });
      this.wakeups.afterCommit(tx, 'control');
    });
  }
}
