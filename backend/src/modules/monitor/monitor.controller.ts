import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { LogPage, LogsQuery, TraceDetail, TracePage, TracesQuery } from '@aos/contracts';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import type { Ctx } from '../../platform/http/context.js';
import { MonitorQueries } from './monitor.queries.js';

@ApiTags('monitor')
@Controller('monitor')
export class MonitorController {
  constructor(private readonly queries: MonitorQueries) {}

  @Get('traces')
  @Allow('monitor.read', { anyProject: true })
  @ApiOperation({ summary: 'Runs by start, the newest first', operationId: 'listTraces' })
  @ApiResponse({ status: 200, standardSchema: TracePage })
  traces(@RequestCtx() ctx: Ctx, @Query({ schema: TracesQuery }) query: TracesQuery) {
    return this.queries.traces(ctx, query);
  }

  @Get('traces/:id')
  @Allow('monitor.read', { anyProject: true })
  @ApiOperation({
    summary: 'One trace with its spans, in the order in which they began',
    operationId: 'getTrace',
  })
  @ApiResponse({ status: 200, standardSchema: TraceDetail })
  trace(@RequestCtx() ctx: Ctx, @Param('id') id: string) {
    return this.queries.trace(ctx, id);
  }

  @Get('logs')
  @Allow('monitor.read', { anyProject: true })
  @ApiOperation({ summary: 'Log lines, the newest first', operationId: 'listLogs' })
  @ApiResponse({ status: 200, standardSchema: LogPage })
  logs(@RequestCtx() ctx: Ctx, @Query({ schema: LogsQuery }) query: LogsQuery) {
    return this.queries.logs(ctx, query);
  }
}
