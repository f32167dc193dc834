import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { LoginAnswer, LoginRequest } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx, Principal } from '../../../platform/http/context.js';
import { InvalidCredentials } from '../auth.errors.js';
import { LoginAttempts } from '../login-attempts.js';
import { Passwords } from '../passwords.js';
import { hashToken, newSessionToken } from '../secret-token.js';

const SESSION_HOURS = 12;

export class SignIn extends Command<LoginAnswer> {
  constructor(
    readonly ctx: Ctx,
    readonly input: LoginRequest,
    readonly userAgent: string | null,
  ) {
    super();
  }
}

interface UserRow {
  id: string;
  email: string;
  name: string;
  password_hash: string | null;
  is_disabled: boolean;
  roles: string[];
}

@CommandHandler(SignIn)
export class SignInHandler implements ICommandHandler<SignIn> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly passwords: Passwords,
    private readonly attempts: LoginAttempts,
  ) {}

  async execute({ ctx, input: { email, password }, userAgent }: SignIn): Promise<LoginAnswer> {
    this.attempts.requireNoPause(ctx.ip, email);
    const [user] = await this.database.query<UserRow>(byEmail, [email]);
    const isRight = await this.passwords.isRight(user?.password_hash, password);
    if (!user || !isRight || user.is_disabled) {
      this.attempts.failed(ctx.ip, email);
      await this.audit.recordAlone(ctx, {
        action: 'login',
        resource: user ? `user:${user.id}` : 'user:unknown',
        // People type passwords into the wrong field: only what looks like an address is kept.
        diff: { email: user || /^[^@\s]+@[^@\s]+$/.test(email) ? email : '(not an e-mail)' },
        outcome: 'failed',
      });
      throw new InvalidCredentials();
    }
    this.attempts.succeeded(ctx.ip, email);
    return this.openSession(ctx, user, userAgent);
  }

  /** Always a new session with a new token: one that was there before signing in is worth nothing after. */
  private async openSession(
    ctx: Ctx,
    user: UserRow,
    userAgent: string | null,
  ): Promise<LoginAnswer> {
    const [id, token, csrf] = [randomUUID(), newSessionToken(), newSessionToken()];
    const actor: Principal = {
      kind: 'user',
      id: `user:${user.id}`,
      name: user.name,
      userId: user.id,
      grants: [],
    };
    const expiresAt = await this.database.transaction(async (tx) => {
      const { rows } = await sql<{ expires_at: Date }>(
        tx,
        `INSERT INTO sessions (id, user_id, token_hash, csrf_token, ip, user_agent, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, now() + interval '${SESSION_HOURS} hours') RETURNING expires_at`,
        [id, user.id, hashToken(token), csrf, ctx.ip, userAgent?.slice(0, 400) ?? null],
      );
      await this.audit.record(
        tx,
        { ...ctx, actor },
        { action: 'login', resource: `user:${user.id}`, diff: { session: id } },
      );
      return rows[0]!.expires_at;
    });
    const { email, name, roles } = user;
    return {
      accessToken: token,
      expiresAt: expiresAt.toISOString(),
      user: { id: user.id, email, name, roles },
    };
  }
}

const byEmail = `
  SELECT u.id, u.email, u.name, u.password_hash, u.is_disabled,
         ARRAY(SELECT DISTINCT role FROM role_bindings WHERE user_id = u.id ORDER BY 1) AS roles
    FROM users u WHERE lower(u.email) = $1`;
