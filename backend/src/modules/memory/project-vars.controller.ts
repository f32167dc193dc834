import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  CreateProjectVar,
  PageQuery,
  PatchProjectVar,
  ProjectVar,
  ProjectVarPage,
  VarName,
} from '@aos/contracts';
import type { Response } from 'express';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { requiredVersion, setVersion } from '../../platform/http/etag.js';
import { ChangeProjectVar } from './commands/change-project-var.js';
import { CreateProjectVar as CreateProjectVarCommand } from './commands/create-project-var.js';
import { DeleteProjectVar } from './commands/delete-project-var.js';
import { ProjectVarsQueries } from './project-vars.queries.js';

/** What `${vars.name}` stands for in the steps of a project's tasks. */
@ApiTags('memory')
@Controller('projects/:id/vars')
export class ProjectVarsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: ProjectVarsQueries,
  ) {}

  @Get()
  @Allow('memory.read', { anyProject: true })
  @ApiOperation({ summary: 'Variables of a project, by name', operationId: 'listProjectVars' })
  @ApiResponse({ status: 200, standardSchema: ProjectVarPage })
  list(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Query({ schema: PageQuery }) query: PageQuery,
  ) {
    return this.queries.page(ctx, id, query);
  }

  @Post()
  @Allow('memory.write', { anyProject: true })
  @ApiOperation({ summary: 'Add a variable', operationId: 'createProjectVar' })
  @ApiResponse({ status: 201, standardSchema: ProjectVar })
  async create(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Body({ schema: CreateProjectVar }) body: CreateProjectVar,
    @Res({ passthrough: true }) response: Response,
  ) {
    const variable = await this.commands.execute(new CreateProjectVarCommand(ctx, id, body));
    setVersion(response, variable.version);
    return variable;
  }

  @Patch(':name')
  @Allow('memory.write', { anyProject: true })
  @ApiOperation({ summary: 'Change a variable', operationId: 'changeProjectVar' })
  @ApiHeader({ name: 'If-Match', required: true, description: 'Its version, as an ETag' })
  @ApiResponse({ status: 200, standardSchema: ProjectVar })
  async change(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('name', { schema: VarName }) name: string,
    @Body({ schema: PatchProjectVar }) body: PatchProjectVar,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    const variable = await this.commands.execute(
      new ChangeProjectVar(ctx, id, name, requiredVersion(request), body),
    );
    setVersion(response, variable.version);
    return variable;
  }

  @Delete(':name')
  @HttpCode(204)
  @Allow('memory.write', { anyProject: true })
  @ApiOperation({ summary: 'Delete a variable', operationId: 'deleteProjectVar' })
  @ApiResponse({ status: 204, description: 'Deleted' })
  delete(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('name', { schema: VarName }) name: string,
  ) {
    return this.commands.execute(new DeleteProjectVar(ctx, id, name));
  }
}
