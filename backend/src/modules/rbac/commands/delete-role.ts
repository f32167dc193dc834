import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Proposals, type Proposed } from '../../proposals/index.js';
import { RoleGrants } from '../grants.js';
import { documentOf, lockOwnRole, presentRole, requireHeld } from '../own-role.js';
import { RoleInUse } from '../rbac.errors.js';

export class DeleteRole extends Command<void | Proposed> {
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
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('role.delete', {
      apply: (tx, ctx, { target }) => this.delete(tx, ctx, target.slice('role:'.length)),
      present: presentRole,
    });
  }

  execute({ ctx, name }: DeleteRole) {
    return this.database.transaction((tx) => this.delete(tx, ctx, name));
  }

  private async delete(tx: Tx, ctx: Ctx, name: string): Promise<void | Proposed> {
    const before = await lockOwnRole(tx, name);
    requireHeld(ctx.actor, before.permissions);
    const { rows } = await sql(tx, 'SELECT 1 FROM role_bindings WHERE role = $1 LIMIT 1', [name]);
    if (rows.length > 0) throw new RoleInUse(name);
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'roles', action: 'role.delete', target: `role:${name}`, base: before.version },
      ...{ before: documentOf(before), after: null },
    });
    if (proposed) return proposed;
    await sql(tx, 'DELETE FROM roles WHERE name = $1', [name]);
    await this.grants.changed(tx, ctx, `role:${name}`, 'role.delete', { before, after: null });
  }
}
