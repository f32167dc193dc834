import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  ImportOpenApi,
  ImportServers,
  OpenApiImport,
  Proposal,
  ServersImport,
} from '@aos/contracts';
import type { Response } from 'express';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { orProposed } from '../proposals/index.js';
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
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async servers(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: ImportServers }) body: ImportServers,
    @Res({ passthrough: true }) response: Response,
  ) {
    return orProposed(response, await this.commands.execute(new ImportMcpServers(ctx, body)));
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
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async openApi(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: ImportOpenApi }) body: ImportOpenApi,
    @Res({ passthrough: true }) response: Response,
  ) {
    return orProposed(response, await this.commands.execute(new ImportOpenApiCommand(ctx, body)));
  }
}
