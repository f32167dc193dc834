import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { NotFound } from '../../../platform/http/problem.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';

export class RevokeApiToken extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly tokenId: string,
  ) {
    super();
  }
}

@CommandHandler(RevokeApiToken)
export class RevokeApiTokenHandler implements ICommandHandler<RevokeApiToken> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly wakeups: Wakeups,
  ) {}

  async execute({ ctx, tokenId }: RevokeApiToken): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { rows } = await sql<{ name: string }>(
        tx,
        `UPDATE api_tokens SET revoked_at = now()
          WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING name`,
        [tokenId, ctx.actor.userId],
      );
      if (!rows[0]) throw new NotFound('This token');
      await this.audit.record(tx, ctx, {
        action: 'token.revoke',
        resource: `token:${tokenId}`,
        diff: { before: { name: rows[0].name }, after: null },
      });
      this.wakeups.afterCommit(tx, 'control');
    });
  }
}
