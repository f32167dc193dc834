import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { NotFound } from '../../../platform/http/problem.js';
import { RoleGrants } from '../../rbac/index.js';
import { Passwords } from '../passwords.js';

/** Disabled, let in again, or given a new password. Each ends the sessions that were open. */
export class ChangePerson extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly userId: string,
    readonly change: { disabled: boolean } | { password: string },
  ) {
    super();
  }
}

@CommandHandler(ChangePerson)
export class ChangePersonHandler implements ICommandHandler<ChangePerson> {
  constructor(
    private readonly database: Database,
    private readonly passwords: Passwords,
    private readonly grants: RoleGrants,
  ) {}

  async execute({ ctx, userId, change }: ChangePerson): Promise<void> {
    const hash = 'password' in change ? await this.passwords.hash(change.password) : null;
    const disabled = 'disabled' in change ? change.disabled : null;
    await this.database.transaction(async (tx) => {
      await this.grants.requireMayManage(tx, ctx.actor, userId);
      const { rows } = await sql<{ was: boolean }>(
        tx,
        `UPDATE users u SET is_disabled = coalesce($2, u.is_disabled), password_hash = coalesce($3, u.password_hash)
           FROM users old WHERE u.id = $1 AND old.id = u.id RETURNING old.is_disabled AS was`,
        [userId, disabled, hash],
      );
      if (!rows[0]) throw new NotFound('This person');
      await this.grants.requireAnOwner(tx);
      await sql(
        tx,
        'UPDATE sessions SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL',
        [userId],
      );
      const action = hash ? 'user.password' : disabled ? 'user.disable' : 'user.enable';
      const diff = hash
        ? { password: 'changed' }
        : { before: { disabled: rows[0].was }, after: { disabled } };
      await this.grants.changed(tx, ctx, `user:${userId}`, action, diff);
    });
  }
}
