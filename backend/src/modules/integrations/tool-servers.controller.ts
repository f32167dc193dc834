import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  LaunchTemplateList,
  RecentCallPage,
  RecentCallsQuery,
  RegisterServer,
  ServerTrial,
  ToolActivityList,
  ToolActivityQuery,
  ToolReport,
} from '@aos/contracts';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { CallsQueries } from './calls.queries.js';
import { TryMcpServer } from './commands/try-server.js';
import { ToolReportQueries } from './tool-report.queries.js';
import { launchChoices } from './upstreams/launch-choices.js';
import { Launches } from './upstreams/launches.js';

/** How the servers do, and what a person needs to set one up. */
@ApiTags('integrations')
@Controller('mcp')
export class ToolServersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: CallsQueries,
    private readonly toolReports: ToolReportQueries,
    private readonly launches: Launches,
  ) {}

  @Get('activity')
  @Allow('tool.read', { anyProject: true })
  @ApiOperation({
    summary: 'Recent latency and errors by server; with server=, by tool of that server',
    operationId: 'listToolActivity',
  })
  @ApiResponse({ status: 200, standardSchema: ToolActivityList })
  activity(@RequestCtx() ctx: Ctx, @Query({ schema: ToolActivityQuery }) query: ToolActivityQuery) {
    return this.queries.activity(ctx, query);
  }

  @Get('tools/:server/:tool')
  @Allow('tool.read', { anyProject: true })
  @ApiOperation({
    summary:
      'One tool as it does now: recent calls, limits used, circuit and health of its server, its pinned definition',
    operationId: 'getToolReport',
  })
  @ApiResponse({ status: 200, standardSchema: ToolReport })
  tool(@RequestCtx() ctx: Ctx, @Param('server') server: string, @Param('tool') tool: string) {
    return this.toolReports.of(ctx, server, tool);
  }

  @Get('calls')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({
    summary: 'Recent calls to a server or one of its tools, the newest first',
    operationId: 'listRecentCalls',
  })
  @ApiResponse({ status: 200, standardSchema: RecentCallPage })
  calls(@RequestCtx() ctx: Ctx, @Query({ schema: RecentCallsQuery }) query: RecentCallsQuery) {
    return this.queries.recent(ctx, query);
  }

  @Get('launch-templates')
  @Allow('tool.write')
  @ApiOperation({
    summary:
      'Commands that may be started as stdio servers on this machine: all of them, at most 200',
    operationId: 'listLaunchTemplates',
  })
  @ApiResponse({ status: 200, standardSchema: LaunchTemplateList })
  async launchTemplates() {
    const items = launchChoices(this.launches.dataDir, await this.launches.packages());
    return { items, nextCursor: null };
  }

  @Post('registry/test')
  @HttpCode(200)
  @Allow('tool.write')
  @ApiOperation({
    summary: 'Connect to a server that is not registered and list its tools; nothing is kept',
    operationId: 'testNewServer',
  })
  @ApiResponse({ status: 200, standardSchema: ServerTrial })
  testNew(@RequestCtx() ctx: Ctx, @Body({ schema: RegisterServer }) body: RegisterServer) {
    return this.commands.execute(new TryMcpServer(ctx, body));
  }

  @Post('registry/:name/test')
  @HttpCode(200)
  @Allow('tool.write')
  @ApiOperation({
    summary: 'Connect to a registered server and compare its tools with what is kept',
    operationId: 'testServer',
  })
  @ApiResponse({ status: 200, standardSchema: ServerTrial })
  test(@RequestCtx() ctx: Ctx, @Param('name') name: string) {
    return this.commands.execute(new TryMcpServer(ctx, name));
  }
}
