import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CreateRole as CreateRoleInput, Role } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { AosError, Forbidden } from '../../../platform/http/problem.js';
import { RoleGrants } from '../grants.js';

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
    const missing = input.permissions.filter((permission) => !isAllowed(ctx.actor, permission));
    if (missing.length > 0)
      throw new Forbidden(
        `A role may hold what its maker holds everywhere: you lack ${missing.join(', ')}.`,
      );
    const role: Role = { ...input, permissions: [...new Set(input.permissions)], builtin: false };
    return this.database.transaction(async (tx) => {
      const { count } = await sql(
        tx,
        'INSERT INTO roles (name, description, permissions) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [role.name, role.description, role.permissions],
      );
      if (count === 0)
        throw new AosError('already_exists', `There is a role ${role.name} already.`);
      await this.grants.changed(tx, ctx, `role:${role.name}`, 'role.create', {
        before: null,
        after: role,
      });
      return role;
    });
  }
}
