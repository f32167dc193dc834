import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type SecondFactorSecret, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { OwnPassword } from '../own-password.js';
import { newSecret, uriOf } from '../second-factor-codes.js';
import { SecondFactors } from '../second-factors.js';

/** The only answer that holds the secret. It asks nothing of anybody until a code of it was shown. */
export class BeginSecondFactor extends Command<SecondFactorSecret> {
  constructor(
    readonly ctx: Ctx,
    readonly sessionId: string,
    readonly currentPassword: string | undefined,
  ) {
    super();
  }
}

@CommandHandler(BeginSecondFactor)
export class BeginSecondFactorHandler implements ICommandHandler<BeginSecondFactor> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly ownPassword: OwnPassword,
    private readonly factors: SecondFactors,
  ) {}

  async execute({
    ctx,
    sessionId,
    currentPassword,
  }: BeginSecondFactor): Promise<SecondFactorSecret> {
    const userId = ctx.actor.userId!;
    const { email } = await this.ownPassword.requireOrFresh(
      ...([ctx, sessionId, currentPassword, 'second-factor.begin'] as const),
    );
    const secret = newSecret();
    await this.database.transaction(async (tx) => {
      if ((await this.factors.lock(tx, userId))?.isOn)
        throw new AosError('conflict', say('factor-on'));
      await this.factors.begin(tx, userId, secret);
      await this.audit.record(tx, ctx, {
        action: 'second-factor.begin',
        resource: `user:${userId}`,
      });
    });
    return { secret, uri: uriOf(secret, email) };
  }
}
