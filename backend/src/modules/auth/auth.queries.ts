import { Injectable } from '@nestjs/common';
import type {
  ApiToken,
  Me,
  Page,
  PageQuery,
  Permission,
  Person,
  SecondFactor,
  Session,
  User,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { NotFound } from '../../platform/http/problem.js';
import { Settings } from '../config/index.js';
import { hasSecondFactor, wantsSecondFactor } from './second-factors.js';

interface PersonRow {
  id: string;
  email: string;
  name: string;
  is_disabled: boolean;
  has_second_factor: boolean;
  has_password: boolean;
  providers: string[];
  created_at: Date;
  roles: string[];
}

interface CameInRow {
  has_password: boolean;
  provider: string | null;
  provider_ends: boolean | null;
}

interface FactorRow {
  is_required: boolean;
  confirmed_at: Date | null;
  codes_left: number;
}

interface SessionRow {
  id: string;
  created_at: Date;
  expires_at: Date;
  ip: string | null;
  user_agent: string | null;
}

interface TokenRow {
  id: string;
  name: string;
  scopes: Permission[];
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
}

@Injectable()
export class AuthQueries {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  async user(id: string | null): Promise<User> {
    const [row] = await this.database.query<PersonRow>(`${selectPeople} WHERE u.id = $1`, [id]);
    if (!row) throw new NotFound('This person');
    return { id: row.id, email: row.email, name: row.name, roles: row.roles };
  }

  /** What only `me` tells of somebody. */
  async cameIn(
    id: string | null,
    sessionId: string | null,
  ): Promise<Pick<Me, 'hasPassword' | 'signedInBy'>> {
    const [row] = await this.database.query<CameInRow>(
      `SELECT u.password_hash IS NOT NULL AS has_password, s.provider, s.provider_ends
         FROM users u LEFT JOIN sessions s ON s.user_id = u.id AND s.id = $2 WHERE u.id = $1`,
      [id, sessionId],
    );
    const provider = row?.provider;
    const { providers } = (await this.settings.system()).security.signIn;
    const title = providers.find(({ name }) => name === provider)?.label;
    return {
      hasPassword: row?.has_password ?? false,
      signedInBy: provider
        ? {
            name: provider,
            title: title ?? provider,
            // One that is no longer in the settings is asked for nothing.
            endsSession: title !== undefined && row?.provider_ends === true,
          }
        : null,
    };
  }

  async people({ limit, cursor }: PageQuery): Promise<Page<Person>> {
    const [after = ''] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<PersonRow>(
      `${selectPeople} WHERE lower(u.email) > $1 ORDER BY lower(u.email) LIMIT $2`,
      [after, limit + 1],
    );
    return toPage(
      rows,
      limit,
      (row) => [row.email.toLowerCase()],
      ({ is_disabled, has_second_factor, has_password, created_at, ...row }) => ({
        ...row,
        hasPassword: has_password,
        disabled: is_disabled,
        hasSecondFactor: has_second_factor,
        createdAt: created_at.toISOString(),
      }),
    );
  }

  async secondFactor(ctx: Ctx): Promise<SecondFactor> {
    const [row] = await this.database.query<FactorRow>(
      `SELECT ${wantsSecondFactor} AS is_required, f.confirmed_at,
              (SELECT count(*) FROM recovery_codes r WHERE r.user_id = f.user_id AND r.used_at IS NULL)::int AS codes_left
         FROM users u LEFT JOIN second_factors f ON f.user_id = u.id AND f.confirmed_at IS NOT NULL
        WHERE u.id = $1`,
      [ctx.actor.userId],
    );
    if (!row) throw new NotFound('This person');
    return {
      isOn: row.confirmed_at !== null,
      since: row.confirmed_at?.toISOString() ?? null,
      recoveryCodesLeft: row.codes_left,
      isRequired: row.is_required,
    };
  }

  /** One's own that are open now. */
  async sessions(
    ctx: Ctx,
    present: string | null,
    { limit, cursor }: PageQuery,
  ): Promise<Page<Session>> {
    const [after = null] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<SessionRow>(
      `SELECT id, created_at, expires_at, ip, user_agent FROM sessions
        WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id LIMIT $3`,
      [ctx.actor.userId, after, limit + 1],
    );
    return toPage(
      rows,
      limit,
      (row) => [row.id],
      (row) => ({
        id: row.id,
        createdAt: row.created_at.toISOString(),
        expiresAt: row.expires_at.toISOString(),
        ip: row.ip,
        userAgent: row.user_agent,
        isThis: row.id === present,
      }),
    );
  }

  /** One's own. The tokens themselves are not stored. */
  async tokens(ctx: Ctx, { limit, cursor }: PageQuery): Promise<Page<ApiToken>> {
    const [after = null] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<TokenRow>(
      `SELECT id, name, scopes, created_at, expires_at, last_used_at FROM api_tokens
        WHERE user_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3`,
      [ctx.actor.userId, after, limit + 1],
    );
    return toPage(
      rows,
      limit,
      (row) => [row.id],
      (row) => ({
        id: row.id,
        name: row.name,
        scopes: row.scopes,
        createdAt: row.created_at.toISOString(),
        expiresAt: row.expires_at?.toISOString() ?? null,
        lastUsedAt: row.last_used_at?.toISOString() ?? null,
      }),
    );
  }
}

const selectPeople = `
  SELECT u.id, u.email, u.name, u.is_disabled, u.created_at, ${hasSecondFactor} AS has_second_factor,
         u.password_hash IS NOT NULL AS has_password,
         ARRAY(SELECT provider FROM identities WHERE user_id = u.id ORDER BY 1) AS providers,
         ARRAY(SELECT DISTINCT role FROM role_bindings WHERE user_id = u.id ORDER BY 1) AS roles
    FROM users u`;
