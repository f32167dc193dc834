import { Module } from '@nestjs/common';
import { IntegrationsModule } from '../integrations/index.js';
import { JobsModule } from '../jobs/index.js';
import { ProposalsModule } from '../proposals/index.js';
import { AgentLog } from './agent-log.js';
import { AgentRuns } from './agent-runs.js';
import { AgentServer } from './agent-server.js';
import { AgentStandingsController, AgentsController } from './agents.controller.js';
import { AgentsQueries } from './agents.queries.js';
import { AgentsRepository } from './agents.repository.js';
import { ChangeAgentHandler } from './commands/change-agent.js';
import { CreateAgentHandler } from './commands/create-agent.js';
import { OrderAgentHandler } from './commands/order-agent.js';
import { RegisterAgentHandler } from './commands/register-agent.js';
import { ReleaseAgentHandler } from './commands/release-agent.js';
import { ScaleAgentHandler } from './commands/scale-agent.js';
import { UnregisterAgentHandler } from './commands/unregister-agent.js';

@Module({
  imports: [IntegrationsModule, JobsModule, ProposalsModule],
  controllers: [AgentsController, AgentStandingsController],
  providers: [
    AgentLog,
    AgentRuns,
    AgentServer,
    AgentsQueries,
    AgentsRepository,
    ChangeAgentHandler,
    CreateAgentHandler,
    OrderAgentHandler,
    RegisterAgentHandler,
    ReleaseAgentHandler,
    ScaleAgentHandler,
    UnregisterAgentHandler,
  ],
  exports: [AgentLog, AgentRuns],
})
export class AgentsModule {}
