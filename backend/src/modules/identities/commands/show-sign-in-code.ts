import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { LoginAnswer } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { LoginAttempts, SecondFactorWrong, SecondFactors, Sessions } from '../../auth/index.js';
import { accountOf } from '../accounts.js';
import { Flows } from '../flows.js';
import { SignInRefused } from '../identities.errors.js';
import { Pace } from '../pace.js';

/** The second half of a sign-in whose provider does not count for a second factor. */
export class ShowSignInCode extends Command<LoginAnswer> {
  constructor(
    readonly ctx: Ctx,
    readonly token: string | undefined,
    readonly code: string,
    readonly userAgent: string | null,
  ) {
    super();
  }
}

@CommandHandler(ShowSignInCode)
export class ShowSignInCodeHandler implements ICommandHandler<ShowSignInCode> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly flows: Flows,
    private readonly factors: SecondFactors,
    private readonly sessions: Sessions,
    private readonly attempts: LoginAttempts,
    private readonly pace: Pace,
  ) {}

  async execute({ ctx, token, code, userAgent }: ShowSignInCode): Promise<LoginAnswer> {
    await this.pace.take(ctx.ip);
    const done = await this.database.transaction((tx) =>
      this.show(tx, ctx, token, code, userAgent),
    );
    if ('accessToken' in done) return done;
    await this.audit.recordAlone(ctx, {
      action: 'login',
      resource: `user:${done.userId ?? 'unknown'}`,
      diff: done.diff,
      outcome: 'failed',
    });
    throw done.error;
  }

  private async show(
    tx: Tx,
    ctx: Ctx,
    token: string | undefined,
    code: string,
    userAgent: string | null,
  ): Promise<LoginAnswer | { userId?: string; diff: object; error: Error }> {
    const flow = await this.flows.lockWaiting(tx, token);
    const account = flow && (await accountOf(tx, flow));
    if (!flow || !account)
      return { diff: { why: 'sso-flow' }, error: new SignInRefused('sso-flow', {}) };
    const { user, isDisabled } = account;
    if (isDisabled)
      return {
        ...{ userId: user.id, diff: { provider: flow.provider, why: 'sso-disabled' } },
        error: new SignInRefused('sso-disabled', {}),
      };
    const person = user.email.toLowerCase();
    this.attempts.requireNoPause(ctx.ip, person);
    const factor = await this.factors.lock(tx, user.id);
    const by = factor?.isOn ? await this.factors.take(tx, factor, code) : null;
    if (by === undefined) {
      this.attempts.failed(ctx.ip, person);
      return {
        ...{ userId: user.id, diff: { provider: flow.provider, secondFactor: 'wrong' } },
        error: new SecondFactorWrong(),
      };
    }
    this.attempts.succeeded(ctx.ip, person);
    await this.flows.end(tx, token!);
    await sql(tx, 'UPDATE identities SET last_used_at = now() WHERE id = $1', [flow.identityId]);
    const identity = {
      id: flow.identityId,
      provider: flow.provider,
      endsSession: flow.endsSession,
    };
    return this.sessions.open(tx, ctx, user, { userAgent, secondFactor: by, identity });
  }
}
