import { Injectable } from '@nestjs/common';
import type { LoginAnswer } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import type { Ctx, Principal } from '../../platform/http/context.js';
import type { ShownBy } from './second-factors.js';
import { hashToken, newSessionToken } from './secret-token.js';

const SESSION_HOURS = 12;

/** How somebody came in. */
export interface CameBy {
  userAgent: string | null;
  /** `provider`: what the provider said counts for one. */
  secondFactor: ShownBy | 'provider' | null;
  identity?: { id: string; provider: string; endsSession: boolean };
}

@Injectable()
export class Sessions {
  constructor(private readonly audit: AuditTrail) {}

  /** Always a new session with a new token: one that was there before signing in is worth nothing after. */
  async open(
    tx: Tx,
    ctx: Ctx,
    user: LoginAnswer['user'],
    { userAgent, secondFactor, identity }: CameBy,
  ): Promise<LoginAnswer> {
    const [id, token, csrf] = [randomUUID(), newSessionToken(), newSessionToken()];
    const actor: Principal = {
      kind: 'user',
      id: `user:${user.id}`,
      name: user.name,
      userId: user.id,
      grants: [],
    };
    const { rows } = await sql<{ expires_at: Date }>(
      tx,
      `INSERT INTO sessions (id, user_id, token_hash, csrf_token, ip, user_agent, second_factor, identity_id, provider,
                             provider_ends, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + interval '${SESSION_HOURS} hours') RETURNING expires_at`,
      [
        ...[id, user.id, hashToken(token), csrf, ctx.ip, userAgent?.slice(0, 400) ?? null],
        ...[secondFactor, identity?.id ?? null, identity?.provider ?? null],
        identity?.endsSession ?? null,
      ],
    );
    await this.audit.record(
      tx,
      { ...ctx, actor },
      {
        action: 'login',
        resource: `user:${user.id}`,
        diff: {
          session: id,
          ...(secondFactor && { secondFactor }),
          ...(identity && { provider: identity.provider, identity: identity.id }),
        },
      },
    );
    const { email, name, roles } = user;
    return {
      accessToken: token,
      expiresAt: rows[0]!.expires_at.toISOString(),
      user: { id: user.id, email, name, roles },
    };
  }
}
