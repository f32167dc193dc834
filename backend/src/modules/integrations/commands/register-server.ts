import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { McpServerInfo, RegisterServer } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { Proposed } from '../../proposals/index.js';
import { ServerReports } from '../server-reports.js';
import { Registrations } from './registrations.js';

/**
 * Registers a tool server: connects, reads its tools and keeps their definitions. One that cannot be reached
 * is registered all the same, as unhealthy and with the reason, so that servers can be set up in any order;
 * its tools are read when it is first needed.
 */
export class RegisterMcpServer extends Command<McpServerInfo | Proposed> {
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
    private readonly registrations: Registrations,
    private readonly reports: ServerReports,
  ) {}

  async execute({ ctx, input }: RegisterMcpServer): Promise<McpServerInfo | Proposed> {
    await this.registrations.check(ctx, input);
    const answer = await this.registrations.add(ctx, [input], 'server.register');
    return answer instanceof Proposed ? answer : this.reports.of(answer[0]!);
  }
}
