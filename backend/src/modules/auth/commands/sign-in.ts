import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { LoginAnswer, LoginRequest } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import type { Tx } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import type { AosError } from '../../../platform/http/problem.js';
import {
  InvalidCredentials,
  PasswordForOwners,
  SecondFactorNeeded,
  SecondFactorWrong,
} from '../auth.errors.js';
import { LoginAttempts } from '../login-attempts.js';
import { Passwords } from '../passwords.js';
import { type ShownBy, SecondFactors } from '../second-factors.js';
import { Sessions } from '../sessions.js';
import { mayUsePassword } from '../ways-in.js';

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
  may_use_password: boolean;
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
    private readonly sessions: Sessions,
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
    if (!user.may_use_password) throw await this.refusal(ctx, user, 'for-owners');
    const open = (tx: Tx, secondFactor: ShownBy | null) =>
      this.sessions.open(tx, ctx, user, { userAgent, secondFactor });
    const answer = await this.database.transaction(async (tx) => {
      const factor = await this.factors.lock(tx, user.id);
      if (!factor?.isOn) return open(tx, null);
      if (code === undefined) return 'needed';
      const by = await this.factors.take(tx, factor, code);
      return by ? open(tx, by) : 'wrong';
    });
    if (answer === 'needed' || answer === 'wrong') throw await this.refusal(ctx, user, answer);
    this.attempts.succeeded(ctx.ip, email);
    return answer;
  }

  /** That somebody knows the password is in the record, also when they come no further. */
  private async refusal(ctx: Ctx, user: UserRow, why: keyof typeof refusals): Promise<AosError> {
    if (why === 'wrong') this.attempts.failed(ctx.ip, user.email.toLowerCase());
    const { entry, error } = refusals[why];
    await this.audit.recordAlone(ctx, { resource: `user:${user.id}`, ...entry });
    return new error();
  }
}

const refusals = {
  needed: { entry: { action: 'login.code-asked' }, error: SecondFactorNeeded },
  wrong: {
    entry: { action: 'login', diff: { secondFactor: 'wrong' }, outcome: 'failed' },
    error: SecondFactorWrong,
  },
  'for-owners': {
    entry: { action: 'login', diff: { password: 'for owners' }, outcome: 'denied' },
    error: PasswordForOwners,
  },
} as const;

const byEmail = `
  SELECT u.id, u.email, u.name, u.password_hash, u.is_disabled, ${mayUsePassword} AS may_use_password,
         ARRAY(SELECT DISTINCT role FROM role_bindings WHERE user_id = u.id ORDER BY 1) AS roles
    FROM users u WHERE lower(u.email) = $1`;
