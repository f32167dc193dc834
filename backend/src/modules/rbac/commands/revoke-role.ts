import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import type { Proposed } from '../../proposals/index.js';
import { RoleGrants } from '../grants.js';

export class RevokeRole extends Command<void | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly bindingId: string,
  ) {
    super();
  }
}

@CommandHandler(RevokeRole)
export class RevokeRoleHandler implements ICommandHandler<RevokeRole> {
  constructor(
    private readonly database: Database,
    private readonly grants: RoleGrants,
  ) {}

  execute({ ctx, bindingId }: RevokeRole): Promise<void | Proposed> {
    return this.database.transaction((tx) => this.grants.revoke(tx, ctx, bindingId));
  }
}
