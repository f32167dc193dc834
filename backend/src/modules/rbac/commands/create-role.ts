import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CreateRole as CreateRoleInput, type Role, say } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { Proposals, type Proposed } from '../../proposals/index.js';
import { RoleGrants } from '../grants.js';
import { documentOf, presentRole, requireHeld } from '../own-role.js';

export class CreateRole extends Command<Role | Proposed> {
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
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('role.create', {
      apply: (tx, ctx, { target, after }) =>
        this.create(
          tx,
          ctx,
          CreateRoleInput.parse({ name: target.slice('role:'.length), ...after }),
        ),
      present: presentRole,
    });
  }

  execute({ ctx, input }: CreateRole) {
    return this.database.transaction((tx) => this.create(tx, ctx, input));
  }

  private async create(tx: Tx, ctx: Ctx, input: CreateRoleInput): Promise<Role | Proposed> {
    requireHeld(ctx.actor, input.permissions);
    const permissions = [...new Set(input.permissions)];
    const role: Role = { ...input, permissions, builtin: false, version: 1 };
    const { rows: taken } = await sql(tx, 'SELECT 1 FROM roles WHERE name = $1', [role.name]);
    if (taken.length > 0)
      throw new AosError('already_exists', say('role-exists', { role: role.name }));
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'roles', action: 'role.create', target: `role:${role.name}`, base: null },
      ...{ before: null, after: documentOf(role) },
    });
    if (proposed) return proposed;
    const { count } = await sql(
      tx,
      'INSERT INTO roles (name, description, permissions) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [role.name, role.description, role.permissions],
    );
    if (count === 0) throw new AosError('already_exists', say('role-exists', { role: role.name }));
    await this.grants.changed(tx, ctx, `role:${role.name}`, 'role.create', {
      before: null,
      after: role,
    });
    return role;
  }
}
