import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SignJWT, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { Permission } from '@aos/contracts';
import { z } from 'zod';
import { MasterKey } from '../../../platform/config/master-key.js';
import type { Capability, Principal } from '../../../platform/http/context.js';
import { CapabilityRefused, InsufficientScope } from '../integrations.errors.js';
import { fitsAny } from './name-pattern.js';

/** A verified grant: whom it stands for, and what for. */
export interface Grant extends Capability {
  holder: Pick<Principal, 'kind' | 'id' | 'name' | 'userId'>;
  /** Of the holder's rights, those that were there to be handed on. */
  rights: readonly Permission[];
  run: { jobId: string; traceId: string; projectId: string | null } | null;
}

export interface NewGrant {
  holder: Grant['holder'];
  rights?: readonly Permission[] | undefined;
  tools: readonly string[];
  run?: Grant['run'];
  limits?: Capability['limits'];
  ttlSeconds: number;
}

const MAX_GRANT_SECONDS = 3600;
/** All that a grant can carry: to see tools, and to call them. */
const grantable = ['tool.call', 'tool.read'] as const satisfies Permission[];
const TYPE = 'aos-grant+jwt';
const AUDIENCE = 'aos:gateway';

const Claims = z.object({
  jti: z.uuid(),
  exp: z.number(),
  sub: z.string().min(1),
  kind: z.enum(['user', 'token', 'agent', 'system']),
  name: z.string(),
  user: z.string().nullable(),
  rights: z.array(z.enum(grantable)),
  tools: z.array(z.string()),
  limits: z.object({ maxCalls: z.number().int().positive().optional() }),
  run: z
    .object({ jobId: z.string(), traceId: z.string(), projectId: z.string().nullable() })
    .nullable(),
});

/**
 * Grants: short-lived, signed with a key derived from the master key (so every process of an installation
 * takes them and nobody else makes them), naming whom they stand for, the run, the tools and the limits.
 * A grant is all that a sub-agent or an outside worker needs to call tools, and all that it can lose: the
 * token of the person behind it is never handed on. It holds no right of its own; the holder's rights are
 * looked up when it is used, so it ends with them.
 */
@Injectable()
export class Capabilities {
  private readonly key: Buffer;

  constructor(masterKey: MasterKey) {
    this.key = masterKey.derive('capability');
  }

  async issue(grant: NewGrant): Promise<{ token: string; id: string; expiresAt: Date }> {
    const id = randomUUID();
    const now = Math.floor(Date.now() / 1000);
    const exp = now + Math.min(grant.ttlSeconds, MAX_GRANT_SECONDS);
    const { kind, name, userId } = grant.holder;
    const token = await new SignJWT({
      kind,
      name,
      user: userId,
      rights: grant.rights ?? grantable,
      tools: grant.tools,
      limits: grant.limits ?? {},
      run: grant.run ?? null,
    })
      .setProtectedHeader({ alg: 'HS256', typ: TYPE })
      .setSubject(grant.holder.id)
      .setAudience(AUDIENCE)
      .setJti(id)
      .setIssuedAt(now)
      .setExpirationTime(exp)
      .sign(this.key);
    return { token, id, expiresAt: new Date(exp * 1000) };
  }

  /** Says what is shown, not whether it is worth anything. */
  isGrant(token: string): boolean {
    try {
      return decodeProtectedHeader(token).typ === TYPE;
    } catch {
      return false; // no JWT at all
    }
  }

  /** @throws CapabilityRefused */
  async verify(token: string): Promise<Grant> {
    let payload: unknown;
    try {
      ({ payload } = await jwtVerify(token, this.key, {
        algorithms: ['HS256'],
        typ: TYPE,
        audience: AUDIENCE,
      }));
    } catch (error) {
      throw new CapabilityRefused(
        error instanceof errors.JWTExpired ? 'it has expired' : 'it was not made by this gateway',
      );
    }
    const { data } = Claims.safeParse(payload);
    if (!data) throw new CapabilityRefused('it does not say what it is for');
    return {
      kind: 'grant',
      id: data.jti,
      rights: data.rights,
      tools: data.tools,
      limits: data.limits,
      expiresAt: new Date(data.exp * 1000),
      holder: { kind: data.kind, id: data.sub, name: data.name, userId: data.user },
      run: data.run,
    };
  }
}

export const reaches = (capability: Capability | undefined, tool: string): boolean =>
  capability === undefined || fitsAny(tool, capability.tools);

/** @throws CapabilityRefused, InsufficientScope */
export function requireReach(capability: Capability, server: string, tool: string): void {
  // A call may have waited in a queue since the token was looked at.
  if (capability.expiresAt.getTime() <= Date.now()) throw new CapabilityRefused('it has expired');
  if (!reaches(capability, `${server}.${tool}`)) throw new InsufficientScope(server, tool);
}
