import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type ChangeOwnPassword as ChangeOwnPasswordInput, say } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, faultAt } from '../../../platform/http/problem.js';
import { RoleGrants } from '../../rbac/index.js';
import { OwnPassword } from '../own-password.js';
import { Passwords } from '../passwords.js';

/** A person's own password. It takes the present one, and all other sessions end. */
export class ChangeOwnPassword extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly sessionId: string,
    readonly input: ChangeOwnPasswordInput,
  ) {
    super();
  }
}

@CommandHandler(ChangeOwnPassword)
export class ChangeOwnPasswordHandler implements ICommandHandler<ChangeOwnPassword> {
  constructor(
    private readonly database: Database,
    private readonly passwords: Passwords,
    private readonly ownPassword: OwnPassword,
    private readonly grants: RoleGrants,
  ) {}

  async execute({ ctx, sessionId, input }: ChangeOwnPassword): Promise<void> {
    const { userId } = ctx.actor;
    const own = await this.ownPassword.require(ctx, input.currentPassword, 'user.password');
    if (input.newPassword === input.currentPassword)
      throw new AosError('validation_failed', say('password-same'), {
        errors: [faultAt('newPassword', say('must-differ'))],
      });
    const hash = await this.passwords.hash(input.newPassword);
    await this.database.transaction(async (tx) => {
      // Against the hash that was verified: two changes at once do not both count.
      const { count } = await sql(
        tx,
        'UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $3',
        [userId, hash, own.hash],
      );
      if (count === 0) throw new AosError('conflict', say('password-changed'));
      const { count: sessionsEnded } = await sql(
        tx,
        'UPDATE sessions SET revoked_at = now() WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL',
        [userId, sessionId],
      );
      await this.grants.changed(tx, ctx, `user:${userId}`, 'user.password', {
        password: 'changed',
        by: 'self',
        sessionsEnded,
      });
    });
  }
}
