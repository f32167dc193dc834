import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { RoleGrants } from '../grants.js';
import { lockOwnRole, requireHeld } from '../own-role.js';
import { RoleInUse } from '../rbac.errors.js';

export class DeleteRole extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly name: string,
  ) {
    super();
  }
}

@CommandHandler(DeleteRole)
export class DeleteRoleHandler implements ICommandHandler<DeleteRole> {
  constructor(
    private readonly database: Database,
    private readonly grants: RoleGrants,
  ) {}

  execute({ ctx, name }: DeleteRole): Promise<void> {
    return this.database.transaction(async (tx) => {
      const before = await lockOwnRole(tx, name);
      requireHeld(ctx.actor, before.permissions);
      const { rows } = await sql(tx, 'SELECT 1 FROM role_bindings WHERE role = $1 LIMIT 1', [name]);
      if (rows.length > 0) throw new RoleInUse(name);
      await sql(tx, 'DELETE FROM roles WHERE name = $1', [name]);
      await this.grants.changed(tx, ctx, `role:${name}`, 'role.delete', { before, after: null });
    });
  }
}
