import { Body, Controller, Get, HttpCode, Post, Put, Query, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  ApprovePin,
  PageQuery,
  Policies,
  PoliciesPage,
  PoliciesPreview,
  PolicyDocument,
  PreviewPolicies,
  Proposal,
  ToolPin,
  ToolPinPage,
} from '@aos/contracts';
import type { Response } from 'express';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { TakesIfMatch, requiredVersion, setVersion } from '../../platform/http/etag.js';
import { orProposed } from '../proposals/index.js';
import { ApprovePin as ApprovePinCommand } from './commands/approve-pin.js';
import { SavePolicies } from './commands/save-policies.js';
import { PinsQueries, PinsQuery } from './pins.queries.js';
import { PoliciesQueries } from './policies.queries.js';

/** What is decided before a tool is called: the rules, and the definitions that were approved. */
@ApiTags('integrations')
@Controller('mcp')
export class PoliciesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly policies: PoliciesQueries,
    private readonly pins: PinsQueries,
  ) {}

  @Get('policies')
  @Allow('tool.read', { anyProject: true })
  @ApiOperation({ summary: 'The policies; ETag is their version', operationId: 'getPolicies' })
  @ApiResponse({ status: 200, standardSchema: Policies })
  async current(@Res({ passthrough: true }) response: Response): Promise<Policies> {
    return versioned(response, await this.policies.current());
  }

  @Put('policies')
  @Allow('tool.write')
  @TakesIfMatch()
  @ApiOperation({ summary: 'Save the policies as a new version', operationId: 'putPolicies' })
  @ApiResponse({ status: 200, standardSchema: Policies })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async save(
    @RequestCtx() ctx: Ctx,
    @Req() request: AosRequest,
    @Body({ schema: PolicyDocument }) body: PolicyDocument,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Policies | Proposal> {
    const base = requiredVersion(request);
    const answer = orProposed(
      response,
      await this.commands.execute(new SavePolicies(ctx, body, base)),
    );
    setVersion(response, 'version' in answer ? answer.version : base);
    return answer;
  }

  @Get('policies/history')
  @Allow('tool.read')
  @ApiOperation({
    summary: 'Versions of the policies, the newest first',
    operationId: 'listPoliciesHistory',
  })
  @ApiResponse({ status: 200, standardSchema: PoliciesPage })
  history(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.policies.history(query);
  }

  @Post('policies/preview')
  @HttpCode(200)
  @Allow('tool.write')
  @ApiOperation({
    summary:
      'What a draft would change: the document, one call link by link, and the last calls on record',
    operationId: 'previewPolicies',
  })
  @ApiResponse({ status: 200, standardSchema: PoliciesPreview })
  preview(@RequestCtx() ctx: Ctx, @Body({ schema: PreviewPolicies }) body: PreviewPolicies) {
    return this.policies.preview(ctx, body);
  }

  @Get('pins')
  @Allow('tool.read', { anyProject: true })
  @ApiOperation({
    summary: 'Definitions of tools as they were approved, with what has changed since',
    operationId: 'listPins',
  })
  @ApiResponse({ status: 200, standardSchema: ToolPinPage })
  listPins(@Query({ schema: PinsQuery }) query: PinsQuery) {
    return this.pins.list(query);
  }

  @Post('pins/approve')
  @HttpCode(200)
  @Allow('tool.write')
  @ApiOperation({
    summary: 'Approve the definition that waits; its hash says which one was looked at',
    operationId: 'approvePin',
  })
  @ApiResponse({ status: 200, standardSchema: ToolPin })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async approve(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: ApprovePin }) body: ApprovePin,
    @Res({ passthrough: true }) response: Response,
  ) {
    return orProposed(response, await this.commands.execute(new ApprovePinCommand(ctx, body)));
  }
}

function versioned(response: Response, policies: Policies): Policies {
  setVersion(response, policies.version);
  return policies;
}
