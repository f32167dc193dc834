import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  AccessAnswer,
  AccessQuery,
  Binding,
  BindingPage,
  CreateBinding,
  CreateRole,
  PageQuery,
  Proposal,
  PutRole,
  Role,
  RolePage,
} from '@aos/contracts';
import type { Response } from 'express';
import { z } from 'zod';
import { Allow, type AosRequest, RequestCtx, SignedIn } from '../../platform/http/access.js';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { requiredVersion, setVersion } from '../../platform/http/etag.js';
import { orProposed } from '../proposals/index.js';
import { ChangeRole } from './commands/change-role.js';
import { CreateRole as CreateRoleCommand } from './commands/create-role.js';
import { DeleteRole } from './commands/delete-role.js';
import { GrantRole } from './commands/grant-role.js';
import { RevokeRole } from './commands/revoke-role.js';
import { RbacQueries } from './rbac.queries.js';

@ApiTags('rbac')
@Controller('rbac')
export class RbacController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: RbacQueries,
  ) {}

  @Get('roles')
  @Allow('role.read')
  @ApiOperation({ summary: 'Roles and what they hold', operationId: 'listRoles' })
  @ApiResponse({ status: 200, standardSchema: RolePage })
  roles(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.roles(query);
  }

  @Post('roles')
  @Allow('role.write')
  @ApiOperation({ summary: 'Make a role of permissions that you hold', operationId: 'createRole' })
  @ApiResponse({ status: 201, standardSchema: Role })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async createRole(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: CreateRole }) body: CreateRole,
    @Res({ passthrough: true }) response: Response,
  ) {
    return orProposed(response, await this.commands.execute(new CreateRoleCommand(ctx, body)));
  }

  @Put('roles/:name')
  @Allow('role.write')
  @ApiOperation({ summary: 'Change a role that is not built in', operationId: 'putRole' })
  @ApiHeader({ name: 'If-Match', required: true, description: 'Its version, as an ETag' })
  @ApiResponse({ status: 200, standardSchema: Role })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async changeRole(
    @RequestCtx() ctx: Ctx,
    @Param('name') name: string,
    @Req() request: AosRequest,
    @Body({ schema: PutRole }) body: PutRole,
    @Res({ passthrough: true }) response: Response,
  ) {
    const base = requiredVersion(request);
    const answer = orProposed(
      response,
      await this.commands.execute(new ChangeRole(ctx, name, base, body)),
    );
    setVersion(response, 'version' in answer ? answer.version : base);
    return answer;
  }

  @Delete('roles/:name')
  @HttpCode(204)
  @Allow('role.write')
  @ApiOperation({ summary: 'Delete a role that nobody has', operationId: 'deleteRole' })
  @ApiResponse({ status: 204, description: 'Deleted' })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async deleteRole(
    @RequestCtx() ctx: Ctx,
    @Param('name') name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return orProposed(response, await this.commands.execute(new DeleteRole(ctx, name)));
  }

  @Get('bindings')
  @Allow('role.read')
  @ApiOperation({ summary: 'Who has which role where', operationId: 'listBindings' })
  @ApiResponse({ status: 200, standardSchema: BindingPage })
  bindings(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.bindings(query);
  }

  @Post('bindings')
  @Allow('role.write', { anyProject: true })
  @ApiOperation({ summary: 'Give a person a role', operationId: 'createBinding' })
  @ApiResponse({ status: 201, standardSchema: Binding })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async createBinding(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: CreateBinding }) body: CreateBinding,
    @Res({ passthrough: true }) response: Response,
  ) {
    return orProposed(response, await this.commands.execute(new GrantRole(ctx, body)));
  }

  @Delete('bindings/:id')
  @HttpCode(204)
  @Allow('role.write', { anyProject: true })
  @ApiOperation({ summary: 'Take a role away', operationId: 'deleteBinding' })
  @ApiResponse({ status: 204, description: 'Taken away' })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async deleteBinding(
    @RequestCtx() ctx: Ctx,
    @Param('id', { schema: z.uuid() }) id: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return orProposed(response, await this.commands.execute(new RevokeRole(ctx, id)));
  }

  @Get('check')
  @SignedIn()
  @ApiOperation({ summary: 'Whether a call would be allowed, and why', operationId: 'checkAccess' })
  @ApiResponse({ status: 200, standardSchema: AccessAnswer })
  check(@RequestCtx() ctx: Ctx, @Query({ schema: AccessQuery }) query: AccessQuery) {
    return this.queries.check(ctx, query);
  }
}
