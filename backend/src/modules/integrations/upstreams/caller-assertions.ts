import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { SigningKeys } from '@aos/contracts';
import { SignJWT, calculateJwkThumbprint } from 'jose';
import type { Environment } from '../../../platform/config/environment.js';
import { MasterKey } from '../../../platform/config/master-key.js';
import type { Principal } from '../../../platform/http/context.js';
import { ENVIRONMENT } from '../../../platform/platform.module.js';

const LIFETIME_S = 60;
/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Says to an authorization server for whom AOS asks for a token: a JWT that names the caller and lives for a minute,
 * good for that server only. It is signed with a key derived from the master key, so that every process of an
 * installation signs alike; the public half is at `/.well-known/jwks.json`, under the address that is the issuer.
 */
@Injectable()
export class CallerAssertions {
  private readonly key;
  private readonly jwk: Record<string, string>;
  private readonly kid: Promise<string>;

  constructor(
    masterKey: MasterKey,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {
    const der = Buffer.concat([PKCS8_HEAD, masterKey.derive('caller-assertion')]);
    this.key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    this.jwk = createPublicKey(this.key).export({ format: 'jwk' }) as Record<string, string>;
    this.kid = calculateJwkThumbprint(this.jwk);
  }

  /** @throws Error when AOS does not know by which address others know it. */
  async sign({ id, kind, name }: Principal, audience: string): Promise<string> {
    const { publicUrl } = this.environment;
    if (publicUrl === undefined)
      throw new Error('AOS_PUBLIC_URL has to be set: it is the issuer of what is said of callers');
    return new SignJWT({ name, kind })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: await this.kid })
      .setIssuer(publicUrl)
      .setSubject(id)
      .setAudience(audience)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${LIFETIME_S}s`)
      .sign(this.key);
  }

  async keys(): Promise<SigningKeys> {
    return { keys: [{ ...this.jwk, kid: await this.kid, alg: 'EdDSA', use: 'sig' }] };
  }
}
