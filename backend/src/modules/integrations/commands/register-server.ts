import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { McpServerInfo, RegisterServer } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import type { Environment } from '../../../platform/config/environment.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { ENVIRONMENT } from '../../../platform/platform.module.js';
import { ServerExists, ServerNameTaken } from '../integrations.errors.js';
import { type ListedTool, Registry, type ServerRow, healthOf } from '../registry.js';
import { ServerReports } from '../server-reports.js';
import { Upstreams } from '../upstreams/upstreams.js';
import type { Health } from '../upstreams/warm-client.js';
import { requireRoute, requireSecret } from './registration-checks.js';
import { registryChanged } from './registry-changed.js';

/**
 * Registers a tool server: connects, reads its tools and keeps their definitions. One that cannot be reached
 * is registered all the same, as unhealthy and with the reason, so that servers can be set up in any order;
 * its tools are read when it is first needed.
 */
export class RegisterMcpServer extends Command<McpServerInfo> {
  constructor(
    readonly ctx: Ctx,
    readonly input: RegisterServer,
  ) {
    super();
  }
}

@CommandHandler(RegisterMcpServer)
export class RegisterMcpServerHandler implements ICommandHandler<RegisterMcpServer> {
  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly upstreams: Upstreams,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly reports: ServerReports,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  async execute({ ctx, input }: RegisterMcpServer): Promise<McpServerInfo> {
    if (input.name.startsWith('agent-')) throw new ServerNameTaken(input.name);
    requireRoute(input, this.environment);
    await this.requireFree(input.name);
    await requireSecret(this.database, ctx, input);
    const route = {
      name: input.name,
      transport: input.transport,
      base_url: input.url ?? `stdio:${input.name}`,
      command: input.command ?? null,
      args: input.args ?? [],
      auth_token: input.auth?.secret ?? null,
    };
    const seen = await this.look(route);
    const row = await this.database.transaction(async (tx) => {
      await this.insert(tx, input, route, seen.health);
      await this.registry.keepTools(tx, input.name, seen.tools, ctx.traceId);
      await this.audit.record(tx, ctx, {
        action: 'registry.create',
        resource: `mcp-server:${input.name}`,
        diff: { after: { ...input, tools: seen.tools.map((tool) => tool.definition.name) } },
      });
      const how =
        seen.health.state === 'healthy'
          ? `with ${seen.tools.length} tools`
          : `but cannot be reached: ${seen.health.error}`;
      await this.outbox.append(tx, [
        registryChanged(
          ctx,
          input.name,
          'registered',
          `${input.name} was registered ${how}.`,
          seen.health.state === 'healthy',
        ),
      ]);
      return this.registry.findForChange(tx, input.name);
    });
    return this.reports.of(row);
  }

  private async requireFree(name: string): Promise<void> {
    const taken = await this.database.query('SELECT 1 FROM mcp_registry WHERE name = $1', [name]);
    if (taken.length > 0) throw new ServerExists(name);
  }

  private async look(
    route: Pick<ServerRow, 'name' | 'transport' | 'base_url' | 'command' | 'args' | 'auth_token'>,
  ): Promise<{ health: Health; tools: ListedTool[] }> {
    const began = performance.now();
    try {
      const tools = await this.registry.ask(route);
      return {
        tools,
        health: { state: 'healthy', latencyMs: Math.round(performance.now() - began) },
      };
    } catch (error) {
      await this.upstreams.close(route.name); // the first call tries anew, without the pause after this failure
      return { tools: [], health: { state: 'unhealthy', error: (error as Error).message } };
    }
  }

  private async insert(
    tx: Tx,
    input: RegisterServer,
    route: Pick<ServerRow, 'base_url' | 'command' | 'args' | 'auth_token'>,
    health: Health,
  ): Promise<void> {
    const { count } = await sql(
      tx,
      `INSERT INTO mcp_registry (name, base_url, description, capabilities, auth_token, timeout_ms, transport, command, args,
                                 idempotent_tools, use_prefix, health, limits)
       VALUES ($1, $2, $3, '{}', $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (name) DO NOTHING`,
      [
        input.name,
        route.base_url,
        input.description ?? '',
        route.auth_token,
        input.timeoutMs ?? null,
        input.transport,
        route.command,
        route.args,
        input.idempotentTools ?? [],
        input.prefix ?? true,
        JSON.stringify(healthOf(health)),
        JSON.stringify(input.limits ?? {}),
      ],
    );
    if (count === 0) throw new ServerExists(input.name);
  }
}
