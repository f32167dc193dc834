import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { PutRole, type Role } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { Proposals, type Proposed } from '../../proposals/index.js';
import { RoleGrants } from '../grants.js';
import { documentOf, lockOwnRole, presentRole, requireHeld } from '../own-role.js';

/** A role that is not built in, given other permissions. Whoever has it has them at once. */
export class ChangeRole extends Command<Role | Proposed> {
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
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('role.change', {
      apply: (tx, ctx, { target, base, after }) =>
        this.change(tx, ctx, target.slice('role:'.length), base!, PutRole.parse(after)),
      present: presentRole,
    });
  }

  execute({ ctx, name, base, input }: ChangeRole) {
    return this.database.transaction((tx) => this.change(tx, ctx, name, base, input));
  }

  private async change(
    tx: Tx,
    ctx: Ctx,
    name: string,
    base: number,
    input: PutRole,
  ): Promise<Role | Proposed> {
    const permissions = [...new Set(input.permissions)];
    const before = await lockOwnRole(tx, name);
    requireVersion(base, before.version);
    // Also what is taken away: a role of someone who holds more is not cut down by someone who holds less.
    requireHeld(ctx.actor, [...before.permissions, ...permissions]);
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'roles', action: 'role.change', target: `role:${name}`, base },
      ...{ before: documentOf(before), after: { description: input.description, permissions } },
    });
    if (proposed) return proposed;
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
  }
}
