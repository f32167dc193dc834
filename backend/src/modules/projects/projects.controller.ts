import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CreateProject, PageQuery, Project, ProjectPage } from '@aos/contracts';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import type { Ctx } from '../../platform/http/context.js';
import { CreateProject as CreateProjectCommand } from './commands/create-project.js';
import { ProjectsQueries } from './projects.queries.js';

@ApiTags('projects')
@Controller('projects')
export class ProjectsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: ProjectsQueries,
  ) {}

  @Get()
  @Allow('project.read', { anyProject: true })
  @ApiOperation({ summary: 'Projects that you may see', operationId: 'listProjects' })
  @ApiResponse({ status: 200, standardSchema: ProjectPage })
  list(@RequestCtx() ctx: Ctx, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.page(ctx, query);
  }

  @Post()
  @Allow('project.write')
  @ApiOperation({ summary: 'Create a project', operationId: 'createProject' })
  @ApiResponse({ status: 201, standardSchema: Project })
  create(@RequestCtx() ctx: Ctx, @Body({ schema: CreateProject }) body: CreateProject) {
    return this.commands.execute(new CreateProjectCommand(ctx, body));
  }

  @Get(':id')
  @Allow('project.read', { anyProject: true })
  @ApiOperation({ summary: 'One project', operationId: 'getProject' })
  @ApiResponse({ status: 200, standardSchema: Project })
  get(@RequestCtx() ctx: Ctx, @Param('id') id: string) {
    return this.queries.project(ctx, id);
  }
}
