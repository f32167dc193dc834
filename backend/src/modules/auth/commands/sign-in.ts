import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { LoginAnswer, LoginRequest } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx, Principal } from '../../../platform/http/context.js';
import type { AosError } from '../../../platform/http/problem.js';
import { InvalidCredentials, SecondFactorNeeded, SecondFactorWrong } from '../auth.errors.js';
import { LoginAttempts } from '../login-attempts.js';
import { Passwords } from '../passwords.js';
import { type ShownBy, SecondFactors } from '../second-factors.js';
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
    private readonly factors: SecondFactors,
  ) {}

  async execute({ ctx, input, userAgent }: SignIn): Promise<LoginAnswer> {
    const { email, password, code } = input;
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
    const answer = await this.database.transaction(async (tx) => {
      const factor = await this.factors.lock(tx, user.id);
      if (!factor?.isOn) return this.openSession(tx, ctx, user, userAgent, null);
      if (code === undefined) return 'needed';
      const by = await this.factors.take(tx, factor, code);
      return by ? this.openSession(tx, ctx, user, userAgent, by) : 'wrong';
    });
    if (answer === 'needed' || answer === 'wrong') throw await this.refusal(ctx, user, answer);
    this.attempts.succeeded(ctx.ip, email);
    return answer;
  }

  /** That somebody knows the password is in the record, also when they come no further. */
  private async refusal(ctx: Ctx, user: UserRow, why: 'needed' | 'wrong'): Promise<AosError> {
    if (why === 'wrong') this.attempts.failed(ctx.ip, user.email.toLowerCase());
    await this.audit.recordAlone(ctx, {
      resource: `user:${user.id}`,
      ...(why === 'wrong'
        ? { action: 'login', diff: { secondFactor: 'wrong' }, outcome: 'failed' }
        : { action: 'login.code-asked' }),
    });
    return why === 'wrong' ? new SecondFactorWrong() : new SecondFactorNeeded();
  }

  /** Always a new session with a new token: one that was there before signing in is worth nothing after. */
  private async openSession(
    tx: Tx,
    ctx: Ctx,
    user: UserRow,
    userAgent: string | null,
    secondFactor: ShownBy | null,
  ): Promise<LoginAnswer> {
    const [id, token, csrf] = [randomUUID(), newSessionToken(), newSessionToken()];
    const actor: Principal = {
      kind: 'user',
      id: `user:${user.id}`,
      name: user.name,
      userId: user.id,
      grants: [],
    };
    const { rows } = await sql<{ expires_at: Date }>(
      tx,
      `INSERT INTO sessions (id, user_id, token_hash, csrf_token, ip, user_agent, second_factor, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, now() + interval '${SESSION_HOURS} hours') RETURNING expires_at`,
      [id, user.id, hashToken(token), csrf, ctx.ip, userAgent?.slice(0, 400) ?? null, secondFactor],
    );
    await this.audit.record(
      tx,
      { ...ctx, actor },
      {
        action: 'login',
        resource: `user:${user.id}`,
        diff: { session: id, ...(secondFactor && { secondFactor }) },
      },
    );
    const { email, name, roles } = user;
    return {
      accessToken: token,
      expiresAt: rows[0]!.expires_at.toISOString(),
      user: { id: user.id, email, name, roles },
    };
  }
}

const byEmail = `
  SELECT u.id, u.email, u.name, u.password_hash, u.is_disabled,
         ARRAY(SELECT DISTINCT role FROM role_bindings WHERE user_id = u.id ORDER BY 1) AS roles
    FROM users u WHERE lower(u.email) = $1`;
