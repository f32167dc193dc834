import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { McpServerInfo, RegisterServer } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import { ServerReports } from '../server-reports.js';
import { Launches } from '../upstreams/launches.js';
import { Registration } from './registration.js';
import { requireRoute, requireSecret } from './registration-checks.js';

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
    private readonly registration: Registration,
    private readonly reports: ServerReports,
    private readonly launches: Launches,
  ) {}

  async execute({ ctx, input }: RegisterMcpServer): Promise<McpServerInfo> {
    this.registration.requireName(input.name);
    await requireRoute(input, this.launches);
    await this.registration.requireEndpoint(ctx, input);
    await this.registration.requireFree(input.name);
    await requireSecret(this.database, ctx, input);
    const seen = await this.registration.look(input);
    const row = await this.database.transaction((tx) =>
      this.registration.store(tx, ctx, input, seen),
    );
    return this.reports.of(row);
  }
}
