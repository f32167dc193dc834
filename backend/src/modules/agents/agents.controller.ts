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
  Agent,
  AgentPage,
  AgentStandingPage,
  AgentStats,
  AgentTemplatePage,
  AgentVersionPage,
  CreateAgent as CreateAgentBody,
  LogPage,
  PageQuery,
  PatchAgent,
  Proposal,
  ReleaseAgent as ReleaseAgentBody,
  ScaleAgent as ScaleAgentBody,
} from '@aos/contracts';
import type { Response } from 'express';
import { z } from 'zod';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import { markedPage } from '../../platform/http/cursor.interceptor.js';
import type { Ctx } from '../../platform/http/context.js';
import { TakesIfMatch, requiredVersion, setVersion } from '../../platform/http/etag.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { Proposed, orProposed } from '../proposals/index.js';
import { AgentLog } from './agent-log.js';
import { AgentsQueries } from './agents.queries.js';
import { type AgentRow, AgentsRepository, toAgent } from './agents.repository.js';
import { ChangeAgent } from './commands/change-agent.js';
import { CreateAgent } from './commands/create-agent.js';
import { OrderAgent } from './commands/order-agent.js';
import { RegisterAgent } from './commands/register-agent.js';
import { ReleaseAgent } from './commands/release-agent.js';
import { ScaleAgent } from './commands/scale-agent.js';
import { UnregisterAgent } from './commands/unregister-agent.js';
import { streamLog } from './live-log.js';
import { agentTemplates } from './templates.js';

const AgentLogsQuery = PageQuery.extend({ tail: z.enum(['0', '1']).optional() });
type AgentLogsQuery = z.infer<typeof AgentLogsQuery>;

/** Not under `/agents/`, where it would stand in the place of an agent by that name. */
@ApiTags('agents')
@Controller('agent/standing')
export class AgentStandingsController {
  constructor(private readonly queries: AgentsQueries) {}

  @Get()
  @Allow('agent.read', { anyProject: true })
  @ApiOperation({
    summary:
      'How every agent does now, in the order in which they were made, without what it is made of',
    operationId: 'listAgentStandings',
  })
  @ApiResponse({ status: 200, standardSchema: AgentStandingPage })
  list(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.standings(query);
  }
}

@ApiTags('agents')
@Controller('agents')
export class AgentsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: AgentsQueries,
    private readonly agents: AgentsRepository,
    private readonly log: AgentLog,
    private readonly wakeups: Wakeups,
  ) {}

  @Get('templates')
  @Allow('agent.read', { anyProject: true })
  @ApiOperation({ summary: 'What an agent can be made from', operationId: 'listAgentTemplates' })
  @ApiResponse({ status: 200, standardSchema: AgentTemplatePage })
  templates(@Query({ schema: PageQuery }) query: PageQuery) {
    return { items: agentTemplates.slice(0, query.limit), nextCursor: null };
  }

  @Get()
  @Allow('agent.read', { anyProject: true })
  @ApiOperation({
    summary: 'Agents, in the order in which they were made',
    operationId: 'listAgents',
  })
  @ApiResponse({ status: 200, standardSchema: AgentPage })
  list(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.list(query);
  }

  @Post()
  @Allow('agent.write')
  @ApiOperation({
    summary: 'Make an agent, from a template or from nothing',
    operationId: 'createAgent',
  })
  @ApiResponse({ status: 201, standardSchema: Agent })
  async create(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: CreateAgentBody }) body: CreateAgentBody,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.commands.execute(new CreateAgent(ctx, body)));
  }

  @Get(':id')
  @Allow('agent.read', { anyProject: true })
  @ApiOperation({ summary: 'One agent, by id or name', operationId: 'getAgent' })
  @ApiResponse({ status: 200, standardSchema: Agent })
  async get(@Param('id') id: string, @Res({ passthrough: true }) response: Response) {
    return versioned(response, await this.agents.find(id));
  }

  @Patch(':id')
  @TakesIfMatch()
  @Allow('agent.write')
  @ApiOperation({
    summary: 'Make a new version of an agent, where that changes it',
    operationId: 'changeAgent',
  })
  @ApiResponse({ status: 200, standardSchema: Agent })
  async change(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Body({ schema: PatchAgent }) body: PatchAgent,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(
      response,
      await this.commands.execute(new ChangeAgent(ctx, id, requiredVersion(request), body)),
    );
  }

  @Post(':id/start')
  @HttpCode(200)
  @Allow('agent.operate')
  @ApiOperation({ summary: 'Start an agent: it takes tasks', operationId: 'startAgent' })
  @ApiResponse({ status: 200, standardSchema: Agent })
  async start(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.commands.execute(new OrderAgent(ctx, id, 'start')));
  }

  @Post(':id/stop')
  @HttpCode(200)
  @Allow('agent.operate')
  @ApiOperation({ summary: 'Stop an agent; tasks under way end first', operationId: 'stopAgent' })
  @ApiResponse({ status: 200, standardSchema: Agent })
  async stop(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.commands.execute(new OrderAgent(ctx, id, 'stop')));
  }

  @Post(':id/scale')
  @HttpCode(200)
  @Allow('agent.operate')
  @ApiOperation({
    summary: 'Say how many tasks of an agent run at a time; those under way go on',
    operationId: 'scaleAgent',
  })
  @ApiResponse({ status: 200, standardSchema: Agent })
  async scale(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Body({ schema: ScaleAgentBody }) body: ScaleAgentBody,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.commands.execute(new ScaleAgent(ctx, id, body.replicas)));
  }

  @Post(':id/register-mcp')
  @HttpCode(200)
  @Allow('tool.write')
  @ApiOperation({ summary: 'Make an agent a tool of the gateway', operationId: 'registerAgent' })
  @ApiResponse({ status: 200, standardSchema: Agent })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async register(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return registered(response, await this.commands.execute(new RegisterAgent(ctx, id)));
  }

  @Delete(':id/register-mcp')
  @Allow('tool.write')
  @ApiOperation({ summary: 'Take an agent out of the gateway', operationId: 'unregisterAgent' })
  @ApiResponse({ status: 200, standardSchema: Agent })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async unregister(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return registered(response, await this.commands.execute(new UnregisterAgent(ctx, id)));
  }

  @Post(':id/release')
  @HttpCode(200)
  @TakesIfMatch()
  @Allow('agent.write')
  @ApiOperation({
    summary: 'Take a version of an agent into use, a newer or an older one',
    operationId: 'releaseAgent',
  })
  @ApiResponse({ status: 200, standardSchema: Agent })
  async release(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Body({ schema: ReleaseAgentBody }) body: ReleaseAgentBody,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    const command = new ReleaseAgent(ctx, id, requiredVersion(request), body);
    return versioned(response, await this.commands.execute(command));
  }

  @Get(':id/stats')
  @Allow('agent.read', { anyProject: true })
  @ApiOperation({ summary: 'How the last runs of an agent ended', operationId: 'getAgentStats' })
  @ApiResponse({ status: 200, standardSchema: AgentStats })
  async stats(@Param('id') id: string) {
    return this.queries.stats(String((await this.agents.find(id)).id));
  }

  @Get(':id/versions')
  @Allow('agent.read', { anyProject: true })
  @ApiOperation({
    summary: 'Versions of an agent, the newest first',
    operationId: 'listAgentVersions',
  })
  @ApiResponse({ status: 200, standardSchema: AgentVersionPage })
  async versions(@Param('id') id: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.versions(String((await this.agents.find(id)).id), query);
  }

  /** Lines tell of tasks in every project, so they take the permission everywhere. */
  @Get(':id/logs')
  @Allow('monitor.read')
  @ApiOperation({
    summary:
      'What an agent did, the newest first; with tail=1 live, as server-sent events, after the last 200 lines',
    operationId: 'listAgentLogs',
  })
  @ApiResponse({ status: 200, standardSchema: LogPage })
  async logs(
    @Param('id') id: string,
    @Query({ schema: AgentLogsQuery }) query: AgentLogsQuery,
    @Req() request: AosRequest,
    @Res() response: Response,
  ): Promise<void> {
    const agentId = String((await this.agents.find(id)).id);
    if (query.tail === '1') await streamLog(this.log, this.wakeups, agentId, request, response);
    else response.json(markedPage(request, await this.log.page(agentId, query)));
  }
}

function versioned(response: Response, row: AgentRow): Agent {
  setVersion(response, row.revision);
  return toAgent(row);
}

const registered = (response: Response, answer: AgentRow | Proposed): Agent | Proposal =>
  answer instanceof Proposed ? orProposed<Agent>(response, answer) : versioned(response, answer);
