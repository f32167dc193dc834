import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  CallAnswer,
  CallTool,
  McpServerInfo,
  McpServerPage,
  McpToolPage,
  PageQuery,
  PatchServer,
  RegisterServer,
} from '@aos/contracts';
import type { Response } from 'express';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import type { Ctx } from '../../platform/http/context.js';
import { TakesIfMatch, requiredVersion, setVersion } from '../../platform/http/etag.js';
import { AosError } from '../../platform/http/problem.js';
import { ChangeMcpServer } from './commands/change-server.js';
import { RegisterMcpServer } from './commands/register-server.js';
import { RemoveMcpServer } from './commands/remove-server.js';
import { Gateway, toAnswer } from './gateway.js';
import { RegistryQueries, ToolsQuery } from './registry.queries.js';

@ApiTags('integrations')
@Controller('mcp')
export class IntegrationsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: RegistryQueries,
    private readonly gateway: Gateway,
  ) {}

  @Get('registry')
  @Allow('tool.read', { anyProject: true })
  @ApiOperation({ summary: 'Registered tool servers, by name', operationId: 'listServers' })
  @ApiResponse({ status: 200, standardSchema: McpServerPage })
  servers(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.servers(query);
  }

  @Get('registry/:name')
  @Allow('tool.read', { anyProject: true })
  @ApiOperation({ summary: 'One tool server', operationId: 'getServer' })
  @ApiResponse({ status: 200, standardSchema: McpServerInfo })
  async server(@Param('name') name: string, @Res({ passthrough: true }) response: Response) {
    return versioned(response, await this.queries.server(name));
  }

  @Post('registry')
  @Allow('tool.write')
  @ApiOperation({
    summary: 'Register a tool server; one that cannot be reached is registered as unhealthy',
    operationId: 'registerServer',
  })
  @ApiResponse({ status: 201, standardSchema: McpServerInfo })
  async register(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: RegisterServer }) body: RegisterServer,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.commands.execute(new RegisterMcpServer(ctx, body)));
  }

  @Patch('registry/:name')
  @TakesIfMatch()
  @Allow('tool.write')
  @ApiOperation({ summary: 'Change a tool server', operationId: 'changeServer' })
  @ApiResponse({ status: 200, standardSchema: McpServerInfo })
  async change(
    @RequestCtx() ctx: Ctx,
    @Param('name') name: string,
    @Body({ schema: PatchServer }) body: PatchServer,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    const command = new ChangeMcpServer(ctx, name, requiredVersion(request), body);
    return versioned(response, await this.commands.execute(command));
  }

  @Delete('registry/:name')
  @HttpCode(204)
  @TakesIfMatch({ required: false })
  @Allow('tool.write')
  @ApiOperation({ summary: 'Remove a tool server', operationId: 'removeServer' })
  @ApiResponse({ status: 204, description: 'It is gone' })
  async remove(
    @RequestCtx() ctx: Ctx,
    @Param('name') name: string,
    @Req() request: AosRequest,
  ): Promise<void> {
    const version =
      request.headers['if-match'] === undefined ? undefined : requiredVersion(request);
    await this.commands.execute(new RemoveMcpServer(ctx, name, version));
  }

  @Get('tools')
  @Allow('tool.read', { anyProject: true })
  @ApiOperation({ summary: 'Tools of all servers that are switched on', operationId: 'listTools' })
  @ApiResponse({ status: 200, standardSchema: McpToolPage })
  tools(@Query({ schema: ToolsQuery }) query: ToolsQuery) {
    return this.queries.tools(query);
  }

  @Post('call')
  @HttpCode(200)
  @Allow('tool.call')
  @ApiOperation({ summary: 'Call a tool through the gateway', operationId: 'callTool' })
  @ApiResponse({ status: 200, standardSchema: CallAnswer })
  async call(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: CallTool }) body: CallTool,
  ): Promise<CallAnswer> {
    // A grant narrows what a call may do; taking no notice of one would widen it.
    if (body.caps !== undefined)
      throw new AosError('validation_failed', 'Capability grants are not taken by this version.', {
        errors: [{ path: 'caps', message: 'is not taken by this version' }],
      });
    const call = { server: body.server, tool: body.tool, args: body.args };
    if (!body.dryRun) return toAnswer(await this.gateway.call(ctx, call), ctx.traceId);
    const structuredContent = await this.gateway.dryRun(ctx, call);
    const text = `${body.server}.${body.tool} would be called.`;
    return {
      callId: '',
      traceId: ctx.traceId,
      isError: false,
      content: [{ type: 'text', text }],
      structuredContent,
      durationMs: 0,
    };
  }
}

function versioned(response: Response, server: McpServerInfo): McpServerInfo {
  setVersion(response, server.version);
  return server;
}
