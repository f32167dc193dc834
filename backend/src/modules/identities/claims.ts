import { type SignInProvider, shownName } from '@aos/contracts';

/** What a provider says of somebody, once its signature and everything around it was found in order. */
export interface Shown {
  subject: string;
  /** Only what the provider says it has verified ties anything to it; the rest is for people to read. */
  email: string | null;
  isEmailVerified: boolean;
  name: string;
  /** What the settings make of the claim. */
  roles: string[];
  /** Whether it stands for a second factor, by what the settings count as one. */
  isStrong: boolean;
  endsSession: boolean;
}

type Claims = Record<string, unknown>;

const text = (value: unknown, most: number): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, most) : null;

/** People choose it there, and it stands here in approvals and in the record: it must show as what it is. */
const nameIn = (value: unknown): string | undefined =>
  shownName(100).safeParse(text(value, 100)).data;

/** Lists, and one text in place of a list; anything else says nothing. */
const texts = (value: unknown): string[] =>
  [value].flat().filter((each): each is string => typeof each === 'string');

export function readClaims(claims: Claims, provider: SignInProvider): Omit<Shown, 'endsSession'> {
  const email = emailIn(claims);
  const { acr, amr } = provider.secondFactor;
  return {
    subject: String(claims['sub']),
    email,
    // Some providers write it as a text; a claim that says anything else has not said it.
    isEmailVerified: email !== null && [true, 'true'].includes(claims['email_verified'] as boolean),
    name: nameIn(claims['name']) ?? nameIn(claims['preferred_username']) ?? email ?? 'Unnamed',
    roles: rolesIn(claims, provider),
    isStrong:
      texts(claims['acr']).some((each) => acr.includes(each)) ||
      texts(claims['amr']).some((each) => amr.includes(each)),
  };
}

function emailIn(claims: Claims): string | null {
  const email = text(claims['email'], 1000)?.toLowerCase();
  return email !== undefined &&
    email.length <= 254 &&
    /^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$/.test(email)
    ? email
    : null;
}

function rolesIn(claims: Claims, { roleClaim, roles }: SignInProvider): string[] {
  if (roleClaim === undefined) return [];
  const values = new Set(texts(claimAt(claims, roleClaim)));
  return [...new Set(roles.filter(({ value }) => values.has(value)).map(({ role }) => role))];
}

/** By its whole name first: names of claims are often addresses, with dots in them. */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name.split('.').reduce<unknown>((at, key) => {
    const inside = at !== null && typeof at === 'object' && Object.hasOwn(at, key);
    return inside ? (at as Claims)[key] : undefined;
  }, claims);
}

/** Of a verified address; the domains of the settings are matched whole. */
export const isOfDomain = (email: string, domains: readonly string[]): boolean =>
  domains.includes(email.slice(email.lastIndexOf('@') + 1));
