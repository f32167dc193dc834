import { Module } from '@nestjs/common';
import { DecideProposalHandler } from './commands/decide-proposal.js';
import { ProposalsController } from './proposals.controller.js';
import { Proposals } from './proposals.js';
import { ProposalsQueries } from './proposals.queries.js';

@Module({
  controllers: [ProposalsController],
  providers: [Proposals, ProposalsQueries, DecideProposalHandler],
  exports: [Proposals],
})
export class ProposalsModule {}
