import { Body, Controller, Get, Inject, Post, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { IssueGrant, IssuedGrant, ProtectedResource, SigningKeys } from '@aos/contracts';
import type { Request } from 'express';
import type { Environment } from '../../platform/config/environment.js';
import { Allow, Public, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { Settings } from '../config/index.js';
import { CallerAssertions } from './upstreams/caller-assertions.js';
import { IssueGrant as IssueGrantCommand } from './commands/issue-grant.js';

/** How outsiders come to the tools: what the gateway takes as a token, and grants to hand on. */
@ApiTags('integrations')
@Controller()
export class AccessController {
  constructor(
    private readonly commands: CommandBus,
    private readonly settings: Settings,
    private readonly assertions: CallerAssertions,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  @Get('.well-known/oauth-protected-resource')
  @Public()
  @ApiOperation({
    summary: 'Who signs tokens for the MCP endpoint, and which scopes there are',
    operationId: 'getProtectedResource',
  })
  @ApiResponse({ status: 200, standardSchema: ProtectedResource })
  async metadata(@Req() request: Request): Promise<ProtectedResource> {
    const { issuer, audience } = (await this.settings.system()).gateway.inbound;
    // The Host was found to be ours before the route was.
    const own = this.environment.publicUrl ?? `${request.protocol}://${request.headers.host}`;
    return {
      resource: audience ?? new URL('/mcp', own).href,
      resource_name: 'AOS',
      ...(issuer === undefined ? {} : { authorization_servers: [issuer] }),
      scopes_supported: ['tool.read', 'tool.call'],
      bearer_methods_supported: ['header'],
    };
  }

  /** For a resource with a path the well-known part comes before the path (RFC 9728, 3.1). */
  @Get('.well-known/oauth-protected-resource/mcp')
  @Public()
  @ApiOperation({
    summary: 'The same, at the place where clients of /mcp look first',
    operationId: 'getProtectedResourceOfMcp',
  })
  @ApiResponse({ status: 200, standardSchema: ProtectedResource })
  metadataOfPath(@Req() request: Request): Promise<ProtectedResource> {
    return this.metadata(request);
  }

  @Get('.well-known/jwks.json')
  @Public()
  @ApiOperation({
    summary: 'The keys by which others check what AOS says of a caller, in exchange for a token',
    operationId: 'getSigningKeys',
  })
  @ApiResponse({ status: 200, standardSchema: SigningKeys })
  keys(): Promise<SigningKeys> {
    return this.assertions.keys();
  }

  @Post('mcp/grants')
  @Allow('tool.call', { anyProject: true })
  @ApiOperation({
    summary: 'Issue a short-lived grant for some tools, with the rights that you hold',
    operationId: 'issueGrant',
  })
  @ApiResponse({ status: 201, standardSchema: IssuedGrant })
  issue(@RequestCtx() ctx: Ctx, @Body({ schema: IssueGrant }) body: IssueGrant) {
    return this.commands.execute(new IssueGrantCommand(ctx, body));
  }
}
