import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { RoleGrants } from '../../rbac/index.js';
import { SecondFactors } from '../second-factors.js';

/** One's own, with a code of it. Where the settings want one, the next thing to do is to set up another. */
export class TurnOffSecondFactor extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly code: string,
  ) {
    super();
  }
}

@CommandHandler(TurnOffSecondFactor)
export class TurnOffSecondFactorHandler implements ICommandHandler<TurnOffSecondFactor> {
  constructor(
    private readonly factors: SecondFactors,
    private readonly grants: RoleGrants,
  ) {}

  async execute({ ctx, code }: TurnOffSecondFactor): Promise<void> {
    await this.factors.byCode(ctx, 'second-factor.off', async (tx, factor) => {
      if (!factor?.isOn) throw new AosError('conflict', say('factor-off'));
      const by = await this.factors.take(tx, factor, code);
      if (!by) return undefined;
      await this.factors.remove(tx, factor.userId);
      await this.grants.changed(tx, ctx, `user:${factor.userId}`, 'second-factor.off', { by });
      return by;
    });
  }
}
