import { Body, Controller, Get, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { CreateProject, PatchProject, Project, ProjectPage, ProjectsQuery } from '@aos/contracts';
import type { Response } from 'express';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { TakesIfMatch, requiredVersion, setVersion } from '../../platform/http/etag.js';
import { ChangeProject } from './commands/change-project.js';
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
  list(@RequestCtx() ctx: Ctx, @Query({ schema: ProjectsQuery }) query: ProjectsQuery) {
    return this.queries.page(ctx, query);
  }

  @Post()
  @Allow('project.write')
  @ApiOperation({ summary: 'Create a project', operationId: 'createProject' })
  @ApiResponse({ status: 201, standardSchema: Project })
  async create(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: CreateProject }) body: CreateProject,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.commands.execute(new CreateProjectCommand(ctx, body)));
  }

  @Get(':id')
  @Allow('project.read', { anyProject: true })
  @ApiOperation({ summary: 'One project', operationId: 'getProject' })
  @ApiResponse({ status: 200, standardSchema: Project })
  async get(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.queries.project(ctx, id));
  }

  @Patch(':id')
  @TakesIfMatch()
  @Allow('project.write', { anyProject: true })
  @ApiOperation({
    summary: 'Rename a project, describe it, archive or restore it',
    operationId: 'changeProject',
  })
  @ApiResponse({ status: 200, standardSchema: Project })
  async change(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Body({ schema: PatchProject }) body: PatchProject,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    const version = requiredVersion(request);
    return versioned(
      response,
      await this.commands.execute(new ChangeProject(ctx, id, version, body)),
    );
  }
}

function versioned(response: Response, project: Project): Project {
  setVersion(response, project.version);
  return project;
}
