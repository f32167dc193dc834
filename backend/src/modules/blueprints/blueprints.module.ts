import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { JobsModule } from '../jobs/index.js';
import { BlueprintChecks } from './blueprint-checks.js';
import { BlueprintVersions } from './blueprint-versions.js';
import { BlueprintsController } from './blueprints.controller.js';
import { BlueprintsQueries } from './blueprints.queries.js';
import { BlueprintsRepository } from './blueprints.repository.js';
import { ChangeBlueprintHandler } from './commands/change-blueprint.js';
import { CreateBlueprintHandler } from './commands/create-blueprint.js';
import { DeleteBlueprintHandler } from './commands/delete-blueprint.js';
import { RestoreBlueprintHandler } from './commands/restore-blueprint.js';
import { RunBlueprintHandler } from './commands/run-blueprint.js';

@Module({
  imports: [CqrsModule, JobsModule],
  controllers: [BlueprintsController],
  providers: [
    BlueprintChecks,
    BlueprintVersions,
    BlueprintsQueries,
    BlueprintsRepository,
    ChangeBlueprintHandler,
    CreateBlueprintHandler,
    DeleteBlueprintHandler,
    RestoreBlueprintHandler,
    RunBlueprintHandler,
  ],
})
export class BlueprintsModule {}
