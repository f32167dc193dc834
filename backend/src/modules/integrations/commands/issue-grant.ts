import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { IssueGrant as Input, IssuedGrant, Permission } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Capabilities } from '../chain/capability.js';

/** A grant to hand to something that shall call a few tools, and not hold a token that can do more. */
export class IssueGrant extends Command<IssuedGrant> {
  constructor(
    readonly ctx: Ctx,
    readonly input: Input,
  ) {
    super();
  }
}

const grantable = new Set<Permission>(['tool.call', 'tool.read']);

@CommandHandler(IssueGrant)
export class IssueGrantHandler implements ICommandHandler<IssueGrant> {
  constructor(
    private readonly capabilities: Capabilities,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, input }: IssueGrant): Promise<IssuedGrant> {
    const { kind, id: holderId, name, userId, grants } = ctx.actor;
    const held = new Set(grants.map(({ permission }) => permission));
    const { tools, maxCalls, ttlSeconds } = input;
    const { token, id, expiresAt } = await this.capabilities.issue({
      holder: { kind, id: holderId, name, userId },
      rights: [...held].filter((permission) => grantable.has(permission)),
      tools,
      limits: { maxCalls },
      ttlSeconds,
    });
    // A grant whose issue is not on record is not handed out.
    await this.audit.recordAlone(ctx, {
      action: 'grant.issue',
      resource: `grant:${id}`,
      diff: { tools, maxCalls: maxCalls ?? null, expiresAt },
    });
    return { id, grant: token, expiresAt: expiresAt.toISOString() };
  }
}
