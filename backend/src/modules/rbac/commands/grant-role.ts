import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Binding, CreateBinding } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import type { Proposed } from '../../proposals/index.js';
import { RoleGrants } from '../grants.js';

export class GrantRole extends Command<Binding | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly input: CreateBinding,
  ) {
    super();
  }
}

@CommandHandler(GrantRole)
export class GrantRoleHandler implements ICommandHandler<GrantRole> {
  constructor(
    private readonly database: Database,
    private readonly grants: RoleGrants,
  ) {}

  execute({ ctx, input }: GrantRole): Promise<Binding | Proposed> {
    return this.database.transaction((tx) => this.grants.grant(tx, ctx, input));
  }
}
