import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { type Page, SaveView, SavedView, SavedViewPage, ViewsQuery } from '@aos/contracts';
import { RequestCtx, SignedIn } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { DeleteView } from './commands/delete-view.js';
import { SaveView as SaveViewCommand } from './commands/save-view.js';
import { ViewsQueries } from './views.queries.js';

/** Everybody keeps views of their own; no permission gives sight of another's. */
@ApiTags('views')
@Controller('views')
@SignedIn()
export class ViewsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: ViewsQueries,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Your saved views of lists, by name', operationId: 'listViews' })
  @ApiResponse({ status: 200, standardSchema: SavedViewPage })
  list(
    @RequestCtx() ctx: Ctx,
    @Query({ schema: ViewsQuery }) query: ViewsQuery,
  ): Promise<Page<SavedView>> {
    return this.queries.page(ctx, query);
  }

  @Post()
  @ApiOperation({
    summary: 'Keep the filters of a list under a name, or replace those under it',
    operationId: 'saveView',
  })
  @ApiResponse({ status: 201, standardSchema: SavedView })
  save(@RequestCtx() ctx: Ctx, @Body({ schema: SaveView }) body: SaveView): Promise<SavedView> {
    return this.commands.execute(new SaveViewCommand(ctx, body));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Drop a saved view', operationId: 'deleteView' })
  @ApiResponse({ status: 204 })
  delete(@RequestCtx() ctx: Ctx, @Param('id') id: string): Promise<void> {
    return this.commands.execute(new DeleteView(ctx, id));
  }
}
