import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { trace } from '@opentelemetry/api';
import { timingSafeEqual } from 'node:crypto';
import { say } from '@aos/contracts';
import { ACCESS, type AccessRule, type AosRequest } from './access.js';
import { Authenticator, type Identity, byToken } from './authenticator.js';
import { type Principal, isAllowed } from './context.js';
import type { OutsideTokens } from './outside-tokens.js';
import { AosError, Forbidden } from './problem.js';

/** The identity behind a request, for the few routes that speak of the session itself. */
export interface IdentifiedRequest extends AosRequest {
  identity?: Identity;
}

/**
 * Every route passes here before its body is looked at, and is refused unless its rule lets it in: a route
 * without a rule is refused to everybody. The refusals are written to the audit trail by the filter, which
 * sees those of the handlers as well.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
    private readonly outside?: OutsideTokens,
  ) {}

  async canActivate(host: ExecutionContext): Promise<boolean> {
    if (host.getType() !== 'http') return true; // sockets are authenticated at the upgrade
    const request = host.switchToHttp().getRequest<IdentifiedRequest>();
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS, [
      host.getHandler(),
      host.getClass(),
    ]);
    await this.admit(rule, request);
    return true;
  }

  /** @throws AosError why the request goes no further. */
  async admit(rule: AccessRule | undefined, request: IdentifiedRequest): Promise<void> {
    // Nothing is looked up for these: health has to answer without a database.
    if (rule?.kind === 'public') return;
    const identity =
      (await this.authenticator.identify(request)) ?? (await this.fromOutside(rule, request));
    if (!identity) throw new AosError('unauthenticated', say('sign-in-at-login'));
    request.identity = identity;
    request.ctx = { ...request.ctx, actor: identity.principal };
    trace.getActiveSpan()?.setAttribute('aos.actor', identity.principal.id);
    refuseForgery(request, identity);
    if (!rule) throw new Forbidden('This route is open to nobody.');
    if (identity.mustSetUpSecondFactor && !isOpenBefore(rule))
      throw new AosError('second_factor_required', say('factor-required'));
    if (rule.kind === 'permission' && !holds(identity.principal, rule))
      throw new Forbidden(
        `This needs the permission ${rule.permission}, which you do not hold here.`,
      );
  }

  private async fromOutside(
    rule: AccessRule | undefined,
    { headers }: AosRequest,
  ): Promise<Identity | undefined> {
    const token = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
    if (!this.outside || token === undefined) return undefined;
    if (rule?.kind !== 'signed-in' || !rule.outside) return undefined;
    const principal = await this.outside.identify(token);
    return principal && byToken(principal);
  }
}

const isOpenBefore = (rule: AccessRule) => rule.kind === 'signed-in' && rule.beforeSecondFactor;

function holds(actor: Principal, rule: AccessRule & { kind: 'permission' }): boolean {
  return rule.anyProject
    ? actor.grants.some((grant) => grant.permission === rule.permission)
    : isAllowed(actor, rule.permission);
}

/**
 * A browser sends the cookie with whatever page asks for it. Only our own page can read the session's CSRF
 * token (from GET /auth/me), so a change has to bring it along. A foreign Origin was refused before.
 */
function refuseForgery(request: AosRequest, identity: Identity): void {
  if (identity.carrier !== 'cookie' || ['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return;
  const shown = Buffer.from(String(request.headers['x-csrf-token'] ?? ''));
  const expected = Buffer.from(identity.csrfToken ?? '');
  if (
    expected.length === 0 ||
    shown.length !== expected.length ||
    !timingSafeEqual(shown, expected)
  )
    throw new AosError('csrf_refused', say('csrf-missing'));
}
