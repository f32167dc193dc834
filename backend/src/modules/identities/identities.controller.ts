import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseFilters,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  BeginProviderSignIn,
  ConnectIdentity,
  IdentityPage,
  LoginAnswer,
  PageQuery,
  ProviderCheck,
  ProviderSignIn,
  ShowCode,
  SignInProvider,
  WaysIn,
  inEnglish,
  say,
} from '@aos/contracts';
import type { CookieOptions, Response } from 'express';
import { z } from 'zod';
import type { Environment } from '../../platform/config/environment.js';
import { Allow, Public, RequestCtx, SignedIn } from '../../platform/http/access.js';
import type { IdentifiedRequest } from '../../platform/http/access.guard.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import { Authenticator } from '../../platform/http/authenticator.js';
import type { Ctx } from '../../platform/http/context.js';
import { NoReplay } from '../../platform/http/idempotency.interceptor.js';
import { isLoopbackName } from '../../platform/http/own-address.js';
import { AosError, Forbidden, faultAt } from '../../platform/http/problem.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { OwnPassword, handOut, sessionCookie } from '../auth/index.js';
import { Settings, isIssuer } from '../config/index.js';
import { BeginProviderSignIn as Begin } from './commands/begin-provider-sign-in.js';
import { DisconnectIdentity } from './commands/disconnect-identity.js';
import { FinishProviderSignIn } from './commands/finish-provider-sign-in.js';
import { ShowSignInCode } from './commands/show-sign-in-code.js';
import { FLOW_COOKIE, FLOW_MINUTES } from './flows.js';
import { IdentitiesQueries } from './identities.queries.js';
import { SignInRefused } from './identities.errors.js';
import { consolePath, ownPath } from './own-paths.js';
import { Providers } from './providers.js';
import { SignInPage } from './sign-in-page.filter.js';

const ProviderName = z.string().max(40);
const ACCOUNT = '/settings/account';

/** Signing in with OpenID Connect providers, and one's own accounts there. */
@ApiTags('auth')
@Controller('auth')
export class IdentitiesController {
  private readonly cookie: CookieOptions;
  private readonly flowCookie: CookieOptions;

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: IdentitiesQueries,
    private readonly providers: Providers,
    private readonly settings: Settings,
    private readonly authenticator: Authenticator,
    private readonly ownPassword: OwnPassword,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {
    this.cookie = sessionCookie(environment);
    // Lax: it is the provider's page that leads back here.
    this.flowCookie = { ...this.cookie, path: '/auth/providers' };
  }

  @Get('providers')
  @Public()
  @ApiOperation({ summary: 'How people may sign in', operationId: 'listWaysIn' })
  @ApiResponse({ status: 200, standardSchema: WaysIn })
  async waysIn(): Promise<WaysIn> {
    const { password, providers } = (await this.settings.system()).security.signIn;
    return { password, providers: providers.map(({ name, label }) => ({ name, title: label })) };
  }

  @Post('providers/check')
  @HttpCode(200)
  @Allow('config.write')
  @ApiOperation({
    summary: 'Ask a provider for its metadata, and say what is wrong with it',
    operationId: 'checkProvider',
  })
  @ApiResponse({ status: 200, standardSchema: ProviderCheck })
  async check(
    @Req() request: IdentifiedRequest,
    @Body({ schema: SignInProvider }) provider: SignInProvider,
  ): Promise<ProviderCheck> {
    if (!isIssuer(provider.issuer))
      throw new AosError('validation_failed', say('provider-issuer-form'), {
        errors: [faultAt('issuer', say('must-be-issuer'))],
      });
    const redirectUri = this.redirectUri(request, provider.name);
    try {
      const { endsSession } = await this.providers.check(provider);
      return { ok: true, redirectUri, faults: [], endsSession };
    } catch (error) {
      if (!(error instanceof SignInRefused) || !error.said) throw error;
      const faults = [{ says: inEnglish(error.said), said: error.said }];
      return { ok: false, redirectUri, faults, endsSession: false };
    }
  }

  @Post('providers/code')
  @HttpCode(200)
  @Public()
  @NoReplay()
  @ApiOperation({
    summary: 'Show the code of a second factor, which a sign-in with a provider has left to ask',
    operationId: 'showSignInCode',
  })
  @ApiResponse({ status: 200, standardSchema: LoginAnswer })
  async code(
    @Req() request: IdentifiedRequest,
    @Body({ schema: ShowCode }) { code }: ShowCode,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LoginAnswer> {
    const answer = await this.commands.execute(
      new ShowSignInCode(request.ctx, flowToken(request), code, userAgentOf(request)),
    );
    response.clearCookie(FLOW_COOKIE, this.flowCookie);
    handOut(response, this.cookie, answer);
    return answer;
  }

  @Post('providers/:name/begin')
  @HttpCode(200)
  @Public()
  @NoReplay()
  @ApiOperation({
    summary: 'Begin to sign in with a provider: where the browser has to go',
    operationId: 'beginProviderSignIn',
  })
  @ApiResponse({ status: 200, standardSchema: ProviderSignIn })
  begin(
    @Req() request: IdentifiedRequest,
    @Param('name', { schema: ProviderName }) name: string,
    @Body({ schema: BeginProviderSignIn }) { returnTo }: BeginProviderSignIn,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ProviderSignIn> {
    return this.send(request, response, name, ownPath(returnTo), null);
  }

  /** Of a stranger's making, as far as it is not ours: whatever is wrong with it is told on the page for signing in. */
  @Get('providers/:name/callback')
  @Public()
  @UseFilters(SignInPage)
  @ApiOperation({
    summary: 'Where a provider sends the browser back to',
    operationId: 'finishProviderSignIn',
  })
  @ApiResponse({ status: 303, description: 'To the console, signed in or told why not' })
  async callback(
    @Req() request: IdentifiedRequest,
    @Param('name', { schema: ProviderName }) name: string,
    @Res() response: Response,
  ): Promise<void> {
    const { search } = new URL(request.originalUrl, 'http://own.invalid');
    const token = flowToken(request);
    response.clearCookie(FLOW_COOKIE, this.flowCookie).set('cache-control', 'no-store');
    const done = await this.commands.execute(
      new FinishProviderSignIn(request.ctx, {
        ...{ provider: name, search, token, userAgent: userAgentOf(request) },
        present: await this.presentIn(request),
      }),
    );
    if (done.kind === 'in') handOut(response, this.cookie, done.answer);
    if (done.kind === 'code') response.cookie(FLOW_COOKIE, done.token, this.forAWhile());
    response.redirect(
      303,
      done.kind === 'code'
        ? consolePath('/sign-in', { next: done.returnTo, code: '1' })
        : consolePath(done.returnTo),
    );
  }

  @Get('providers/:name/sign-out')
  @Public()
  @UseFilters(SignInPage)
  @ApiOperation({
    summary: 'To where a provider ends its own session, if it offers that',
    operationId: 'signOutAtProvider',
  })
  @ApiResponse({ status: 303, description: 'To the provider' })
  async signOut(
    @Param('name', { schema: ProviderName }) name: string,
    @Res() response: Response,
  ): Promise<void> {
    const provider = await this.providers.named(name);
    if (!provider) throw new AosError('not_found', say('no-provider'));
    const url = await this.providers.signOutAddress(provider);
    if (!url) throw new SignInRefused('sso-no-sign-out', { provider: provider.label });
    response.set('cache-control', 'no-store').redirect(303, url.href);
  }

  @Get('identities')
  @SignedIn()
  @ApiOperation({
    summary: 'Your accounts at providers by which you sign in',
    operationId: 'listIdentities',
  })
  @ApiResponse({ status: 200, standardSchema: IdentityPage })
  identities(@RequestCtx() ctx: Ctx, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.identities(ctx, query);
  }

  @Post('identities')
  @HttpCode(200)
  @SignedIn()
  @NoReplay()
  @ApiOperation({
    summary: 'Begin to connect your account with one at a provider: where the browser has to go',
    operationId: 'connectIdentity',
  })
  @ApiResponse({ status: 200, standardSchema: ProviderSignIn })
  async connect(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Body({ schema: ConnectIdentity }) { provider, currentPassword }: ConnectIdentity,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ProviderSignIn> {
    const sessionId = request.identity?.sessionId;
    if (!sessionId) throw new Forbidden('An API token connects nothing. Sign in to do that.');
    // Who comes upon a session left open would have a way in for good.
    await this.ownPassword.requireOrFresh(ctx, sessionId, currentPassword, 'identity.connect');
    return this.send(request, response, provider, ACCOUNT, {
      userId: ctx.actor.userId!,
      sessionId,
    });
  }

  @Delete('identities/:id')
  @HttpCode(204)
  @SignedIn()
  @ApiOperation({
    summary: 'Disconnect one; the sessions that it opened end',
    operationId: 'disconnectIdentity',
  })
  @ApiResponse({ status: 204, description: 'Disconnected' })
  disconnect(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Param('id', { schema: z.uuid() }) id: string,
  ): Promise<void> {
    const sessionId = request.identity?.sessionId ?? null;
    if (!sessionId) throw new Forbidden('An API token disconnects nothing. Sign in to do that.');
    return this.commands.execute(new DisconnectIdentity(ctx, id, sessionId));
  }

  private async send(
    request: IdentifiedRequest,
    response: Response,
    name: string,
    returnTo: string,
    connects: { userId: string; sessionId: string } | null,
  ): Promise<ProviderSignIn> {
    const redirectUri = this.redirectUri(request, name);
    const { url, token } = await this.commands.execute(
      new Begin(request.ctx, name, redirectUri, returnTo, connects),
    );
    response.cookie(FLOW_COOKIE, token, this.forAWhile());
    response.setHeader('cache-control', 'no-store');
    return { url };
  }

  /** Of its own for each provider, so that one cannot pass another's answer off as its own. */
  private redirectUri({ protocol, headers }: IdentifiedRequest, name: string): string {
    const own = this.environment.publicUrl ?? `${protocol}://${headers.host}`;
    // Elsewhere than on this machine a Host header is whatever somebody sent.
    if (!this.environment.publicUrl && !isLoopbackName(new URL(own).hostname))
      throw new SignInRefused('sso-address-unknown', {});
    return new URL(`/auth/providers/${encodeURIComponent(name)}/callback`, own).href;
  }

  private forAWhile(): CookieOptions {
    return { ...this.flowCookie, maxAge: FLOW_MINUTES * 60_000 };
  }

  private async presentIn({ headers }: IdentifiedRequest) {
    const found = await this.authenticator.identify({ headers: { cookie: headers.cookie } });
    const [userId, sessionId] = [found?.principal.userId, found?.sessionId];
    return userId && sessionId ? { userId, sessionId } : null;
  }
}

const userAgentOf = ({ headers }: IdentifiedRequest) => headers['user-agent'] ?? null;

function flowToken({ headers }: IdentifiedRequest): string | undefined {
  const pair = headers.cookie?.split(';').find((part) => part.trim().startsWith(`${FLOW_COOKIE}=`));
  const token = pair?.trim().slice(FLOW_COOKIE.length + 1);
  return token && /^[A-Za-z0-9_-]{43}$/.test(token) ? token : undefined;
}
