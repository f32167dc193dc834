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
import {
  CallAnswer,
  CallPending,
  CallTool,
  McpServerInfo,
  McpServerPage,
  McpToolPage,
  PageQuery,
  PatchServer,
  Proposal,
  RegisterServer,
  ServerStandingPage,
} from '@aos/contracts';
import type { Response } from 'express';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { TakesIfMatch, requiredVersion, setVersion } from '../../platform/http/etag.js';
import { Proposed, orProposed } from '../proposals/index.js';
import type { GatewayCall } from './call.js';
import { CallsUnderWay, GivenUp } from './calls-under-way.js';
import { Capabilities } from './chain/capability.js';
import { ChangeMcpServer } from './commands/change-server.js';
import { RegisterMcpServer } from './commands/register-server.js';
import { RemoveMcpServer } from './commands/remove-server.js';
import { type DryRun, Gateway, toAnswer } from './gateway.js';
import { ApprovalRequired, CapabilityRefused } from './integrations.errors.js';
import { RegistryQueries, ToolsQuery } from './registry.queries.js';

@ApiTags('integrations')
@Controller('mcp')
export class IntegrationsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: RegistryQueries,
    private readonly gateway: Gateway,
    private readonly capabilities: Capabilities,
    private readonly underWay: CallsUnderWay,
  ) {}

  @Get('registry')
  @Allow('tool.read', { anyProject: true })
  @ApiOperation({ summary: 'Registered tool servers, by name', operationId: 'listServers' })
  @ApiResponse({ status: 200, standardSchema: McpServerPage })
  servers(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.servers(query);
  }

  @Get('standing')
  @Allow('tool.read', { anyProject: true })
  @ApiOperation({
    summary: 'How every tool server does now, by name, without what it was registered as',
    operationId: 'listServerStandings',
  })
  @ApiResponse({ status: 200, standardSchema: ServerStandingPage })
  standings(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.standings(query);
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
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async register(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: RegisterServer }) body: RegisterServer,
    @Res({ passthrough: true }) response: Response,
  ) {
    return changed(response, await this.commands.execute(new RegisterMcpServer(ctx, body)));
  }

  @Patch('registry/:name')
  @TakesIfMatch()
  @Allow('tool.write')
  @ApiOperation({ summary: 'Change a tool server', operationId: 'changeServer' })
  @ApiResponse({ status: 200, standardSchema: McpServerInfo })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async change(
    @RequestCtx() ctx: Ctx,
    @Param('name') name: string,
    @Body({ schema: PatchServer }) body: PatchServer,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    const command = new ChangeMcpServer(ctx, name, requiredVersion(request), body);
    return changed(response, await this.commands.execute(command));
  }

  @Delete('registry/:name')
  @HttpCode(204)
  @TakesIfMatch({ required: false })
  @Allow('tool.write')
  @ApiOperation({ summary: 'Remove a tool server', operationId: 'removeServer' })
  @ApiResponse({ status: 204, description: 'It is gone' })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async remove(
    @RequestCtx() ctx: Ctx,
    @Param('name') name: string,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    const version =
      request.headers['if-match'] === undefined ? undefined : requiredVersion(request);
    return orProposed(
      response,
      await this.commands.execute(new RemoveMcpServer(ctx, name, version)),
    );
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
  @ApiOperation({
    summary: 'Call a tool through the gateway',
    description:
      'A client that goes before it has its answer takes the call along, unless it has sent an Idempotency-Key: with that it may come back for the answer.',
    operationId: 'callTool',
  })
  @ApiResponse({ status: 200, standardSchema: CallAnswer })
  @ApiResponse({ status: 202, standardSchema: CallPending })
  async call(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: CallTool }) body: CallTool,
    @Req() { headers }: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CallAnswer | CallPending | undefined> {
    const call = await this.toCall(ctx, body);
    if (body.dryRun) return foreseen(await this.gateway.dryRun(ctx, call), ctx.traceId);
    try {
      const comesBack = headers['idempotency-key'] !== undefined;
      const result = await this.underWay.run(response, comesBack, (signal) =>
        this.gateway.call(ctx, { ...call, signal }),
      );
      return toAnswer(result, ctx.traceId);
    } catch (error) {
      if (error instanceof GivenUp && response.destroyed) return undefined; // there is nobody to be told
      if (!(error instanceof ApprovalRequired) || !error.asked) throw error;
      response.status(202);
      const { approvalId, retryHandle, expiresAt, approvers, given } = error.asked;
      return {
        status: 'approval_required',
        approvalId,
        retryHandle,
        expiresAt: expiresAt.toISOString(),
        approvers,
        given,
        detail: error.message,
        traceId: ctx.traceId,
      };
    }
  }

  private async toCall(ctx: Ctx, body: CallTool): Promise<GatewayCall> {
    const { server, tool, args, caps, approval } = body;
    const capability = caps === undefined ? undefined : await this.capabilities.verify(caps);
    // A grant narrows what its holder may do; in other hands it is worth nothing.
    const isTheirs =
      !capability ||
      capability.holder.id === ctx.actor.id ||
      (capability.holder.userId !== null && capability.holder.userId === ctx.actor.userId);
    if (!isTheirs) throw new CapabilityRefused('it was given to somebody else');
    return { server, tool, args, capability, approval };
  }
}

function foreseen(plan: DryRun, traceId: string): CallAnswer {
  const says = {
    stop: 'would not be called',
    ask: 'would be called once somebody has approved it',
    call: 'would be called',
  }[plan.outcome];
  return {
    callId: '',
    traceId,
    isError: false,
    content: [{ type: 'text', text: `${plan.tool} ${says}.` }],
    structuredContent: { ...plan },
    durationMs: 0,
  };
}

function versioned(response: Response, server: McpServerInfo): McpServerInfo {
  setVersion(response, server.version);
  return server;
}

/** With the tag of what holds now: of a proposal that of the version it was made on, if there was one. */
function changed(response: Response, answer: McpServerInfo | Proposed): McpServerInfo | Proposal {
  if (!(answer instanceof Proposed)) return versioned(response, answer);
  if (answer.proposal.baseVersion !== null) setVersion(response, answer.proposal.baseVersion);
  return orProposed<McpServerInfo>(response, answer);
}
