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
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  ApiTokenPage,
  ChangeOwnPassword,
  CreateToken,
  CreatedToken,
  LoginAnswer,
  LoginRequest,
  Me,
  PageQuery,
  SessionPage,
  permissions,
} from '@aos/contracts';
import type { CookieOptions, Response } from 'express';
import { z } from 'zod';
import type { Environment } from '../../platform/config/environment.js';
import type { IdentifiedRequest } from '../../platform/http/access.guard.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import { Public, RequestCtx, SignedIn } from '../../platform/http/access.js';
import type { Ctx } from '../../platform/http/context.js';
import { NoReplay } from '../../platform/http/idempotency.interceptor.js';
import { Forbidden } from '../../platform/http/problem.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { AuthQueries } from './auth.queries.js';
import { ChangeOwnPassword as ChangeOwnPasswordCommand } from './commands/change-own-password.js';
import { CreateApiToken } from './commands/create-api-token.js';
import { EndSession } from './commands/end-session.js';
import { RevokeApiToken } from './commands/revoke-api-token.js';
import { SignIn } from './commands/sign-in.js';
import { SignOut } from './commands/sign-out.js';
import { SESSION_COOKIE } from './session-authenticator.js';
import { handOut, sessionCookie } from './session-cookie.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  private readonly cookie: CookieOptions;

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: AuthQueries,
    @Inject(ENVIRONMENT) environment: Environment,
  ) {
    this.cookie = sessionCookie(environment);
  }

  @Post('login')
  @HttpCode(200)
  @Public()
  @NoReplay()
  @ApiOperation({
    summary: 'Sign in; people with a second factor send a code along',
    operationId: 'login',
  })
  @ApiResponse({ status: 200, standardSchema: LoginAnswer })
  async login(
    @Req() request: IdentifiedRequest,
    @Body({ schema: LoginRequest }) body: LoginRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LoginAnswer> {
    const answer = await this.commands.execute(
      new SignIn(request.ctx, body, request.headers['user-agent'] ?? null),
    );
    handOut(response, this.cookie, answer);
    return answer;
  }

  @Post('logout')
  @HttpCode(204)
  @SignedIn({ beforeSecondFactor: true })
  @ApiOperation({ summary: 'End this session, at once', operationId: 'logout' })
  @ApiResponse({ status: 204, description: 'The session has ended' })
  async logout(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    const sessionId = request.identity?.sessionId;
    if (!sessionId)
      throw new Forbidden(
        'An API token is not signed out; revoke it with DELETE /auth/tokens/:id.',
      );
    await this.commands.execute(new SignOut(ctx, sessionId));
    response.clearCookie(SESSION_COOKIE, this.cookie);
  }

  @Get('me')
  @SignedIn({ beforeSecondFactor: true })
  @ApiOperation({ summary: 'Who you are and what you may do', operationId: 'me' })
  @ApiResponse({ status: 200, standardSchema: Me })
  async me(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Me> {
    response.setHeader('cache-control', 'no-store');
    const held = new Set(ctx.actor.grants.map((grant) => grant.permission));
    return {
      user: await this.queries.user(ctx.actor.userId),
      permissions: permissions.filter((permission) => held.has(permission)),
      authenticatedBy: request.identity?.by ?? 'token',
      csrfToken: request.identity?.csrfToken ?? null,
      mustSetUpSecondFactor: request.identity?.mustSetUpSecondFactor ?? false,
      ...(await this.queries.cameIn(ctx.actor.userId, request.identity?.sessionId ?? null)),
    };
  }

  @Post('password')
  @HttpCode(204)
  @SignedIn()
  @NoReplay()
  @ApiOperation({
    summary: 'Change your own password; your other sessions end',
    operationId: 'changeOwnPassword',
  })
  @ApiResponse({ status: 204, description: 'Changed' })
  async changePassword(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Body({ schema: ChangeOwnPassword }) body: ChangeOwnPassword,
  ): Promise<void> {
    const sessionId = request.identity?.sessionId;
    if (!sessionId) throw new Forbidden('An API token changes no password. Sign in to do that.');
    await this.commands.execute(new ChangeOwnPasswordCommand(ctx, sessionId, body));
  }

  @Get('sessions')
  @SignedIn()
  @ApiOperation({ summary: 'Where you are signed in', operationId: 'listSessions' })
  @ApiResponse({ status: 200, standardSchema: SessionPage })
  sessions(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Query({ schema: PageQuery }) query: PageQuery,
  ) {
    return this.queries.sessions(ctx, request.identity?.sessionId ?? null, query);
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  @SignedIn()
  @ApiOperation({ summary: 'End one of your sessions, at once', operationId: 'endSession' })
  @ApiResponse({ status: 204, description: 'Ended' })
  endSession(@RequestCtx() ctx: Ctx, @Param('id', { schema: z.uuid() }) id: string) {
    return this.commands.execute(new EndSession(ctx, id));
  }

  @Get('tokens')
  @SignedIn()
  @ApiOperation({ summary: 'Your API tokens', operationId: 'listTokens' })
  @ApiResponse({ status: 200, standardSchema: ApiTokenPage })
  tokens(@RequestCtx() ctx: Ctx, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.tokens(ctx, query);
  }

  @Post('tokens')
  @SignedIn()
  @NoReplay()
  @ApiOperation({
    summary: 'Make an API token; this answer alone shows it, and no second factor is asked of it',
    operationId: 'createToken',
  })
  @ApiResponse({ status: 201, standardSchema: CreatedToken })
  createToken(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: CreateToken }) body: CreateToken,
    @Res({ passthrough: true }) response: Response,
  ) {
    response.setHeader('cache-control', 'no-store');
    return this.commands.execute(new CreateApiToken(ctx, body));
  }

  @Delete('tokens/:id')
  @HttpCode(204)
  @SignedIn()
  @ApiOperation({ summary: 'Revoke an API token, at once', operationId: 'revokeToken' })
  @ApiResponse({ status: 204, description: 'Revoked' })
  revokeToken(@RequestCtx() ctx: Ctx, @Param('id', { schema: z.uuid() }) id: string) {
    return this.commands.execute(new RevokeApiToken(ctx, id));
  }
}
