import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { LoginAnswer, SignInProvider } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx, Principal } from '../../../platform/http/context.js';
import { LoginAttempts, SecondFactors, Sessions } from '../../auth/index.js';
import { RoleGrants } from '../../rbac/index.js';
import { type Shown, isOfDomain } from '../claims.js';
import { type Flow, Flows, checksOf } from '../flows.js';
import { SignInRefused, type Why } from '../identities.errors.js';
import { Pace } from '../pace.js';
import { Providers } from '../providers.js';
import { type Account, accountOf, lockSubject } from '../accounts.js';
import { doorOf } from './begin-provider-sign-in.js';

/** What came back from a provider, in the browser that brings it. */
export interface CameBack {
  provider: string;
  /** As it came, with the question mark. */
  search: string;
  token: string | undefined;
  /** The session that the browser holds beside it. */
  present: { userId: string; sessionId: string } | null;
  userAgent: string | null;
}

export type Finished =
  | { kind: 'in'; answer: LoginAnswer; returnTo: string }
  | { kind: 'code'; token: string; returnTo: string }
  | { kind: 'connected'; returnTo: string };

export class FinishProviderSignIn extends Command<Finished> {
  constructor(
    readonly ctx: Ctx,
    readonly cameBack: CameBack,
  ) {
    super();
  }
}

/**
 * Nobody is known by an e-mail address here: an account belongs to (issuer, subject), and is bound to it when it is made, or
 * when somebody who is signed in to it connects it. What the provider says of roles is written in the transaction in which
 * the session is opened.
 *
 * The provider is asked before that transaction, and the flow is used up before the provider is asked.
 */
@CommandHandler(FinishProviderSignIn)
export class FinishProviderSignInHandler implements ICommandHandler<FinishProviderSignIn> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly providers: Providers,
    private readonly flows: Flows,
    private readonly sessions: Sessions,
    private readonly factors: SecondFactors,
    private readonly grants: RoleGrants,
    private readonly attempts: LoginAttempts,
    private readonly pace: Pace,
  ) {}

  async execute({ ctx, cameBack }: FinishProviderSignIn): Promise<Finished> {
    const door = doorOf(cameBack.provider);
    this.attempts.requireNoPause(ctx.ip, door);
    await this.pace.take(ctx.ip);
    try {
      const finished = await this.finish(ctx, cameBack);
      this.attempts.succeeded(ctx.ip, door);
      return finished;
    } catch (error) {
      if (!(error instanceof SignInRefused)) throw error;
      // An answer that was made up. Who is known and not let in makes nobody beside them wait.
      if (error.why === 'sso-unfit') this.attempts.failed(ctx.ip, door);
      await this.audit.recordAlone(ctx, {
        action: 'login',
        resource: 'user:unknown',
        diff: { provider: cameBack.provider, why: error.why },
        outcome: 'failed',
      });
      throw error;
    }
  }

  private async finish(ctx: Ctx, cameBack: CameBack): Promise<Finished> {
    const { provider: name, token } = cameBack;
    const query = new URLSearchParams(cameBack.search);
    const provider = await this.providers.named(name);
    const flow = await this.flows.take(token, name, query.get('state'));
    if (!provider || !flow) throw new SignInRefused('sso-flow', {});
    try {
      return await this.withFlow(ctx, provider, flow, cameBack);
    } catch (error) {
      if (error instanceof SignInRefused) error.returnTo = flow.returnTo;
      throw error;
    }
  }

  private async withFlow(
    ctx: Ctx,
    provider: SignInProvider,
    flow: Flow,
    cameBack: CameBack,
  ): Promise<Finished> {
    const url = new URL(flow.redirectUri);
    url.search = cameBack.search;
    const shown = await this.providers.exchange(ctx, provider, url, checksOf(cameBack.token!));
    const done = await this.database.transaction((tx) =>
      flow.connects
        ? this.connect(tx, ctx, provider, shown, flow, cameBack)
        : this.signIn(tx, ctx, provider, shown, flow, cameBack),
    );
    // Thrown only now: what was written beside it, that a role is gone, stands.
    if (typeof done === 'string') throw new SignInRefused(done, { provider: provider.label });
    return done;
  }

  private async signIn(
    tx: Tx,
    ctx: Ctx,
    provider: SignInProvider,
    shown: Shown,
    { returnTo }: Flow,
    { userAgent }: CameBack,
  ): Promise<Finished | Why> {
    await lockSubject(tx, provider.issuer, shown.subject);
    const domains = provider.allowedDomains;
    if (domains.length > 0 && !shown.isEmailVerified) return 'sso-email';
    if (domains.length > 0 && !isOfDomain(shown.email!, domains)) return 'sso-domain';
    const account =
      (await accountOf(tx, { issuer: provider.issuer, subject: shown.subject })) ??
      (await this.make(tx, ctx, provider, shown));
    if (typeof account === 'string') return account;
    if (account.isDisabled) return 'sso-disabled';
    if (!(await this.takeRoles(tx, ctx, provider, shown, account))) return 'sso-no-role';
    await sql(tx, 'UPDATE identities SET last_used_at = now(), email = $2 WHERE id = $1', [
      account.identityId,
      shown.email,
    ]);
    const identity = {
      id: account.identityId,
      provider: provider.name,
      endsSession: shown.endsSession,
    };
    const factor = await this.factors.lock(tx, account.user.id);
    if (factor?.isOn && !shown.isStrong) {
      const { endsSession } = shown;
      const waiting = { identityId: identity.id, provider: provider.name, returnTo, endsSession };
      await this.audit.record(tx, ctx, {
        action: 'login.code-asked',
        resource: `user:${account.user.id}`,
        diff: { provider: provider.name },
      });
      return { kind: 'code', token: await this.flows.waitForCode(tx, waiting), returnTo };
    }
    const answer = await this.sessions.open(tx, ctx, account.user, {
      userAgent,
      secondFactor: shown.isStrong ? 'provider' : null,
      identity,
    });
    return { kind: 'in', answer, returnTo };
  }

  private async make(
    tx: Tx,
    ctx: Ctx,
    provider: SignInProvider,
    shown: Shown,
  ): Promise<Account | Why> {
    if (!provider.createUsers) return 'sso-no-account';
    if (!shown.isEmailVerified) return 'sso-email';
    if (shown.roles.length === 0 && provider.defaultRole === undefined) return 'sso-no-role';
    const [userId, identityId] = [randomUUID(), randomUUID()];
    const { count } = await sql(
      tx,
      'INSERT INTO users (id, email, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [userId, shown.email, shown.name],
    );
    if (count === 0) return 'sso-email-taken';
    await sql(
      tx,
      'INSERT INTO identities (id, user_id, issuer, subject, provider, email) VALUES ($1, $2, $3, $4, $5, $6)',
      [identityId, userId, provider.issuer, shown.subject, provider.name, shown.email],
    );
    await this.grants.changed(tx, asProvider(ctx, provider), `user:${userId}`, 'user.create', {
      before: null,
      after: { email: shown.email, name: shown.name },
      identity: identityId,
      issuer: provider.issuer,
    });
    return {
      user: { id: userId, email: shown.email!, name: shown.name, roles: [] },
      identityId,
      isDisabled: false,
      hasRoleOfPeople: false,
    };
  }

  /** @returns whether they hold any role now, wherever it is from. */
  private async takeRoles(
    tx: Tx,
    ctx: Ctx,
    provider: SignInProvider,
    shown: Shown,
    account: Account,
  ): Promise<boolean> {
    const byDefault =
      shown.roles.length === 0 && !account.hasRoleOfPeople && provider.defaultRole !== undefined;
    const roles = byDefault ? [provider.defaultRole!] : shown.roles;
    const givenBy = `identity:${account.identityId}`;
    await this.grants.keepInStep(
      tx,
      asProvider(ctx, provider),
      { userId: account.user.id, givenBy },
      roles,
    );
    const { rows } = await sql<{ role: string }>(
      tx,
      'SELECT DISTINCT role FROM role_bindings WHERE user_id = $1 ORDER BY 1',
      [account.user.id],
    );
    account.user.roles = rows.map(({ role }) => role);
    return rows.length > 0;
  }

  private async connect(
    tx: Tx,
    ctx: Ctx,
    provider: SignInProvider,
    shown: Shown,
    { returnTo, connects }: Flow,
    { present }: CameBack,
  ): Promise<Finished | Why> {
    // The browser may be somebody else's by now.
    if (present?.userId !== connects!.userId || present.sessionId !== connects!.sessionId)
      return 'sso-session';
    await lockSubject(tx, provider.issuer, shown.subject);
    const { userId } = present;
    const owned = await accountOf(tx, { issuer: provider.issuer, subject: shown.subject });
    if (owned) return owned.user.id === userId ? { kind: 'connected', returnTo } : 'sso-taken';
    const id = randomUUID();
    const { count } = await sql(
      tx,
      `INSERT INTO identities (id, user_id, issuer, subject, provider, email) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT DO NOTHING`,
      [id, userId, provider.issuer, shown.subject, provider.name, shown.email],
    );
    if (count === 0) return 'sso-another';
    await this.grants.changed(tx, ctx, `user:${userId}`, 'identity.connect', {
      identity: id,
      provider: provider.name,
      issuer: provider.issuer,
      subject: shown.subject,
    });
    return { kind: 'connected', returnTo };
  }
}

/** Whose doing it is that somebody has an account, or a role: of nobody here. */
const asProvider = (ctx: Ctx, { name, label }: SignInProvider): Ctx => ({
  ...ctx,
  actor: {
    kind: 'system',
    id: `provider:${name}`,
    name: label,
    userId: null,
    grants: [],
  } satisfies Principal,
});
