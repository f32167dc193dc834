import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ImportOpenApi, ImportServers, OpenApiImport, ServersImport } from '@aos/contracts';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { ImportOpenApi as ImportOpenApiCommand } from './commands/import-openapi.js';
import { ImportMcpServers } from './commands/import-servers.js';

/** Servers that come from documents of others. */
@ApiTags('integrations')
@Controller('mcp/registry/import')
export class ImportsController {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  @HttpCode(200)
  @Allow('tool.write')
  @ApiOperation({
    summary:
      'Take over servers from the settings of another program; with preview, tells what would come of it',
    operationId: 'importServers',
  })
  @ApiResponse({ status: 200, standardSchema: ServersImport })
  servers(@RequestCtx() ctx: Ctx, @Body({ schema: ImportServers }) body: ImportServers) {
    return this.commands.execute(new ImportMcpServers(ctx, body));
  }

  @Post('openapi')
  @HttpCode(200)
  @Allow('tool.write')
  @ApiOperation({
    summary:
      'Make a tool server of a REST service, one tool for each operation; with preview, keeps nothing',
    operationId: 'importOpenApi',
  })
  @ApiResponse({ status: 200, standardSchema: OpenApiImport })
  openApi(@RequestCtx() ctx: Ctx, @Body({ schema: ImportOpenApi }) body: ImportOpenApi) {
    return this.commands.execute(new ImportOpenApiCommand(ctx, body));
  }
}
