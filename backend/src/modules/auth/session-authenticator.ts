import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type Permission, permissions } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import {
  Authenticator,
  type Credentials,
  type Identity,
} from '../../platform/http/authenticator.js';
import type { Principal } from '../../platform/http/context.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { hasSecondFactor, wantsSecondFactor } from './second-factors.js';
import { hashToken, kindOfToken } from './secret-token.js';

export const SESSION_COOKIE = 'aos_session';

/** How long a revocation made in another process can go unnoticed when its wake-up is lost. */
const CACHE_MS = 5_000;
const MOST_CACHED = 10_000;

interface CacheEntry {
  identity: Identity;
  staleAt: number;
  endsAt: number;
}

interface IdentityRow {
  id: string;
  user_id: string;
  csrf_token: string | null;
  scopes: string[] | null;
  label: string;
  ends_at: Date | null;
  lacks_factor: boolean;
  grants: { permission: string; projectId: string | null }[];
}

/**
 * Knows people by a session (from signing in; as a bearer token or in the cookie) and by API tokens.
 *
 * What is found is kept for five seconds. Whatever takes a right away (a sign-out, a revoked token, a
 * disabled person, a changed binding) wakes `control` after its commit: this process forgets everything at
 * once, others as soon as the wake-up arrives. A look-up that was under way meanwhile is not kept.
 *
 * A second factor is asked of people when they sign in, and of those who have none but should (see the settings, security)
 * before anything else. A token is asked for none: it was made by somebody who was in, and is for programs.
 *
 * A token's grants are the scopes that its owner holds now: when the owner loses a right, so does it.
 */
@Injectable()
export class SessionAuthenticator extends Authenticator implements OnApplicationShutdown {
  private readonly cache = new Map<string, CacheEntry>();
  private generation = 0;
  private readonly stopListening: () => void;

  constructor(
    private readonly database: Database,
    wakeups: Wakeups,
  ) {
    super();
    this.stopListening = wakeups.on('control', () => this.forgetAll());
  }

  onApplicationShutdown(): void {
    this.stopListening();
  }

  forgetAll(): void {
    this.generation++;
    this.cache.clear();
  }

  override async authenticate(request: Credentials): Promise<Principal | undefined> {
    return (await this.identify(request))?.principal;
  }

  override async identify(request: Credentials): Promise<Identity | undefined> {
    const shown = tokenOf(request);
    const kind = shown && kindOfToken(shown.token);
    if (!shown || !kind || (shown.carrier === 'cookie' && kind !== 'session')) return undefined;
    const hash = hashToken(shown.token);
    const found = this.fromCache(hash) ?? (await this.load(kind, hash));
    return found && { ...found, carrier: shown.carrier };
  }

  private fromCache(hash: Buffer): Identity | undefined {
    const entry = this.cache.get(hash.toString('base64'));
    return entry && performance.now() < entry.staleAt && Date.now() < entry.endsAt
      ? entry.identity
      : undefined;
  }

  private async load(kind: 'session' | 'token', hash: Buffer): Promise<Identity | undefined> {
    const generation = this.generation;
    const [row] = await this.database.query<IdentityRow>(kind === 'session' ? bySession : byToken, [
      hash,
    ]);
    if (!row) return undefined;
    const identity = toIdentity(kind, row);
    if (generation !== this.generation) return identity;
    if (this.cache.size >= MOST_CACHED) this.cache.delete(this.cache.keys().next().value!);
    this.cache.set(hash.toString('base64'), {
      identity,
      staleAt: performance.now() + CACHE_MS,
      endsAt: row.ends_at?.getTime() ?? Infinity,
    });
    return identity;
  }
}

/** A bearer token that is there decides alone, also when it is wrong: never fall back to the cookie. */
function tokenOf(
  request: Credentials,
): { token: string; carrier: Identity['carrier'] } | undefined {
  const { authorization, cookie } = request.headers;
  if (authorization !== undefined) {
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    return token === undefined ? undefined : { token, carrier: 'bearer' };
  }
  const pair = cookie?.split(';').find((part) => part.trim().startsWith(`${SESSION_COOKIE}=`));
  return pair === undefined
    ? undefined
    : { token: pair.trim().slice(SESSION_COOKIE.length + 1), carrier: 'cookie' };
}

const known = new Set<string>(permissions);

function toIdentity(kind: 'session' | 'token', row: IdentityRow): Identity {
  // Whoever has to set up a second factor first may do nothing else, wherever they are asked for.
  const held = row.lacks_factor ? [] : row.grants;
  const grants = held.filter(
    ({ permission }) =>
      known.has(permission) && (row.scopes === null || row.scopes.includes(permission)),
  ) as { permission: Permission; projectId: string | null }[];
  return {
    principal: {
      kind: kind === 'session' ? 'user' : 'token',
      id: kind === 'session' ? `user:${row.user_id}` : `token:${row.id}`,
      name: row.label,
      userId: row.user_id,
      grants,
    },
    by: kind,
    carrier: 'bearer',
    csrfToken: row.csrf_token,
    sessionId: kind === 'session' ? row.id : null,
    mustSetUpSecondFactor: row.lacks_factor,
  };
}

/** `u` is the user of the surrounding query. */
const grantsOfUser = `(
  SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('permission', p, 'projectId', b.project_id)), '[]')
    FROM role_bindings b JOIN roles r ON r.name = b.role, unnest(r.permissions) AS p
   WHERE b.user_id = u.id) AS grants`;

const bySession = `
  SELECT s.id, s.user_id, s.csrf_token, NULL::text[] AS scopes, u.name AS label, s.expires_at AS ends_at,
         s.second_factor IS DISTINCT FROM 'provider' AND NOT ${hasSecondFactor} AND ${wantsSecondFactor} AS lacks_factor,
         ${grantsOfUser}
    FROM sessions s JOIN users u ON u.id = s.user_id
   WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > now() AND NOT u.is_disabled`;

const byToken = `
  WITH used AS (
    UPDATE api_tokens SET last_used_at = now()
     WHERE token_hash = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute'))
  SELECT t.id, t.user_id, NULL AS csrf_token, t.scopes, u.name || ' (' || t.name || ')' AS label,
         t.expires_at AS ends_at, false AS lacks_factor, ${grantsOfUser}
    FROM api_tokens t JOIN users u ON u.id = t.user_id
   WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
     AND NOT u.is_disabled`;
