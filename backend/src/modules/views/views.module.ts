import { Module } from '@nestjs/common';
import { DeleteViewHandler } from './commands/delete-view.js';
import { SaveViewHandler } from './commands/save-view.js';
import { ViewsController } from './views.controller.js';
import { ViewsQueries } from './views.queries.js';

@Module({
  controllers: [ViewsController],
  providers: [ViewsQueries, SaveViewHandler, DeleteViewHandler],
})
export class ViewsModule {}
