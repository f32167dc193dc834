import { Module } from '@nestjs/common';
import { ConfigModule } from '../config/index.js';
import { ChangeMemoryItemHandler } from './commands/change-memory-item.js';
import { ChangeProjectVarHandler } from './commands/change-project-var.js';
import { CreateMemoryItemHandler } from './commands/create-memory-item.js';
import { CreateProjectVarHandler } from './commands/create-project-var.js';
import { DeleteMemoryItemHandler } from './commands/delete-memory-item.js';
import { DeleteProjectVarHandler } from './commands/delete-project-var.js';
import { SaveProfileHandler } from './commands/save-profile.js';
import { Embedder } from './embedder.js';
import { Embeddings } from './embeddings.js';
import { MemoryController } from './memory.controller.js';
import { MemoryQueries } from './memory.queries.js';
import { Points } from './points.js';
import { ProjectVarsController } from './project-vars.controller.js';
import { ProjectVarsQueries } from './project-vars.queries.js';

@Module({
  imports: [ConfigModule],
  controllers: [MemoryController, ProjectVarsController],
  providers: [
    Embedder,
    Embeddings,
    MemoryQueries,
    Points,
    ProjectVarsQueries,
    CreateMemoryItemHandler,
    ChangeMemoryItemHandler,
    DeleteMemoryItemHandler,
    SaveProfileHandler,
    CreateProjectVarHandler,
    ChangeProjectVarHandler,
    DeleteProjectVarHandler,
  ],
  exports: [Embeddings, MemoryQueries],
})
export class MemoryModule {}
