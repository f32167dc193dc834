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
  ConfigPreview,
  ConfigVersionPage,
  Id,
  Installation,
  PageQuery,
  Proposal,
  PutRuntimeConfig,
  PutSecret,
  RuntimeConfig,
  SecretInfo,
  SystemConfig,
  SystemConfigAnswer,
} from '@aos/contracts';
import type { Response } from 'express';
import { z } from 'zod';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import { ClientAddress } from '../../platform/http/client-address.js';
import type { Ctx } from '../../platform/http/context.js';
import {
  TakesIfMatch,
  requiredTag,
  requiredVersion,
  setVersion,
} from '../../platform/http/etag.js';
import { orProposed } from '../proposals/index.js';
import { DeleteSecret } from './commands/delete-secret.js';
import { PutSecret as PutSecretCommand } from './commands/put-secret.js';
import { SaveRuntimeConfig } from './commands/save-runtime-config.js';
import { SaveSystemConfig, toAnswer } from './commands/save-system-config.js';
import { ConfigQueries } from './config.queries.js';
import { InstallationFacts } from './installation.js';
import { Settings } from './settings.js';

const SaveQuery = z.strictObject({ comment: z.string().trim().max(500).default('') });
type SaveQuery = z.infer<typeof SaveQuery>;
const SecretQuery = z.strictObject({ projectId: Id.optional() });
type SecretQuery = z.infer<typeof SecretQuery>;

/** With a registry of its own it names no parts, and stands there whole instead of as a reference. */
const settingsSchema = z.toJSONSchema(SystemConfig, { io: 'input', metadata: z.registry() });

@ApiTags('config')
@Controller('config')
export class ConfigController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: ConfigQueries,
    private readonly settings: Settings,
    private readonly installation: InstallationFacts,
    private readonly client: ClientAddress,
  ) {}

  @Get('system')
  @Allow('config.read')
  @ApiOperation({ summary: 'The settings; ETag is their version', operationId: 'getSystemConfig' })
  @ApiResponse({ status: 200, standardSchema: SystemConfigAnswer })
  async system(@Res({ passthrough: true }) response: Response): Promise<SystemConfigAnswer> {
    const stored = await this.settings.stored();
    setVersion(response, stored.version);
    return toAnswer(stored);
  }

  @Put('system')
  @Allow('config.write')
  @ApiOperation({ summary: 'Save the settings as a new version', operationId: 'putSystemConfig' })
  @TakesIfMatch()
  @ApiResponse({ status: 200, standardSchema: SystemConfigAnswer })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async saveSystem(
    @RequestCtx() ctx: Ctx,
    @Req() request: AosRequest,
    @Body({ schema: SystemConfig }) body: SystemConfig,
    @Query({ schema: SaveQuery }) { comment }: SaveQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SystemConfigAnswer | Proposal> {
    const base = requiredVersion(request);
    const answer = orProposed(
      response,
      await this.commands.execute(new SaveSystemConfig(ctx, body, base, comment)),
    );
    setVersion(response, 'version' in answer ? answer.version : base);
    return answer;
  }

  @Post('system/preview')
  @HttpCode(200)
  @Allow('config.read')
  @ApiOperation({ summary: 'What saving would change', operationId: 'previewSystemConfig' })
  @ApiResponse({ status: 200, standardSchema: ConfigPreview })
  preview(@Req() request: AosRequest, @Body({ schema: SystemConfig }) body: SystemConfig) {
    return this.queries.preview(body, {
      address: request.ctx.ip,
      ignoresProxy: this.client.ignoresHeaderOf(request),
    });
  }

  @Get('system/schema')
  @Allow('config.read')
  @ApiOperation({
    summary: 'What settings there are, as JSON Schema: forms are made from it',
    operationId: 'getSystemConfigSchema',
  })
  @ApiResponse({ status: 200, description: 'JSON Schema', schema: { type: 'object' } })
  schema() {
    return settingsSchema;
  }

  @Get('system/history')
  @Allow('config.read')
  @ApiOperation({
    summary: 'Versions of the settings, newest first',
    operationId: 'listSystemConfigHistory',
  })
  @ApiResponse({ status: 200, standardSchema: ConfigVersionPage })
  history(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.history(query);
  }

  @Get('installation')
  @Allow('config.read')
  @ApiOperation({
    summary: 'What was decided when the process was started',
    operationId: 'getInstallation',
  })
  @ApiResponse({ status: 200, standardSchema: Installation })
  present() {
    return this.installation.describe();
  }

  @Get('runtime')
  @Allow('secret.read', { anyProject: true })
  @ApiOperation({
    summary: 'Names of secrets and variables, never a value; ETag is of the names',
    operationId: 'getRuntimeConfig',
  })
  @ApiResponse({ status: 200, standardSchema: RuntimeConfig })
  async runtime(
    @RequestCtx() ctx: Ctx,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RuntimeConfig> {
    const { tag, config } = await this.queries.runtime(ctx);
    setVersion(response, tag);
    return config;
  }

  @Put('runtime')
  @Allow('secret.write', { anyProject: true })
  @ApiOperation({
    summary: 'Say which secrets there are and what for, also before they have a value',
    operationId: 'putRuntimeConfig',
  })
  @TakesIfMatch()
  @ApiResponse({ status: 200, standardSchema: RuntimeConfig })
  async saveRuntime(
    @RequestCtx() ctx: Ctx,
    @Req() request: AosRequest,
    @Body({ schema: PutRuntimeConfig }) body: PutRuntimeConfig,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RuntimeConfig> {
    await this.commands.execute(new SaveRuntimeConfig(ctx, body, requiredTag(request)));
    return this.runtime(ctx, response);
  }

  @Put('runtime/secrets/:name')
  @Allow('secret.write', { anyProject: true })
  @ApiOperation({ summary: 'Add or rotate a secret', operationId: 'putSecret' })
  @ApiParam({ name: 'name', schema: { type: 'string', pattern: '^[A-Z][A-Z0-9_]{0,127}$' } })
  @ApiResponse({ status: 200, standardSchema: SecretInfo })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async putSecret(
    @RequestCtx() ctx: Ctx,
    @Param('name') name: string,
    @Body({ schema: PutSecret }) body: PutSecret,
    @Res({ passthrough: true }) response: Response,
  ) {
    const answer = await this.commands.execute(new PutSecretCommand(ctx, name, body));
    return orProposed(response, answer);
  }

  @Delete('runtime/secrets/:name')
  @HttpCode(204)
  @Allow('secret.write', { anyProject: true })
  @ApiOperation({ summary: 'Delete a secret', operationId: 'deleteSecret' })
  @ApiResponse({ status: 204, description: 'Deleted' })
  @ApiResponse({ status: 202, description: 'Waits for a second person', standardSchema: Proposal })
  async deleteSecret(
    @RequestCtx() ctx: Ctx,
    @Param('name') name: string,
    @Query({ schema: SecretQuery }) query: SecretQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    const answer = await this.commands.execute(
      new DeleteSecret(ctx, name, query.projectId ?? null),
    );
    return orProposed(response, answer);
  }
}
