import { Injectable } from '@nestjs/common';
import type { OutboundOAuth } from '@aos/contracts';
import { z } from 'zod';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import { randomBytes } from 'node:crypto';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { AddressRefused, GuardedFetch } from '../chain/guarded-fetch.js';
import { addressOfIssuer } from '../chain/issuer-metadata.js';
import type { Principal } from '../../../platform/http/context.js';
import { Redactor } from '../../../platform/telemetry/redactor.js';
import { CallerAssertions } from './caller-assertions.js';

/** A token is taken anew so long before it ends. */
const EARLY_MS = 30_000;
const SHORTEST_LIFE_MS = 5_000;
const MOST_KEPT = 1_000;

const TokenAnswer = z.object({
  access_token: z
    .string()
    .max(16_384)
    .regex(/^[\x21-\x7e]+$/, 'is nothing that a header holds'),
  token_type: z.string().regex(/^bearer$/i, 'is not a bearer token'),
  expires_in: z.number().positive().optional(),
});

export type RevealSecret = (name: string) => Promise<string>;

/**
 * Tokens for servers that want one of an authorization server: by client credentials (RFC 6749, 4.4), or by
 * exchanging a token that AOS holds as a secret, or what AOS itself says of the caller (see CallerAssertions), for
 * one that is good for this server alone (RFC 8693). One that was given out for a caller is kept for that caller,
 * until shortly before it ends. What a client of the gateway has shown is never part of it.
 *
 * The endpoint is asked through the same guard as everything whose address came from outside. Where the issuer
 * is named instead, its metadata has to name that very issuer. What the endpoint says when it refuses is told by
 * its error code only: the description is a stranger's text.
 */
@Injectable()
export class OutboundTokens {
  private readonly kept = new Map<string, { token: string; until: number }>();
  private readonly asked = new Map<string, Promise<string>>();

  constructor(
    private readonly outside: GuardedFetch,
    private readonly assertions: CallerAssertions,
    private readonly redactor: Redactor,
    private readonly audit: AuditTrail,
  ) {}

  /** `caller` matters only to a server that is signed in to per caller. */
  async tokenFor(
    server: string,
    oauth: OutboundOAuth,
    reveal: RevealSecret,
    caller: Principal,
  ): Promise<string> {
    const key = keyOf(server, oauth, caller);
    const kept = this.kept.get(key);
    if (kept && performance.now() < kept.until) return kept.token;
    // Connections that are made at once share one token.
    const asking =
      this.asked.get(key) ??
      this.ask(key, server, oauth, reveal, caller)
        .catch((error: unknown) => this.refused(error, server, caller))
        .finally(() => this.asked.delete(key));
    this.asked.set(key, asking);
    return asking;
  }

  /**
   * The server does not take its token any more, though it is not at its end: it may have been taken back, or the server
   * may know other keys by now. The next one will be another.
   */
  refuse(server: string, oauth: OutboundOAuth, caller: Principal, token: string): void {
    const key = keyOf(server, oauth, caller);
    if (this.kept.get(key)?.token !== token) return; // others were told so before
    this.redactor.forget(token);
    this.kept.delete(key);
  }

  private async ask(
    key: string,
    server: string,
    oauth: OutboundOAuth,
    reveal: RevealSecret,
    caller: Principal,
  ): Promise<string> {
    const endpoint =
      oauth.tokenUrl ?? (await addressOfIssuer(this.outside, oauth.issuer!, 'token_endpoint'));
    const { status, text } = await this.outside.request(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: basic(oauth.clientId, await reveal(oauth.secret)),
      },
      body: await this.formOf(oauth, reveal, caller),
    });
    const answer = parse(text);
    if (status !== 200) throw new Error(`the token endpoint refused: ${errorIn(answer) ?? status}`);
    const parsed = TokenAnswer.safeParse(answer);
    if (!parsed.success) throw new Error('the token endpoint did not answer with a bearer token');
    const { access_token: token, expires_in: seconds } = parsed.data;
    const lifeMs = Math.max(SHORTEST_LIFE_MS, (seconds ?? 300) * 1000 - EARLY_MS);
    this.keep(key, server, token, lifeMs);
    return token;
  }

  /** Somebody, by a setting or a document, wanted this machine to ask there. */
  private async refused(error: unknown, server: string, actor: Principal): Promise<never> {
    if (error instanceof AddressRefused)
      await this.audit.recordAlone(
        { actor, traceId: randomBytes(16).toString('hex'), ip: null },
        {
          action: 'oauth.token',
          resource: `mcp-server:${server}`,
          outcome: 'denied',
          diff: { why: error.message },
        },
      );
    throw error;
  }

  private keep(key: string, server: string, token: string, lifeMs: number): void {
    const oldest = this.kept.has(key) ? key : this.kept.keys().next().value;
    if (oldest !== undefined && (oldest === key || this.kept.size >= MOST_KEPT)) {
      this.redactor.forget(this.kept.get(oldest)!.token);
      this.kept.delete(oldest);
    }
    this.redactor.know(`token of ${server}`, token); // a server may tell what it was shown
    this.kept.set(key, { token, until: performance.now() + lifeMs });
  }

  private async formOf(
    oauth: OutboundOAuth,
    reveal: RevealSecret,
    caller: Principal,
  ): Promise<URLSearchParams> {
    const form = new URLSearchParams();
    if (oauth.type === 'client-credentials') form.set('grant_type', 'client_credentials');
    else {
      form.set('grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange');
      if (oauth.perCaller) {
        const audience = oauth.issuer ?? oauth.tokenUrl!;
        form.set('subject_token', await this.assertions.sign(caller, audience));
        form.set('subject_token_type', 'urn:ietf:params:oauth:token-type:jwt');
      } else {
        form.set('subject_token', await reveal(oauth.subjectSecret!));
        form.set('subject_token_type', 'urn:ietf:params:oauth:token-type:access_token');
      }
      form.set('requested_token_type', 'urn:ietf:params:oauth:token-type:access_token');
    }
    if (oauth.scope) form.set('scope', oauth.scope);
    if (oauth.audience) form.set('audience', oauth.audience);
    if (oauth.resource) form.set('resource', oauth.resource);
    return form;
  }
}

const keyOf = (server: string, oauth: OutboundOAuth, caller: Principal): string =>
  canonicalHash([server, oauth, oauth.perCaller ? caller.id : null]);

/** RFC 6749, 2.3.1: both are form-encoded first. */
const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no answer of an authorization server
  }
}

function errorIn(answer: unknown): string | undefined {
  const { error } = (answer ?? {}) as { error?: unknown };
  return typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : undefined;
}
