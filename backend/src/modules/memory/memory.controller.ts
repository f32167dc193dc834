import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  CreateMemoryItem,
  MemoryItem,
  MemoryItemPage,
  MemoryItemQuery,
  MemorySearchAnswer,
  MemorySearchQuery,
  PatchMemoryItem,
  Profile,
  ProfileAnswer,
} from '@aos/contracts';
import type { Response } from 'express';
import { z } from 'zod';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { requiredVersion, setVersion } from '../../platform/http/etag.js';
import { ChangeMemoryItem } from './commands/change-memory-item.js';
import { CreateMemoryItem as CreateMemoryItemCommand } from './commands/create-memory-item.js';
import { DeleteMemoryItem } from './commands/delete-memory-item.js';
import { SaveProfile } from './commands/save-profile.js';
import { MemoryQueries } from './memory.queries.js';

const ItemId = z.string().regex(/^\d{1,18}$/);

@ApiTags('memory')
@Controller('memory')
export class MemoryController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: MemoryQueries,
  ) {}

  @Get('items')
  @Allow('memory.read', { anyProject: true })
  @ApiOperation({ summary: 'What is remembered, newest first', operationId: 'listMemory' })
  @ApiResponse({ status: 200, standardSchema: MemoryItemPage })
  list(@RequestCtx() ctx: Ctx, @Query({ schema: MemoryItemQuery }) query: MemoryItemQuery) {
    return this.queries.page(ctx, query);
  }

  @Post('items')
  @Allow('memory.write', { anyProject: true })
  @ApiOperation({ summary: 'Remember something', operationId: 'createMemory' })
  @ApiResponse({ status: 201, standardSchema: MemoryItem })
  async create(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: CreateMemoryItem }) body: CreateMemoryItem,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.commands.execute(new CreateMemoryItemCommand(ctx, body)));
  }

  @Get('items/:id')
  @Allow('memory.read', { anyProject: true })
  @ApiOperation({ summary: 'One item; ETag is its version', operationId: 'getMemory' })
  @ApiResponse({ status: 200, standardSchema: MemoryItem })
  async get(
    @RequestCtx() ctx: Ctx,
    @Param('id', { schema: ItemId }) id: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(response, await this.queries.item(ctx, id));
  }

  @Patch('items/:id')
  @Allow('memory.write', { anyProject: true })
  @ApiOperation({ summary: 'Change an item', operationId: 'changeMemory' })
  @ApiHeader({ name: 'If-Match', required: true, description: 'The ETag that was read' })
  @ApiResponse({ status: 200, standardSchema: MemoryItem })
  async change(
    @RequestCtx() ctx: Ctx,
    @Param('id', { schema: ItemId }) id: string,
    @Body({ schema: PatchMemoryItem }) body: PatchMemoryItem,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(
      response,
      await this.commands.execute(new ChangeMemoryItem(ctx, id, requiredVersion(request), body)),
    );
  }

  @Delete('items/:id')
  @HttpCode(204)
  @Allow('memory.write', { anyProject: true })
  @ApiOperation({ summary: 'Forget an item', operationId: 'deleteMemory' })
  @ApiResponse({ status: 204, description: 'Forgotten' })
  delete(@RequestCtx() ctx: Ctx, @Param('id', { schema: ItemId }) id: string) {
    return this.commands.execute(new DeleteMemoryItem(ctx, id));
  }

  @Get('search')
  @Allow('memory.read', { anyProject: true })
  @ApiOperation({
    summary:
      'Items that hold the words of a query, in any language, and those nearest to it in meaning',
    operationId: 'searchMemory',
  })
  @ApiResponse({ status: 200, standardSchema: MemorySearchAnswer })
  search(@RequestCtx() ctx: Ctx, @Query({ schema: MemorySearchQuery }) query: MemorySearchQuery) {
    return this.queries.search(ctx, query);
  }

  @Get('profile')
  @Allow('memory.read', { anyProject: true })
  @ApiOperation({ summary: 'Your own profile; ETag is its version', operationId: 'getProfile' })
  @ApiResponse({ status: 200, standardSchema: ProfileAnswer })
  async profile(@RequestCtx() ctx: Ctx, @Res({ passthrough: true }) response: Response) {
    return versioned(response, await this.queries.profile(ctx));
  }

  @Put('profile')
  @Allow('memory.write', { anyProject: true })
  @ApiOperation({ summary: 'Save your own profile', operationId: 'putProfile' })
  @ApiHeader({ name: 'If-Match', required: true, description: 'The ETag that was read' })
  @ApiResponse({ status: 200, standardSchema: ProfileAnswer })
  async saveProfile(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: Profile }) body: Profile,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ) {
    return versioned(
      response,
      await this.commands.execute(new SaveProfile(ctx, requiredVersion(request), body)),
    );
  }
}

function versioned<T extends { version: number }>(response: Response, answer: T): T {
  setVersion(response, answer.version);
  return answer;
}
