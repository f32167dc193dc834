import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { LoginAttempts, newSessionToken } from '../../auth/index.js';
import { Flows, checksOf } from '../flows.js';
import { Pace } from '../pace.js';
import { Providers } from '../providers.js';

export class BeginProviderSignIn extends Command<{ url: string; token: string }> {
  constructor(
    readonly ctx: Ctx,
    readonly provider: string,
    readonly redirectUri: string,
    readonly returnTo: string,
    /** Who wants to connect their account with one there; null for signing in. */
    readonly connects: { userId: string; sessionId: string } | null,
  ) {
    super();
  }
}

@CommandHandler(BeginProviderSignIn)
export class BeginProviderSignInHandler implements ICommandHandler<BeginProviderSignIn> {
  constructor(
    private readonly providers: Providers,
    private readonly flows: Flows,
    private readonly attempts: LoginAttempts,
    private readonly pace: Pace,
  ) {}

  async execute({ ctx, provider: name, redirectUri, returnTo, connects }: BeginProviderSignIn) {
    this.attempts.requireNoPause(ctx.ip, doorOf(name));
    await this.pace.take(ctx.ip);
    const provider = await this.providers.named(name);
    if (!provider) throw new AosError('not_found', say('no-provider'));
    const token = newSessionToken();
    const url = await this.providers.addressFor(provider, redirectUri, checksOf(token));
    await this.flows.begin(token, { provider: name, redirectUri, returnTo, connects });
    return { url: url.href, token };
  }
}

/** What failed sign-ins are counted under, in place of an e-mail address. */
export const doorOf = (provider: string) => `provider:${provider}`;
