import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { WrongPassword } from './auth.errors.js';
import { LoginAttempts } from './login-attempts.js';
import { Passwords } from './passwords.js';

interface Own {
  email: string;
  password_hash: string | null;
}

/**
 * The password of somebody who is signed in, asked once more, so that a session left open is not an account lost.
 * Guessing it here is slowed down like guessing it at the door.
 */
@Injectable()
export class OwnPassword {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly passwords: Passwords,
    private readonly attempts: LoginAttempts,
  ) {}

  /** @returns what it was held against; @throws WrongPassword, and `action` is recorded as failed. */
  async require(
    ctx: Ctx,
    password: string,
    action: string,
  ): Promise<{ email: string; hash: string }> {
    const { userId } = ctx.actor;
    const [own] = await this.database.query<Own>(
      'SELECT email, password_hash FROM users WHERE id = $1',
      [userId],
    );
    const email = own?.email.toLowerCase() ?? '';
    this.attempts.requireNoPause(ctx.ip, email);
    const hash = own?.password_hash ?? null;
    if (hash === null || !(await this.passwords.isRight(hash, password))) {
      this.attempts.failed(ctx.ip, email);
      await this.audit.recordAlone(ctx, { action, resource: `user:${userId}`, outcome: 'failed' });
      throw new WrongPassword();
    }
    this.attempts.succeeded(ctx.ip, email);
    return { email, hash };
  }
}
