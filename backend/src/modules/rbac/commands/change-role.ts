import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { PutRole, Role } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { RoleGrants } from '../grants.js';
import { lockOwnRole, requireHeld } from '../own-role.js';

/** A role that is not built in, given other permissions. Whoever has it has them at once. */
export class ChangeRole extends Command<Role> {
  constructor(
    readonly ctx: Ctx,
    readonly name: string,
    readonly base: number,
    readonly input: PutRole,
  ) {
    super();
  }
}

@CommandHandler(ChangeRole)
export class ChangeRoleHandler implements ICommandHandler<ChangeRole> {
  constructor(
    private readonly database: Database,
    private readonly grants: RoleGrants,
  ) {}

  execute({ ctx, name, base, input }: ChangeRole): Promise<Role> {
    const permissions = [...new Set(input.permissions)];
    return this.database.transaction(async (tx) => {
      const before = await lockOwnRole(tx, name);
      requireVersion(base, before.version);
      // Also what is taken away: a role of someone who holds more is not cut down by someone who holds less.
      requireHeld(ctx.actor, [...before.permissions, ...permissions]);
      await sql(
        tx,
        'UPDATE roles SET description = $2, permissions = $3, version = version + 1 WHERE name = $1',
        [name, input.description, permissions],
      );
      const after: Role = {
        ...before,
        description: input.description,
        permissions,
        version: before.version + 1,
      };
      await this.grants.changed(tx, ctx, `role:${name}`, 'role.change', { before, after });
      return after;
    });
  }
}
