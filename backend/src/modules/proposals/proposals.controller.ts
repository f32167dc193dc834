import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  DecideProposal,
  Proposal,
  ProposalId,
  ProposalPage,
  ProposalsQuery,
  SecondPersonRule,
} from '@aos/contracts';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import { RequestCtx, SignedIn } from '../../platform/http/access.js';
import type { Ctx } from '../../platform/http/context.js';
import { DecideProposal as Decide } from './commands/decide-proposal.js';
import { ProposalsQueries } from './proposals.queries.js';

/** Anybody who is signed in, since each kind takes rights of its own: they are asked for with the row. */
@ApiTags('config')
@Controller('config')
export class ProposalsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: ProposalsQueries,
  ) {}

  @Get('second-person')
  @SignedIn()
  @ApiOperation({
    summary: 'Which changes a second person has to confirm',
    operationId: 'getSecondPersonRule',
  })
  @ApiResponse({ status: 200, standardSchema: SecondPersonRule })
  rule() {
    return this.queries.rule();
  }

  @Get('proposals')
  @SignedIn()
  @ApiOperation({
    summary: 'Changes that wait for a second person, and what became of others; the newest first',
    operationId: 'listProposals',
  })
  @ApiResponse({ status: 200, standardSchema: ProposalPage })
  list(@RequestCtx() ctx: Ctx, @Query({ schema: ProposalsQuery }) query: ProposalsQuery) {
    return this.queries.list(ctx, query);
  }

  @Get('proposals/:id')
  @SignedIn()
  @ApiOperation({ summary: 'One of them, with its difference', operationId: 'getProposal' })
  @ApiResponse({ status: 200, standardSchema: Proposal })
  get(@RequestCtx() ctx: Ctx, @Param('id', { schema: ProposalId }) id: string) {
    return this.queries.get(ctx, id);
  }

  @Post('proposals/:id/decide')
  @HttpCode(200)
  @SignedIn()
  @ApiOperation({
    summary: 'Confirm or refuse what somebody else proposed, or withdraw what you did',
    operationId: 'decideProposal',
  })
  @ApiResponse({ status: 200, standardSchema: Proposal })
  decide(
    @RequestCtx() ctx: Ctx,
    @Param('id', { schema: ProposalId }) id: string,
    @Body({ schema: DecideProposal }) body: DecideProposal,
  ) {
    return this.commands.execute(new Decide(ctx, id, body));
  }
}
