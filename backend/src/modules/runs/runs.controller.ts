import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  Approval,
  ApprovalPage,
  ApprovalsQuery,
  DecideRequest,
  Episode,
  EventPage,
  LogPage,
  type LogLine,
  type Page,
  PageQuery,
  RunEventsQuery,
} from '@aos/contracts';
import type { Response } from 'express';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import { markedPage } from '../../platform/http/cursor.interceptor.js';
import type { Ctx } from '../../platform/http/context.js';
import { ApprovalsQueries } from './approvals.queries.js';
import { DecideApproval } from './commands/decide-approval.js';
import { EpisodeEvents } from './episode-events.js';
import { EpisodesQueries } from './episodes.queries.js';

@ApiTags('runs')
@Controller()
export class RunsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly approvals: ApprovalsQueries,
    private readonly episodes: EpisodesQueries,
    private readonly events: EpisodeEvents,
  ) {}

  @Get('api/episodes/:traceId')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({ summary: 'Everything of one run', operationId: 'getEpisode' })
  @ApiResponse({ status: 200, standardSchema: Episode })
  episode(@RequestCtx() ctx: Ctx, @Param('traceId') traceId: string): Promise<Episode> {
    return this.episodes.get(ctx, traceId);
  }

  @Get('api/episodes/:traceId/events')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({
    summary: 'Every event of one run, the oldest first; with tail=1 live, as server-sent events',
    operationId: 'listEpisodeEvents',
  })
  @ApiResponse({ status: 200, standardSchema: EventPage })
  async episodeEvents(
    @RequestCtx() ctx: Ctx,
    @Param('traceId') traceId: string,
    @Query({ schema: RunEventsQuery }) query: RunEventsQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: AosRequest,
    @Res() response: Response,
  ): Promise<void> {
    if (query.tail !== '1') {
      const page = await this.events.page(ctx, traceId, query);
      return void response.json(markedPage(request, page));
    }
    const since = /^\d{1,15}$/.test(lastEventId ?? '') ? Number(lastEventId) : (query.since ?? 0);
    await this.events.stream(ctx, traceId, since, request, response);
  }

  @Get('api/episodes/:traceId/logs')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({
    summary: 'What was logged during one run, the oldest first',
    operationId: 'listEpisodeLogs',
  })
  @ApiResponse({ status: 200, standardSchema: LogPage })
  episodeLogs(
    @RequestCtx() ctx: Ctx,
    @Param('traceId') traceId: string,
    @Query({ schema: PageQuery }) query: PageQuery,
  ): Promise<Page<LogLine>> {
    return this.events.lines(ctx, traceId, query);
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

  @Get('agent/approvals/:id')
  @Allow('approval.read', { anyProject: true })
  @ApiOperation({ summary: 'One approval', operationId: 'getApproval' })
  @ApiResponse({ status: 200, standardSchema: Approval })
  approval(@RequestCtx() ctx: Ctx, @Param('id') id: string): Promise<Approval> {
    return this.approvals.get(ctx, id);
  }

  @Post('agent/approve')
  @HttpCode(200)
  @Allow('approval.decide', { anyProject: true })
  @ApiOperation({
    summary: 'Decide on an approval: continue, degrade or abort',
    description:
      'One vote of one person. Where `approvers` wants several, it waits on after a yes until the last of them has come; one no ends it.',
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
