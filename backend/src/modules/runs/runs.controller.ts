import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  Approval,
  ApprovalPage,
  ApprovalsQuery,
  DecideRequest,
  Episode,
  type Page,
} from '@aos/contracts';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import type { Ctx } from '../../platform/http/context.js';
import { ApprovalsQueries } from './approvals.queries.js';
import { DecideApproval } from './commands/decide-approval.js';
import { EpisodesQueries } from './episodes.queries.js';

@ApiTags('runs')
@Controller()
export class RunsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly approvals: ApprovalsQueries,
    private readonly episodes: EpisodesQueries,
  ) {}

  @Get('api/episodes/:traceId')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({ summary: 'Everything of one run', operationId: 'getEpisode' })
  @ApiResponse({ status: 200, standardSchema: Episode })
  episode(@RequestCtx() ctx: Ctx, @Param('traceId') traceId: string): Promise<Episode> {
    return this.episodes.get(ctx, traceId);
  }

  @Get('agent/approvals')
  @Allow('approval.read', { anyProject: true })
  @ApiOperation({ summary: 'List approvals, the latest first', operationId: 'listApprovals' })
  @ApiResponse({ status: 200, standardSchema: ApprovalPage })
  list(
    @RequestCtx() ctx: Ctx,
    @Query({ schema: ApprovalsQuery }) query: ApprovalsQuery,
  ): Promise<Page<Approval>> {
    return this.approvals.list(ctx, query);
  }

  @Post('agent/approve')
  @HttpCode(200)
  @Allow('approval.decide', { anyProject: true })
  @ApiOperation({
    summary: 'Decide on an approval: continue, degrade or abort',
    operationId: 'decideApproval',
  })
  @ApiResponse({ status: 200, standardSchema: Approval })
  decide(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: DecideRequest }) body: DecideRequest,
  ): Promise<Approval> {
    return this.commands.execute(new DecideApproval(ctx, body));
  }
}
