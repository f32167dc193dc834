import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type RecoveryCodes, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { SecondFactors } from '../second-factors.js';

/** Ten new ones, with a code; the old ones are worth nothing from then on. */
export class RenewRecoveryCodes extends Command<RecoveryCodes> {
  constructor(
    readonly ctx: Ctx,
    readonly code: string,
  ) {
    super();
  }
}

@CommandHandler(RenewRecoveryCodes)
export class RenewRecoveryCodesHandler implements ICommandHandler<RenewRecoveryCodes> {
  constructor(
    private readonly factors: SecondFactors,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, code }: RenewRecoveryCodes): Promise<RecoveryCodes> {
    return this.factors.byCode(ctx, 'second-factor.recovery-codes', async (tx, factor) => {
      if (!factor?.isOn) throw new AosError('conflict', say('factor-off'));
      const by = await this.factors.take(tx, factor, code);
      if (!by) return undefined;
      const recoveryCodes = await this.factors.renewRecoveryCodes(tx, factor.userId);
      await this.audit.record(tx, ctx, {
        action: 'second-factor.recovery-codes',
        resource: `user:${factor.userId}`,
        diff: { by },
      });
      return { recoveryCodes };
    });
  }
}
