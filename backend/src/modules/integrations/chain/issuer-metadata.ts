import type { GuardedFetch } from './guarded-fetch.js';

/**
 * One address out of the metadata of an issuer: RFC 8414, then OpenID Connect. The document has to name the very
 * issuer that it was asked of, compared whole: one that is the same only after tidying up may be somebody else's.
 * @throws AddressRefused; Error when neither place answers, or what is there names another issuer or no such address
 */
export async function addressOfIssuer(
  outside: GuardedFetch,
  issuer: string,
  name: 'jwks_uri' | 'token_endpoint',
): Promise<string> {
  const base = new URL(issuer);
  const path = base.pathname.replace(/\/$/, '');
  const places = [
    `${base.origin}/.well-known/oauth-authorization-server${path}`,
    `${base.origin}${path}/.well-known/openid-configuration`,
  ];
  for (const place of places) {
    const metadata = await outside.json(place).catch((error: unknown) => {
      if (place === places.at(-1)) throw error;
      return undefined; // the other place is asked next
    });
    if (!metadata) continue;
    if (metadata['issuer'] !== issuer)
      throw new Error('the metadata of the issuer names another issuer');
    const address = metadata[name];
    if (typeof address === 'string') return address;
  }
  throw new Error(`the metadata of the issuer names no ${name}`);
}
