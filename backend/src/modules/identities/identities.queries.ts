import { Injectable } from '@nestjs/common';
import type { Identity, Page, PageQuery } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';

interface IdentityRow {
  id: string;
  provider: string;
  issuer: string;
  email: string | null;
  created_at: Date;
  last_used_at: Date | null;
}

@Injectable()
export class IdentitiesQueries {
  constructor(private readonly database: Database) {}

  /** One's own. */
  async identities(ctx: Ctx, { limit, cursor }: PageQuery): Promise<Page<Identity>> {
    const [after = null] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<IdentityRow>(
      `SELECT id, provider, issuer, email, created_at, last_used_at FROM identities
        WHERE user_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3`,
      [ctx.actor.userId, after, limit + 1],
    );
    return toPage(
      rows,
      limit,
      (row) => [row.id],
      (row) => ({
        id: row.id,
        provider: row.provider,
        issuer: row.issuer,
        email: row.email,
        createdAt: row.created_at.toISOString(),
        lastUsedAt: row.last_used_at?.toISOString() ?? null,
      }),
    );
  }
}
