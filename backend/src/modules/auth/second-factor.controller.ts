import { Body, Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  BeginSecondFactor,
  RecoveryCodes,
  SecondFactor,
  SecondFactorSecret,
  ShowCode,
  say,
} from '@aos/contracts';
import type { Response } from 'express';
import type { IdentifiedRequest } from '../../platform/http/access.guard.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import { RequestCtx, SignedIn } from '../../platform/http/access.js';
import type { Ctx } from '../../platform/http/context.js';
import { NoReplay } from '../../platform/http/idempotency.interceptor.js';
import { Forbidden } from '../../platform/http/problem.js';
import { AuthQueries } from './auth.queries.js';
import { BeginSecondFactor as BeginSecondFactorCommand } from './commands/begin-second-factor.js';
import { ConfirmSecondFactor } from './commands/confirm-second-factor.js';
import { RenewRecoveryCodes } from './commands/renew-recovery-codes.js';
import { TurnOffSecondFactor } from './commands/turn-off-second-factor.js';

/** One's own second factor. What is shown once is never stored as an answer. */
@ApiTags('auth')
@Controller('auth/second-factor')
export class SecondFactorController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: AuthQueries,
  ) {}

  @Get()
  @SignedIn({ beforeSecondFactor: true })
  @ApiOperation({ summary: 'Your second factor', operationId: 'getSecondFactor' })
  @ApiResponse({ status: 200, standardSchema: SecondFactor })
  async present(
    @RequestCtx() ctx: Ctx,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SecondFactor> {
    response.setHeader('cache-control', 'no-store');
    return this.queries.secondFactor(ctx);
  }

  @Post()
  @SignedIn({ beforeSecondFactor: true })
  @NoReplay()
  @ApiOperation({
    summary: 'Begin to set up a second factor; this answer alone shows its secret',
    operationId: 'beginSecondFactor',
  })
  @ApiResponse({ status: 201, standardSchema: SecondFactorSecret })
  async begin(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Body({ schema: BeginSecondFactor }) body: BeginSecondFactor,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SecondFactorSecret> {
    const sessionId = sessionOf(request);
    response.setHeader('cache-control', 'no-store');
    return this.commands.execute(
      new BeginSecondFactorCommand(ctx, sessionId, body.currentPassword),
    );
  }

  @Post('confirm')
  @HttpCode(200)
  @SignedIn({ beforeSecondFactor: true })
  @NoReplay()
  @ApiOperation({
    summary: 'Turn it on with a first code; your other sessions end',
    operationId: 'confirmSecondFactor',
  })
  @ApiResponse({ status: 200, standardSchema: RecoveryCodes })
  async confirm(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Body({ schema: ShowCode }) body: ShowCode,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RecoveryCodes> {
    const sessionId = sessionOf(request);
    response.setHeader('cache-control', 'no-store');
    return this.commands.execute(new ConfirmSecondFactor(ctx, sessionId, body.code));
  }

  @Post('recovery-codes')
  @HttpCode(200)
  @SignedIn()
  @NoReplay()
  @ApiOperation({
    summary: 'New recovery codes, with a code; the old ones no longer count',
    operationId: 'renewRecoveryCodes',
  })
  @ApiResponse({ status: 200, standardSchema: RecoveryCodes })
  async renew(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Body({ schema: ShowCode }) body: ShowCode,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RecoveryCodes> {
    sessionOf(request);
    response.setHeader('cache-control', 'no-store');
    return this.commands.execute(new RenewRecoveryCodes(ctx, body.code));
  }

  @Post('turn-off')
  @HttpCode(204)
  @SignedIn()
  @NoReplay()
  @ApiOperation({ summary: 'Turn it off, with a code', operationId: 'turnOffSecondFactor' })
  @ApiResponse({ status: 204, description: 'Off' })
  async turnOff(
    @RequestCtx() ctx: Ctx,
    @Req() request: IdentifiedRequest,
    @Body({ schema: ShowCode }) body: ShowCode,
  ): Promise<void> {
    sessionOf(request);
    await this.commands.execute(new TurnOffSecondFactor(ctx, body.code));
  }
}

function sessionOf({ identity }: IdentifiedRequest): string {
  if (!identity?.sessionId) throw new Forbidden(say('factor-by-token'));
  return identity.sessionId;
}
