import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { SignInAgain, WrongPassword } from './auth.errors.js';
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

  /**
   * As `require`, for what those do as well who sign in with a provider and have no password: of them it is that they came
   * in a moment ago.
   */
  async requireOrFresh(
    ctx: Ctx,
    sessionId: string,
    password: string | undefined,
    action: string,
  ): Promise<{ email: string }> {
    const [own] = await this.database.query<{ email: string; has: boolean; is_fresh: boolean }>(
      `SELECT u.email, u.password_hash IS NOT NULL AS has,
              s.identity_id IS NOT NULL AND s.created_at > now() - interval '10 minutes' AS is_fresh
         FROM users u JOIN sessions s ON s.user_id = u.id WHERE u.id = $1 AND s.id = $2`,
      [ctx.actor.userId, sessionId],
    );
    if (!own || own.has) return this.require(ctx, password ?? '', action);
    if (own.is_fresh) return own;
    await this.audit.recordAlone(ctx, {
      ...{ action, resource: `user:${ctx.actor.userId}`, outcome: 'failed' },
    });
    throw new SignInAgain();
  }

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
