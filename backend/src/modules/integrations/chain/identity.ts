import { createHash } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Permission } from '@aos/contracts';
import {
  type JWTPayload,
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  jwtVerify,
} from 'jose';
import { Database } from '../../../platform/database/database.js';
import { Authenticator } from '../../../platform/http/authenticator.js';
import { type Principal, isAllowed } from '../../../platform/http/context.js';
import { OutsideTokens } from '../../../platform/http/outside-tokens.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { Settings } from '../../config/index.js';
import { Capabilities, type Grant } from './capability.js';
import { GuardedFetch } from './guarded-fetch.js';
import { addressOfIssuer } from './issuer-metadata.js';

interface Issuer {
  issuer: string;
  audience: string;
  jwksUri: string | undefined;
}

/** Signatures that the keys of a stranger can make. No `none`, and no HMAC: its key would be a public one. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];
/** Of access tokens (RFC 9068), and of issuers that do not say. A logout token, or a proof, is none. */
const TYPES = ['at+jwt', 'application/at+jwt', 'jwt', 'application/jwt'];
const CLOCK_TOLERANCE_S = 5;
/** How long the rights behind a grant may be old when a wake-up was lost, as for sessions. */
const CACHE_MS = 5_000;
const MOST_CACHED = 10_000;
/** So long an issuer that has failed is not asked again, whoever shows tokens of its. */
const LET_BE_MS = 5_000;

type KeySet = ReturnType<typeof createRemoteJWKSet>;

/**
 * Turns a bearer token into the one who calls. Three kinds are known:
 *
 *   AOS's own   sessions and API tokens, through the authenticator that every route uses
 *   grants      see Capabilities: the holder's rights as they are now, narrowed to the grant's tools
 *   JWTs        of the one issuer in the settings (`gateway.inbound`), signed by its keys, for this audience.
 *               Their rights are their scopes: `tool.read`, `tool.call` for every tool, `tool.call:<server>.*`
 *               or `tool.call:<server>.<tool>` for some. They are nobody in AOS: no role, no person.
 *
 * A token's claims are looked at before a key is fetched: one for another audience, of another issuer, out of
 * its time or signed in a way that is not taken is refused without a request to anywhere. `kid` only picks among
 * the issuer's keys; `jku`, `x5u` and `jwk` are not read at all.
 */
@Injectable()
export class BearerTokens extends OutsideTokens implements OnApplicationShutdown {
  private readonly logger = new Logger(BearerTokens.name);
  private readonly rights = new Map<string, { grants: Principal['grants']; staleAt: number }>();
  private keys: { of: string; set: Promise<KeySet>; until: number } | undefined;
  private generation = 0;
  private readonly stopListening: () => void;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly capabilities: Capabilities,
    private readonly settings: Settings,
    private readonly outside: GuardedFetch,
    private readonly database: Database,
    wakeups: Wakeups,
  ) {
    super();
    this.stopListening = wakeups.on('control', () => {
      this.generation++;
      this.rights.clear();
    });
  }

  onApplicationShutdown(): void {
    this.stopListening();
  }

  /** Of whatever kind. Undefined when it is worth nothing here, for whatever reason: the answer to all is 401. */
  async verifyBearer(token: string): Promise<Principal | undefined> {
    const own = await this.authenticator.identify({
      headers: { authorization: `Bearer ${token}` },
    });
    return own?.principal ?? this.identify(token);
  }

  async identify(token: string): Promise<Principal | undefined> {
    if (this.capabilities.isGrant(token)) return this.byGrant(token);
    return token.startsWith('eyJ') && token.split('.').length === 3 ? this.byJwt(token) : undefined;
  }

  /** Who signs tokens for this gateway, for its metadata. */
  async issuer(): Promise<string | undefined> {
    return (await this.trusted())?.issuer;
  }

  private async byGrant(token: string): Promise<Principal | undefined> {
    const grant = await this.capabilities.verify(token).catch(() => undefined); // not valid: as unknown
    if (!grant) return undefined;
    const grants = await this.rightsOf(grant);
    if (grants.length === 0) return undefined;
    return { ...grant.holder, grants, capability: grant };
  }

  /** What the person behind a grant may do with tools now, within the project of the grant's run. */
  private async rightsOf({ holder, run, rights }: Grant): Promise<Principal['grants']> {
    const projectId = run?.projectId ?? null;
    // Work of the process itself has no person whose rights could end.
    if (holder.userId === null)
      return holder.kind === 'system' || holder.kind === 'agent'
        ? rights.map((permission) => ({ permission, projectId }))
        : [];
    const theirs = await this.rightsOfPerson(holder.userId);
    if (!run) return theirs.filter(({ permission }) => rights.includes(permission));
    const person = { ...holder, grants: theirs };
    return rights
      .filter((permission) => isAllowed(person, permission, projectId))
      .map((permission) => ({ permission, projectId }));
  }

  private async rightsOfPerson(userId: string): Promise<Principal['grants']> {
    const kept = this.rights.get(userId);
    if (kept && performance.now() < kept.staleAt) return kept.grants;
    const generation = this.generation;
    const grants = await this.database.query<Principal['grants'][number]>(
      `SELECT DISTINCT p AS permission, b.project_id AS "projectId"
         FROM role_bindings b JOIN users u ON u.id = b.user_id JOIN roles r ON r.name = b.role, unnest(r.permissions) AS p
        WHERE u.id = $1 AND NOT u.is_disabled`,
      [userId],
    );
    if (generation !== this.generation) return grants;
    if (this.rights.size >= MOST_CACHED) this.rights.delete(this.rights.keys().next().value!);
    this.rights.set(userId, { grants, staleAt: performance.now() + CACHE_MS });
    return grants;
  }

  private async byJwt(token: string): Promise<Principal | undefined> {
    const trusted = await this.trusted();
    if (!trusted || !isWorthAKey(token, trusted)) return undefined;
    try {
      const { payload } = await jwtVerify(token, await this.keysOf(trusted), {
        algorithms: ALGORITHMS,
        issuer: trusted.issuer,
        audience: trusted.audience,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['sub', 'exp'],
      });
      return principalOf(payload);
    } catch (error) {
      this.logger.warn({ msg: 'a token of the issuer was refused', why: (error as Error).message });
      return undefined;
    }
  }

  private async trusted(): Promise<Issuer | undefined> {
    const { issuer, audience, jwksUri } = (await this.settings.system()).gateway.inbound;
    return issuer === undefined || audience === undefined
      ? undefined
      : { issuer, audience, jwksUri };
  }

  /** Whoever shows tokens asks by them, so all share one look for the keys, also one that has failed. */
  private keysOf(trusted: Issuer): Promise<KeySet> {
    const of = JSON.stringify([trusted.issuer, trusted.jwksUri]);
    if (this.keys?.of !== of || performance.now() >= this.keys.until) {
      const keys = { of, set: this.findKeys(trusted), until: Infinity };
      keys.set.catch(() => (keys.until = performance.now() + LET_BE_MS)); // who waits for them is told
      this.keys = keys;
    }
    return this.keys.set;
  }

  private async findKeys({ issuer, jwksUri }: Issuer): Promise<KeySet> {
    const address = jwksUri ?? (await addressOfIssuer(this.outside, issuer, 'jwks_uri'));
    let notBefore = 0;
    return createRemoteJWKSet(new URL(address), {
      [customFetch]: async (url, { headers, signal }) => {
        if (performance.now() < notBefore)
          throw new Error('the keys of the issuer could not be had');
        notBefore = performance.now() + LET_BE_MS;
        const answer = await this.outside.request(url, {
          headers: Object.fromEntries(new Headers(headers)),
          signal,
        });
        if (answer.status === 200) notBefore = 0;
        return new Response(answer.text, { status: answer.status });
      },
    });
  }
}

/** All that can be seen without a key. */
function isWorthAKey(token: string, { issuer, audience }: Issuer): boolean {
  try {
    const { alg, kid, typ } = decodeProtectedHeader(token);
    if (alg === undefined || !ALGORITHMS.includes(alg)) return false;
    const isAccess = typeof typ === 'string' && TYPES.includes(typ.toLowerCase());
    if (typ !== undefined && !isAccess) return false;
    // What a header holds is a stranger's: a list with one name in it would read like that name.
    const isName = typeof kid === 'string' && /^[\x21-\x7e]{1,256}$/.test(kid);
    if (kid !== undefined && (!isName || kid.includes('..'))) return false;
    const { iss, aud, exp, nbf } = decodeJwt(token);
    const now = Date.now() / 1000;
    return (
      iss === issuer &&
      [aud ?? []].flat().includes(audience) &&
      exp !== undefined &&
      exp > now - CLOCK_TOLERANCE_S &&
      (nbf === undefined || nbf <= now + CLOCK_TOLERANCE_S)
    );
  } catch {
    return false; // no JWT
  }
}

function principalOf(payload: JWTPayload): Principal {
  const scopes = scopesOf(payload);
  const tools = scopes.flatMap((scope) => {
    if (scope === 'tool.call') return ['*'];
    return scope.startsWith('tool.call:') ? [scope.slice('tool.call:'.length)] : [];
  });
  const rights: Permission[] = [
    ...(tools.length > 0 || scopes.includes('tool.read') ? (['tool.read'] as const) : []),
    ...(tools.length > 0 ? (['tool.call'] as const) : []),
  ];
  const subject = createHash('sha256').update(`${payload.iss}\0${payload.sub}`).digest('hex');
  const name = typeof payload['name'] === 'string' ? payload['name'] : payload.sub!;
  return {
    kind: 'token',
    id: `jwt:${subject.slice(0, 32)}`,
    name: name.slice(0, 200),
    userId: null,
    grants: rights.map((permission) => ({ permission, projectId: null })),
    capability: {
      kind: 'scope',
      id: `jwt:${payload.jti ?? subject.slice(0, 32)}`,
      tools,
      limits: {},
      expiresAt: new Date(payload.exp! * 1000),
    },
  };
}

/** `scope` with blanks between (RFC 9068), or `scp` as some issuers have it. */
function scopesOf(payload: JWTPayload): string[] {
  const given = payload['scope'] ?? payload['scp'];
  if (typeof given === 'string') return given.split(' ').filter((scope) => scope !== '');
  return Array.isArray(given) ? given.filter((scope) => typeof scope === 'string') : [];
}
