import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type RecoveryCodes, say } from '@aos/contracts';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { RoleGrants } from '../../rbac/index.js';
import { SecondFactors } from '../second-factors.js';

/** From here on it counts. The person's other sessions end: they were opened by the password alone. */
export class ConfirmSecondFactor extends Command<RecoveryCodes> {
  constructor(
    readonly ctx: Ctx,
    readonly sessionId: string,
    readonly code: string,
  ) {
    super();
  }
}

@CommandHandler(ConfirmSecondFactor)
export class ConfirmSecondFactorHandler implements ICommandHandler<ConfirmSecondFactor> {
  constructor(
    private readonly factors: SecondFactors,
    private readonly grants: RoleGrants,
  ) {}

  async execute({ ctx, sessionId, code }: ConfirmSecondFactor): Promise<RecoveryCodes> {
    const userId = ctx.actor.userId!;
    return this.factors.byCode(ctx, 'second-factor.on', async (tx, factor) => {
      if (factor?.isOn) throw new AosError('conflict', say('factor-on'));
      if (!factor) throw new AosError('conflict', say('factor-not-begun'));
      if (!(await this.factors.confirm(tx, factor, code))) return undefined;
      const recoveryCodes = await this.factors.renewRecoveryCodes(tx, userId);
      const { count: sessionsEnded } = await sql(
        tx,
        'UPDATE sessions SET revoked_at = now() WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL',
        [userId, sessionId],
      );
      await this.grants.changed(tx, ctx, `user:${userId}`, 'second-factor.on', { sessionsEnded });
      return { recoveryCodes };
    });
  }
}
