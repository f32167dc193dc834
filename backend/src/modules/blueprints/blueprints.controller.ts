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
  Blueprint,
  BlueprintDifference,
  BlueprintDifferenceQuery,
  BlueprintPage,
  BlueprintVersion,
  BlueprintVersionPage,
  CreateBlueprint,
  PageQuery,
  PatchBlueprint,
  RestoreBlueprint,
  RunAccepted,
  RunBlueprint,
} from '@aos/contracts';
import type { Response } from 'express';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { TakesIfMatch, requiredVersion, setVersion } from '../../platform/http/etag.js';
import { BlueprintsQueries } from './blueprints.queries.js';
import { ChangeBlueprint } from './commands/change-blueprint.js';
import { CreateBlueprint as CreateBlueprintCommand } from './commands/create-blueprint.js';
import { DeleteBlueprint } from './commands/delete-blueprint.js';
import { RestoreBlueprint as RestoreBlueprintCommand } from './commands/restore-blueprint.js';
import { RunBlueprint as RunBlueprintCommand } from './commands/run-blueprint.js';

/** Standard ways of work of a project: steps that a run takes, kept under a name. `:blueprint` is its id or its name. */
@ApiTags('projects')
@Controller('projects/:id/blueprints')
export class BlueprintsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: BlueprintsQueries,
  ) {}

  @Get()
  @Allow('project.read', { anyProject: true })
  @ApiOperation({ summary: 'Blueprints of a project, by name', operationId: 'listBlueprints' })
  @ApiResponse({ status: 200, standardSchema: BlueprintPage })
  list(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Query({ schema: PageQuery }) query: PageQuery,
  ) {
    return this.queries.page(ctx, id, query);
  }

  @Post()
  @Allow('project.write', { anyProject: true })
  @ApiOperation({
    summary: 'Keep steps under a name, checked as a plan is',
    operationId: 'createBlueprint',
  })
  @ApiResponse({ status: 201, standardSchema: Blueprint })
  async create(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Body({ schema: CreateBlueprint }) body: CreateBlueprint,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(
      response,
      await this.commands.execute(new CreateBlueprintCommand(ctx, id, body)),
    );
  }

  @Get(':blueprint')
  @Allow('project.read', { anyProject: true })
  @ApiOperation({
    summary: 'One blueprint, by id or name, with what a run would be refused for today',
    operationId: 'getBlueprint',
  })
  @ApiResponse({ status: 200, standardSchema: Blueprint })
  async get(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('blueprint') blueprint: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.queries.get(ctx, id, blueprint));
  }

  @Patch(':blueprint')
  @TakesIfMatch()
  @Allow('project.write', { anyProject: true })
  @ApiOperation({
    summary: 'Make a new version of a blueprint, where that changes it',
    operationId: 'changeBlueprint',
  })
  @ApiResponse({ status: 200, standardSchema: Blueprint })
  async change(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('blueprint') blueprint: string,
    @Body({ schema: PatchBlueprint }) body: PatchBlueprint,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    const command = new ChangeBlueprint(ctx, id, blueprint, requiredVersion(request), body);
    return versioned(response, await this.commands.execute(command));
  }

  @Delete(':blueprint')
  @HttpCode(204)
  @TakesIfMatch()
  @Allow('project.write', { anyProject: true })
  @ApiOperation({
    summary: 'Delete a blueprint with its versions',
    operationId: 'deleteBlueprint',
  })
  @ApiResponse({ status: 204, description: 'Deleted' })
  delete(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('blueprint') blueprint: string,
    @Req() request: AosRequest,
  ): Promise<void> {
    return this.commands.execute(new DeleteBlueprint(ctx, id, blueprint, requiredVersion(request)));
  }

  @Post(':blueprint/run')
  @HttpCode(202)
  @Allow('task.create', { anyProject: true })
  @ApiOperation({
    summary: 'Give the task that a blueprint describes, with files for its inputs',
    operationId: 'runBlueprint',
  })
  @ApiResponse({ status: 202, standardSchema: RunAccepted })
  run(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('blueprint') blueprint: string,
    @Body({ schema: RunBlueprint }) body: RunBlueprint,
  ): Promise<RunAccepted> {
    return this.commands.execute(new RunBlueprintCommand(ctx, id, blueprint, body));
  }

  @Post(':blueprint/restore')
  @HttpCode(200)
  @TakesIfMatch()
  @Allow('project.write', { anyProject: true })
  @ApiOperation({
    summary: 'Make a new version that holds what an older one held',
    operationId: 'restoreBlueprint',
  })
  @ApiResponse({ status: 200, standardSchema: Blueprint })
  async restore(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('blueprint') blueprint: string,
    @Body({ schema: RestoreBlueprint }) body: RestoreBlueprint,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    const base = requiredVersion(request);
    return versioned(
      response,
      await this.commands.execute(new RestoreBlueprintCommand(ctx, id, blueprint, base, body)),
    );
  }

  @Get(':blueprint/versions')
  @Allow('project.read', { anyProject: true })
  @ApiOperation({
    summary: 'Versions of a blueprint, the newest first',
    operationId: 'listBlueprintVersions',
  })
  @ApiResponse({ status: 200, standardSchema: BlueprintVersionPage })
  versions(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('blueprint') blueprint: string,
    @Query({ schema: PageQuery }) query: PageQuery,
  ) {
    return this.queries.versions(ctx, id, blueprint, query);
  }

  @Get(':blueprint/versions/:version')
  @Allow('project.read', { anyProject: true })
  @ApiOperation({
    summary: 'One version of a blueprint, with its steps',
    operationId: 'getBlueprintVersion',
  })
  @ApiResponse({ status: 200, standardSchema: BlueprintVersion })
  version(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('blueprint') blueprint: string,
    @Param('version') version: string,
  ) {
    return this.queries.version(ctx, id, blueprint, version);
  }

  @Get(':blueprint/versions/:version/difference')
  @Allow('project.read', { anyProject: true })
  @ApiOperation({
    summary: 'What is otherwise in another version, the present one unless `to` names one',
    operationId: 'getBlueprintDifference',
  })
  @ApiResponse({ status: 200, standardSchema: BlueprintDifference })
  difference(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Param('blueprint') blueprint: string,
    @Param('version') version: string,
    @Query({ schema: BlueprintDifferenceQuery }) { to }: BlueprintDifferenceQuery,
  ) {
    return this.queries.difference(ctx, id, blueprint, version, to);
  }
}

function versioned(response: Response, blueprint: Blueprint): Blueprint {
  setVersion(response, blueprint.version);
  return blueprint;
}
