import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Database } from '../../platform/database/database.js';
import { ArtifactsModule } from '../artifacts/index.js';
import { ConfigModule } from '../config/index.js';
import { IntegrationsModule } from '../integrations/index.js';
import { JobsModule } from '../jobs/index.js';
import { MemoryModule } from '../memory/index.js';
import { ApprovalExpiry } from './approval-expiry.js';
import { ApprovalsQueries } from './approvals.queries.js';
import { prepareCheckpoints } from './checkpoints.js';
import { DecideApprovalHandler } from './commands/decide-approval.js';
import { Critic } from './critic.js';
import { RunEndings } from './ending.js';
import { EpisodeEvents } from './episode-events.js';
import { EpisodesQueries } from './episodes.queries.js';
import { Executor } from './executor.js';
import { LanguageModels } from './language-models.js';
import { ModelTrialsController } from './model-trials.controller.js';
import { Orchestrator } from './orchestrator.js';
import { PlanSubmission } from './plan-submission.js';
import { Planner } from './planner.js';
import { Reviser } from './reviser.js';
import { RunsController } from './runs.controller.js';

/** Before the first job is claimed: workers start when every module has been initialised. */
@Injectable()
class CheckpointTables implements OnModuleInit {
  constructor(private readonly database: Database) {}

  onModuleInit(): Promise<void> {
    return prepareCheckpoints(this.database);
  }
}

@Module({
  imports: [
    CqrsModule,
    ArtifactsModule,
    ConfigModule,
    IntegrationsModule,
    JobsModule,
    MemoryModule,
  ],
  controllers: [ModelTrialsController, RunsController],
  providers: [
    ApprovalExpiry,
    ApprovalsQueries,
    CheckpointTables,
    Critic,
    DecideApprovalHandler,
    EpisodeEvents,
    EpisodesQueries,
    Executor,
    LanguageModels,
    Orchestrator,
    PlanSubmission,
    Planner,
    Reviser,
    RunEndings,
  ],
  exports: [Orchestrator],
})
export class RunsModule {}
