import { Injectable, Logger } from '@nestjs/common';
import type { Filling, SignInProvider } from '@aos/contracts';
import {
  AuthorizationResponseError,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  type CustomFetchOptions,
  None,
  ResponseBodyError,
  type ServerMetadata,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
} from 'openid-client';
import type { Ctx } from '../../platform/http/context.js';
import { AosError } from '../../platform/http/problem.js';
import { Settings, Vault } from '../config/index.js';
import { AddressRefused, GuardedFetch } from '../integrations/index.js';
import { type Shown, claimAt, readClaims } from './claims.js';
import { SignInRefused, type Why } from './identities.errors.js';

/** How long its metadata are taken as they were; its keys are asked for anew with every sign-in. */
const METADATA_MS = 60_000;
/** So long one that could not be had is not asked again. */
const LET_BE_MS = 3_000;
const MOST_KNOWN = 50;

export interface Checks {
  state: string;
  nonce: string;
  verifier: string;
}

/** It answered with a fault of its own, or not at all. */
class Away extends Error {
  override name = 'Away';
}

/**
 * What is asked of OpenID Connect providers, by openid-client: the metadata of the issuer, the way there, and what comes back
 * (code, PKCE, state, nonce, `iss`; signature, audience and times of the ID token, and what UserInfo adds). Everything goes
 * through the guard for addresses that came from outside, with its limits on size and time.
 */
@Injectable()
export class Providers {
  /** How long one answer may take. */
  timeoutMs = 8_000;
  private readonly logger = new Logger(Providers.name);
  private readonly known = new Map<string, { metadata: Promise<ServerMetadata>; until: number }>();

  constructor(
    private readonly settings: Settings,
    private readonly vault: Vault,
    private readonly outside: GuardedFetch,
  ) {}

  async all(): Promise<SignInProvider[]> {
    return (await this.settings.system()).security.signIn.providers;
  }

  async named(name: string): Promise<SignInProvider | undefined> {
    return (await this.all()).find((each) => each.name === name);
  }

  /** Asks anew, and keeps nothing of it for those who sign in. @throws SignInRefused why nobody can be sent to it. */
  async check(provider: SignInProvider): Promise<{ endsSession: boolean }> {
    return { endsSession: endsSession(await this.discover(provider)) };
  }

  async addressFor(provider: SignInProvider, redirectUri: string, checks: Checks): Promise<URL> {
    const config = this.configure(provider, await this.metadataOf(provider), None());
    return buildAuthorizationUrl(config, {
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: [...new Set(['openid', ...provider.scopes])].join(' '),
      state: checks.state,
      nonce: checks.nonce,
      code_challenge: await calculatePKCECodeChallenge(checks.verifier),
      code_challenge_method: 'S256',
    });
  }

  /** Undefined where it offers none. */
  async signOutAddress(provider: SignInProvider): Promise<URL | undefined> {
    const metadata = await this.metadataOf(provider);
    return endsSession(metadata)
      ? buildEndSessionUrl(this.configure(provider, metadata, None()))
      : undefined;
  }

  /** @throws SignInRefused */
  async exchange(
    ctx: Ctx,
    provider: SignInProvider,
    cameBackTo: URL,
    checks: Checks,
  ): Promise<Shown> {
    const metadata = await this.metadataOf(provider);
    const config = this.configure(
      provider,
      metadata,
      await this.clientAuth(ctx, provider, metadata),
    );
    try {
      const tokens = await authorizationCodeGrant(config, cameBackTo, {
        pkceCodeVerifier: checks.verifier,
        expectedState: checks.state,
        expectedNonce: checks.nonce,
        idTokenExpected: true,
      });
      const claims: Record<string, unknown> & { sub: string } = { ...tokens.claims()! };
      if (claims.sub.length > 255) throw new Error('the subject is longer than one may be');
      const more = lacks(claims, provider) && metadata.userinfo_endpoint !== undefined;
      const info = more ? await fetchUserInfo(config, tokens.access_token, claims.sub) : {};
      // Whether an address was verified is said of the address beside it, and of no other.
      const isSaid = claims['email'] !== undefined && claims['email_verified'] !== undefined;
      const email = isSaid ? {} : pick(info, ['email', 'email_verified']);
      return {
        ...readClaims({ ...info, ...claims, ...email }, provider),
        endsSession: endsSession(metadata),
      };
    } catch (error) {
      throw this.refusal(provider, error);
    }
  }

  private metadataOf(provider: SignInProvider): Promise<ServerMetadata> {
    const { issuer } = provider;
    const kept = this.known.get(issuer);
    if (kept && performance.now() < kept.until) return kept.metadata;
    const found = { metadata: this.discover(provider), until: performance.now() + METADATA_MS };
    // Whoever waits for it is told; whoever comes shortly after is told the same.
    found.metadata.catch(() => (found.until = performance.now() + LET_BE_MS));
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    this.known.set(issuer, found);
    return found.metadata;
  }

  private async discover(provider: SignInProvider): Promise<ServerMetadata> {
    const { issuer } = provider;
    let metadata: ServerMetadata;
    try {
      const config = await discovery(new URL(issuer), provider.clientId, undefined, None(), {
        [customFetch]: this.fetch,
        timeout: this.timeoutMs / 1000,
        execute: isPlain(issuer) ? [allowInsecureRequests] : [],
      });
      metadata = config.serverMetadata();
    } catch (error) {
      if ((error as { code?: unknown }).code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED')
        throw new SignInRefused('sso-issuer', { issuer }, { cause: error });
      throw this.refusal(provider, error);
    }
    // The library compares addresses; one that is the same only after tidying up may be somebody else's.
    if (metadata.issuer !== issuer) throw new SignInRefused('sso-issuer', { issuer });
    const places = [metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri];
    const about = { provider: provider.label };
    if (!places.every((each) => isPlace(each, issuer)))
      throw new SignInRefused('sso-endpoint', about);
    const methods = metadata.code_challenge_methods_supported;
    // Many do not say what they take. Who says it, and not this, would leave a code without protection.
    if (methods && !methods.includes('S256')) throw new SignInRefused('sso-no-pkce', about);
    return metadata;
  }

  private configure(provider: SignInProvider, metadata: ServerMetadata, auth: ClientAuth) {
    const config = new Configuration(metadata, provider.clientId, undefined, auth);
    config[customFetch] = this.fetch;
    config.timeout = this.timeoutMs / 1000;
    // By its signature too, and not only by where it came from.
    enableNonRepudiationChecks(config);
    if (isPlain(provider.issuer)) allowInsecureRequests(config);
    return config;
  }

  private async clientAuth(
    ctx: Ctx,
    { name, label, clientSecret }: SignInProvider,
    { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] }: ServerMetadata,
  ): Promise<ClientAuth> {
    if (clientSecret === undefined) return None();
    const secret = await this.vault
      .reveal(ctx, clientSecret, null, `sign-in:${name}`)
      .catch((cause: unknown) => {
        // Its name is nothing to whoever stands at the door.
        throw new SignInRefused('sso-secret', { provider: label }, { cause });
      });
    const isPosted =
      !methods.includes('client_secret_basic') && methods.includes('client_secret_post');
    return isPosted ? ClientSecretPost(secret) : ClientSecretBasic(secret);
  }

  private readonly fetch = async (url: string, options: CustomFetchOptions): Promise<Response> => {
    const { body, headers, method, signal } = options;
    const answer = await this.outside.request(url, {
      method: method === 'POST' ? 'POST' : 'GET',
      headers,
      timeoutMs: this.timeoutMs,
      ...(body instanceof URLSearchParams || typeof body === 'string' ? { body } : {}),
      ...(signal && { signal }),
    });
    if (answer.status >= 500) throw new Away(`answered with ${answer.status}`);
    const isEmpty = [204, 205, 304].includes(answer.status);
    return new Response(isEmpty ? null : new Uint8Array(answer.data), {
      status: answer.status,
      headers: answer.headers,
    });
  };

  /** A stranger's words are told to nobody: of what a provider says in refusing, only its code. */
  private refusal(provider: SignInProvider, error: unknown): AosError {
    if (error instanceof AosError) return error;
    const about = { provider: provider.label };
    const refuse = (why: Why, params: Record<string, Filling> = about) => {
      this.logger.warn({
        msg: 'a sign-in with a provider failed',
        provider: provider.name,
        why,
        of: trailOf(error),
      });
      return new SignInRefused(why, params, { cause: error });
    };
    const refused = causesOf(error).find((each) => each instanceof AddressRefused);
    if (refused) return refuse('sso-not-asked', { ...about, why: refused.said });
    if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError)
      return refuse('sso-said', { ...about, why: codeIn(error.error) });
    return refuse(causesOf(error).some(isAway) ? 'sso-away' : 'sso-unfit');
  }
}

const isPlain = (issuer: string) => issuer.startsWith('http:');

/** Plain http is taken of an issuer that is on this machine, and only there. */
function isPlace(address: string | undefined, issuer: string): boolean {
  const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === 'https:') return true;
  return url?.protocol === 'http:' && isPlain(issuer) && url.host === new URL(issuer).host;
}

const endsSession = (metadata: ServerMetadata): boolean =>
  metadata.end_session_endpoint !== undefined &&
  isPlace(metadata.end_session_endpoint, metadata.issuer);

/** What the ID token may leave to UserInfo. */
const lacks = (claims: Record<string, unknown>, { roleClaim }: SignInProvider): boolean =>
  claims['email'] === undefined ||
  claims['email_verified'] === undefined ||
  (roleClaim !== undefined && claimAt(claims, roleClaim) === undefined);

const pick = (from: Record<string, unknown>, keys: readonly string[]) =>
  Object.fromEntries(keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]])));

const codeIn = (code: string): string => (/^[a-z_]{1,60}$/.test(code) ? code : 'error');

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let at = error; at instanceof Error && causes.length < 8; at = at.cause) causes.push(at);
  return causes;
}

/** What undici and the clock of a request throw: see `fetch` above for the rest. */
const isAway = (error: unknown): boolean =>
  error instanceof Away ||
  // The clock of openid-client: whichever of the two is quicker.
  (error as { code?: unknown } | null)?.code === 'OAUTH_TIMEOUT' ||
  (error instanceof Error && ['TimeoutError', 'AbortError'].includes(error.name)) ||
  (error instanceof TypeError && error.message === 'fetch failed');

/** For the log of the process: names and codes; messages may hold what came along. */
const trailOf = (error: unknown): string =>
  causesOf(error)
    .map((each) => `${(each as Error).name} ${(each as { code?: string }).code ?? ''}`.trim())
    .join(' < ');
