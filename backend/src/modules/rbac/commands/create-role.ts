import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CreateRole as CreateRoleInput, type Role, say } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { RoleGrants } from '../grants.js';
import { requireHeld } from '../own-role.js';

export class CreateRole extends Command<Role> {
  constructor(
    readonly ctx: Ctx,
    readonly input: CreateRoleInput,
  ) {
    super();
  }
}

@CommandHandler(CreateRole)
export class CreateRoleHandler implements ICommandHandler<CreateRole> {
  constructor(
    private readonly database: Database,
    private readonly grants: RoleGrants,
  ) {}

  async execute({ ctx, input }: CreateRole): Promise<Role> {
    requireHeld(ctx.actor, input.permissions);
    const permissions = [...new Set(input.permissions)];
    const role: Role = { ...input, permissions, builtin: false, version: 1 };
    return this.database.transaction(async (tx) => {
      const { count } = await sql(
        tx,
        'INSERT INTO roles (name, description, permissions) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [role.name, role.description, role.permissions],
      );
      if (count === 0)
        throw new AosError('already_exists', say('role-exists', { role: role.name }));
      await this.grants.changed(tx, ctx, `role:${role.name}`, 'role.create', {
        before: null,
        after: role,
      });
      return role;
    });
  }
}
