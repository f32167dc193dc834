import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Profile, ProfileAnswer } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { NotFound } from '../../../platform/http/problem.js';
import { type ProfileRow, toProfile } from '../memory.queries.js';

/** One's own, always: there is no way to name another person. */
export class SaveProfile extends Command<ProfileAnswer> {
  constructor(
    readonly ctx: Ctx,
    readonly base: number,
    readonly input: Profile,
  ) {
    super();
  }
}

@CommandHandler(SaveProfile)
export class SaveProfileHandler implements ICommandHandler<SaveProfile> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  execute({ ctx, base, input }: SaveProfile): Promise<ProfileAnswer> {
    const { userId } = ctx.actor;
    if (userId === null) throw new NotFound('A profile for this caller');
    return this.database.transaction(async (tx) => {
      // The person's row is the lock: the profile may not be there yet.
      await sql(tx, 'SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [userId]);
      const { rows: present } = await sql<ProfileRow>(
        tx,
        'SELECT profile, version, updated_at FROM user_profiles WHERE user_id = $1',
        [userId],
      );
      const before = toProfile(present[0]);
      requireVersion(base, before.version);
      const { rows } = await sql<ProfileRow>(
        tx,
        `INSERT INTO user_profiles (user_id, profile) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE
           SET profile = excluded.profile, version = user_profiles.version + 1, updated_at = now()
         RETURNING profile, version, updated_at`,
        [userId, JSON.stringify(input)],
      );
      await this.audit.record(tx, ctx, {
        action: 'profile.save',
        resource: `user:${userId}`,
        diff: { before: before.profile, after: input },
      });
      return toProfile(rows[0]);
    });
  }
}
