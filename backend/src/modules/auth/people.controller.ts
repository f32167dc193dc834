import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { CreateUser, PageQuery, Person, PersonPage, SetPassword } from '@aos/contracts';
import { z } from 'zod';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { AuthQueries } from './auth.queries.js';
import { ChangePerson } from './commands/change-person.js';
import { CreatePerson } from './commands/create-person.js';
import { ResetSecondFactor } from './commands/reset-second-factor.js';

@ApiTags('rbac')
@Controller('rbac/users')
export class PeopleController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: AuthQueries,
  ) {}

  @Get()
  @Allow('user.read')
  @ApiOperation({ summary: 'People who can sign in', operationId: 'listUsers' })
  @ApiResponse({ status: 200, standardSchema: PersonPage })
  list(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.people(query);
  }

  @Post()
  @Allow('user.write')
  @ApiOperation({ summary: 'Add a person with a role', operationId: 'createUser' })
  @ApiResponse({ status: 201, standardSchema: Person })
  create(@RequestCtx() ctx: Ctx, @Body({ schema: CreateUser }) body: CreateUser) {
    return this.commands.execute(new CreatePerson(ctx, body));
  }

  @Post(':id/disable')
  @HttpCode(204)
  @Allow('user.write')
  @ApiOperation({ summary: 'Lock a person out, at once', operationId: 'disableUser' })
  @ApiResponse({ status: 204, description: 'Locked out' })
  disable(@RequestCtx() ctx: Ctx, @Param('id', { schema: z.uuid() }) id: string) {
    return this.commands.execute(new ChangePerson(ctx, id, { disabled: true }));
  }

  @Post(':id/enable')
  @HttpCode(204)
  @Allow('user.write')
  @ApiOperation({ summary: 'Let a person in again', operationId: 'enableUser' })
  @ApiResponse({ status: 204, description: 'Let in' })
  enable(@RequestCtx() ctx: Ctx, @Param('id', { schema: z.uuid() }) id: string) {
    return this.commands.execute(new ChangePerson(ctx, id, { disabled: false }));
  }

  @Post(':id/password')
  @HttpCode(204)
  @Allow('user.write')
  @ApiOperation({ summary: 'Set a password and end all sessions', operationId: 'setPassword' })
  @ApiResponse({ status: 204, description: 'Set' })
  password(
    @RequestCtx() ctx: Ctx,
    @Param('id', { schema: z.uuid() }) id: string,
    @Body({ schema: SetPassword }) body: SetPassword,
  ) {
    return this.commands.execute(new ChangePerson(ctx, id, { password: body.password }));
  }

  @Post(':id/second-factor/reset')
  @HttpCode(204)
  @Allow('user.write')
  @ApiOperation({
    summary: 'Take away the second factor of a person who lost it, and end all their sessions',
    operationId: 'resetSecondFactor',
  })
  @ApiResponse({ status: 204, description: 'Taken away' })
  resetSecondFactor(@RequestCtx() ctx: Ctx, @Param('id', { schema: z.uuid() }) id: string) {
    return this.commands.execute(new ResetSecondFactor(ctx, id));
  }
}
