import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import {
  LiveLogsQuery,
  LogsQuery,
  Metrics,
  MetricsQuery,
  MonitorLogPage,
  SpanCall,
  Topology,
  TopologyQuery,
  TraceDetail,
  TracePage,
  TracesQuery,
} from '@aos/contracts';
import type { Response } from 'express';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import { GivesCursors } from '../../platform/http/cursor.interceptor.js';
import type { Ctx } from '../../platform/http/context.js';
import { Live } from './live.js';
import { LogsQueries } from './logs.queries.js';
import { MetricsQueries } from './metrics.queries.js';
import { TopologyQueries } from './topology.queries.js';
import { TracesQueries } from './traces.queries.js';

const eventStream = {
  status: 200,
  description: 'Server-sent events',
  content: { 'text/event-stream': { schema: { type: 'string' } } },
} as const;

@ApiTags('monitor')
@Controller('monitor')
export class MonitorController {
  constructor(
    private readonly metricsOf: MetricsQueries,
    private readonly tracesOf: TracesQueries,
    private readonly logsOf: LogsQueries,
    private readonly topologyOf: TopologyQueries,
    private readonly live: Live,
  ) {}

  /** Of the whole installation: it takes the permission everywhere. */
  @Get('metrics')
  @Allow('monitor.read')
  @ApiOperation({
    summary: 'Throughput, latency, errors, processes and queue over a range, and as they are now',
    operationId: 'getMetrics',
  })
  @ApiResponse({ status: 200, standardSchema: Metrics })
  metrics(@Query({ schema: MetricsQuery }) query: MetricsQuery) {
    return this.metricsOf.metrics(query.range);
  }

  @Get('metrics/live')
  @Allow('monitor.read')
  @ApiOperation({
    summary: 'As it is now, every five seconds (event `now`: the object `now` of the metrics)',
    operationId: 'streamMetrics',
  })
  @ApiResponse(eventStream)
  async metricsLive(@Req() request: AosRequest, @Res() response: Response): Promise<void> {
    await this.live.now(request, response);
  }

  @Get('traces')
  @Allow('monitor.read', { anyProject: true })
  @ApiOperation({
    summary: 'Runs by start, the newest first; a filter that finds little may answer a short page',
    operationId: 'listTraces',
  })
  @ApiResponse({ status: 200, standardSchema: TracePage })
  traces(@RequestCtx() ctx: Ctx, @Query({ schema: TracesQuery }) query: TracesQuery) {
    return this.tracesOf.traces(ctx, query);
  }

  @Get('traces/:id')
  @Allow('monitor.read', { anyProject: true })
  @ApiOperation({
    summary: 'One trace with its spans, in the order in which they began',
    operationId: 'getTrace',
  })
  @ApiResponse({ status: 200, standardSchema: TraceDetail })
  trace(@RequestCtx() ctx: Ctx, @Param('id') id: string) {
    return this.tracesOf.trace(ctx, id);
  }

  @Get('traces/:id/spans/:spanId/call')
  @Allow('monitor.read', { anyProject: true })
  @ApiOperation({
    summary: 'What the ledger has of the tool call behind a span',
    operationId: 'getSpanCall',
  })
  @ApiResponse({ status: 200, standardSchema: SpanCall })
  callOfSpan(@RequestCtx() ctx: Ctx, @Param('id') id: string, @Param('spanId') spanId: string) {
    return this.tracesOf.callOfSpan(ctx, id, spanId);
  }

  @Get('logs')
  @GivesCursors()
  @Allow('monitor.read', { anyProject: true })
  @ApiOperation({
    summary: 'Log lines, the newest or the oldest first; the cursor of any line pages on from it',
    operationId: 'listLogs',
  })
  @ApiResponse({ status: 200, standardSchema: MonitorLogPage })
  logs(@RequestCtx() ctx: Ctx, @Query({ schema: LogsQuery }) query: LogsQuery) {
    return this.logsOf.page(ctx, query);
  }

  @Get('logs/live')
  @Allow('monitor.read', { anyProject: true })
  @ApiOperation({
    summary: 'New log lines as they are written (event `lines`: an array of lines)',
    operationId: 'streamLogs',
  })
  @ApiResponse(eventStream)
  async logsLive(
    @RequestCtx() ctx: Ctx,
    @Query({ schema: LiveLogsQuery }) query: LiveLogsQuery,
    @Req() request: AosRequest,
    @Res() response: Response,
  ): Promise<void> {
    await this.live.tail(ctx, query, request, response);
  }

  @Get('topology')
  @Allow('monitor.read', { anyProject: true })
  @ApiOperation({
    summary: 'Who called whom, how often, with how many errors, from the spans of a range',
    operationId: 'getTopology',
  })
  @ApiResponse({ status: 200, standardSchema: Topology })
  topology(@RequestCtx() ctx: Ctx, @Query({ schema: TopologyQuery }) query: TopologyQuery) {
    return this.topologyOf.topology(ctx, query.range);
  }
}
