import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, Forbidden, NotFound } from '../../../platform/http/problem.js';
import { RoleGrants } from '../../rbac/index.js';
import { SecondFactors } from '../second-factors.js';

/**
 * Of somebody who lost telephone and recovery codes; their sessions end. Never one's own: that takes a code, and a
 * session left open, or a token, is not one.
 */
export class ResetSecondFactor extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly userId: string,
  ) {
    super();
  }
}

@CommandHandler(ResetSecondFactor)
export class ResetSecondFactorHandler implements ICommandHandler<ResetSecondFactor> {
  constructor(
    private readonly database: Database,
    private readonly factors: SecondFactors,
    private readonly grants: RoleGrants,
  ) {}

  async execute({ ctx, userId }: ResetSecondFactor): Promise<void> {
    if (userId === ctx.actor.userId) throw new Forbidden(say('factor-own'));
    await this.database.transaction(async (tx) => {
      await this.grants.requireMayManage(tx, ctx.actor, userId);
      const { rows } = await sql(tx, 'SELECT 1 FROM users WHERE id = $1', [userId]);
      if (!rows[0]) throw new NotFound('This person');
      if (!(await this.factors.lock(tx, userId))?.isOn)
        throw new AosError('conflict', say('factor-off'));
      await this.factors.remove(tx, userId);
      const { count: sessionsEnded } = await sql(
        tx,
        'UPDATE sessions SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL',
        [userId],
      );
      await this.grants.changed(tx, ctx, `user:${userId}`, 'second-factor.reset', {
        sessionsEnded,
      });
    });
  }
}
