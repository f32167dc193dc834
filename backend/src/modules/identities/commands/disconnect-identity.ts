import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, NotFound } from '../../../platform/http/problem.js';
import { mayUsePassword } from '../../auth/index.js';
import { RoleGrants } from '../../rbac/index.js';

/** One's own, as long as another way in is left. The roles that it gave go with it, and the other sessions that it opened. */
export class DisconnectIdentity extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly identityId: string,
    readonly sessionId: string | null,
  ) {
    super();
  }
}

@CommandHandler(DisconnectIdentity)
export class DisconnectIdentityHandler implements ICommandHandler<DisconnectIdentity> {
  constructor(
    private readonly database: Database,
    private readonly grants: RoleGrants,
  ) {}

  async execute({ ctx, identityId, sessionId }: DisconnectIdentity): Promise<void> {
    const userId = ctx.actor.userId!;
    await this.database.transaction(async (tx) => {
      // Two that are given up at once do not each count on the other.
      await sql(tx, 'SELECT 1 FROM identities WHERE user_id = $1 ORDER BY id FOR UPDATE', [userId]);
      const { rows } = await sql<{ provider: string; issuer: string; may_go: boolean }>(
        tx,
        `SELECT i.provider, i.issuer,
                u.password_hash IS NOT NULL AND ${mayUsePassword}
                OR EXISTS (SELECT FROM identities o WHERE o.user_id = u.id AND o.id <> i.id) AS may_go
           FROM identities i JOIN users u ON u.id = i.user_id WHERE i.id = $1 AND u.id = $2 FOR UPDATE OF i`,
        [identityId, userId],
      );
      const row = rows[0];
      if (!row) throw new NotFound('This identity');
      if (!row.may_go) throw new AosError('conflict', say('identity-last'));
      const givenBy = `identity:${identityId}`;
      const isLastOwner = await this.grants.keepInStep(tx, ctx, { userId, givenBy }, []);
      if (isLastOwner) await this.grants.requireAnOwner(tx, null);
      await sql(tx, 'DELETE FROM identities WHERE id = $1', [identityId]);
      const { count: sessionsEnded } = await sql(
        tx,
        `UPDATE sessions SET revoked_at = now() WHERE identity_id = $1 AND id IS DISTINCT FROM $2::uuid
            AND revoked_at IS NULL`,
        [identityId, sessionId],
      );
      await this.grants.changed(tx, ctx, `user:${userId}`, 'identity.disconnect', {
        ...{ identity: identityId, provider: row.provider, issuer: row.issuer, sessionsEnded },
      });
    });
  }
}
