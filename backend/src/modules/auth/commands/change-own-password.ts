import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type ChangeOwnPassword as ChangeOwnPasswordInput, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, faultAt } from '../../../platform/http/problem.js';
import { RoleGrants } from '../../rbac/index.js';
import { WrongPassword } from '../auth.errors.js';
import { LoginAttempts } from '../login-attempts.js';
import { Passwords } from '../passwords.js';

/**
 * A person's own password. It takes the present one, so that a session left open is not an account lost, and
 * guessing it here is slowed down like guessing it at the door. All other sessions end.
 */
export class ChangeOwnPassword extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly sessionId: string,
    readonly input: ChangeOwnPasswordInput,
  ) {
    super();
  }
}

interface Own {
  email: string;
  password_hash: string | null;
}

@CommandHandler(ChangeOwnPassword)
export class ChangeOwnPasswordHandler implements ICommandHandler<ChangeOwnPassword> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly passwords: Passwords,
    private readonly attempts: LoginAttempts,
    private readonly grants: RoleGrants,
  ) {}

  async execute({ ctx, sessionId, input }: ChangeOwnPassword): Promise<void> {
    const { userId } = ctx.actor;
    const [own] = await this.database.query<Own>(
      'SELECT email, password_hash FROM users WHERE id = $1',
      [userId],
    );
    const email = own?.email.toLowerCase() ?? '';
    this.attempts.requireNoPause(ctx.ip, email);
    if (!own || !(await this.passwords.isRight(own.password_hash, input.currentPassword))) {
      this.attempts.failed(ctx.ip, email);
      await this.audit.recordAlone(ctx, {
        action: 'user.password',
        resource: `user:${userId}`,
        outcome: 'failed',
      });
      throw new WrongPassword();
    }
    this.attempts.succeeded(ctx.ip, email);
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
        [userId, hash, own.password_hash],
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
