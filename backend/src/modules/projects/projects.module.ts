import { Module } from '@nestjs/common';
import { ChangeProjectHandler } from './commands/change-project.js';
import { CreateProjectHandler } from './commands/create-project.js';
import { ProjectsController } from './projects.controller.js';
import { ProjectsQueries } from './projects.queries.js';

@Module({
  controllers: [ProjectsController],
  providers: [ProjectsQueries, CreateProjectHandler, ChangeProjectHandler],
})
export class ProjectsModule {}
