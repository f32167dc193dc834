import type { McpServerInfo, OutboundOAuth, ServerAuth, ServerLimits } from '@aos/contracts';

export const signInKinds = ['none', 'secret', 'client-credentials', 'token-exchange'] as const;

/** Of an exchange, what is exchanged: a token kept as a secret, or what AOS says of each caller. */
export const subjects = ['secret', 'caller'] as const;

/** How a server is signed in to, as it is typed. */
export interface SignIn {
  kind: (typeof signInKinds)[number];
  secret: string;
  clientId: string;
  /** Of an exchange. */
  subject: (typeof subjects)[number];
  /** Of an exchange of a secret: the one whose value is exchanged. */
  subjectSecret: string;
  /** Whether `address` is the token endpoint, or the issuer whose metadata name it. */
  endpoint: 'tokenUrl' | 'issuer';
  address: string;
  scope: string;
  audience: string;
  resource: string;
}

export const noSignIn: SignIn = {
  kind: 'none',
  secret: '',
  clientId: '',
  subject: 'secret',
  subjectSecret: '',
  endpoint: 'issuer',
  address: '',
  scope: '',
  audience: '',
  resource: '',
};

export function signInOf({ oauth, authSecret }: McpServerInfo): SignIn {
  if (!oauth) return authSecret ? { ...noSignIn, kind: 'secret', secret: authSecret } : noSignIn;
  return {
    kind: oauth.type,
    secret: oauth.secret,
    clientId: oauth.clientId,
    subject: oauth.perCaller ? 'caller' : 'secret',
    subjectSecret: oauth.subjectSecret ?? '',
    endpoint: oauth.tokenUrl === undefined ? 'issuer' : 'tokenUrl',
    address: oauth.tokenUrl ?? oauth.issuer ?? '',
    scope: oauth.scope ?? '',
    audience: oauth.audience ?? '',
    resource: oauth.resource ?? '',
  };
}

/** Null: it is not signed in to. */
export function toAuth(signIn: SignIn): ServerAuth | null {
  const { kind, secret, endpoint } = signIn;
  if (kind === 'none') return null;
  if (kind === 'secret') return { secret };
  const more: Partial<OutboundOAuth> = {};
  for (const key of ['scope', 'audience', 'resource'] as const)
    if (signIn[key].trim()) more[key] = signIn[key].trim();
  return {
    type: kind,
    clientId: signIn.clientId.trim(),
    secret,
    [endpoint]: signIn.address.trim(),
    ...(kind === 'token-exchange' &&
      (signIn.subject === 'caller'
        ? { perCaller: true as const }
        : { subjectSecret: signIn.subjectSecret })),
    ...more,
  };
}

export type SignInFaults = Partial<Record<keyof SignIn, string>>;
const isWeb = (text: string) => /^https?:\/\/[^/]/.test(text) && URL.canParse(text);

/** Keys of words by field. */
export function signInFaults(signIn: SignIn): SignInFaults {
  const faults: SignInFaults = {};
  if (signIn.kind === 'none') return faults;
  if (signIn.secret === '') faults.secret = 'signIn.secretFault';
  if (signIn.kind === 'secret') return faults;
  if (signIn.clientId.trim() === '') faults.clientId = 'signIn.clientFault';
  if (!isWeb(signIn.address.trim())) faults.address = 'urlFault';
  const { kind, subject } = signIn;
  if (kind === 'token-exchange' && subject === 'secret' && signIn.subjectSecret === '')
    faults.subjectSecret = 'signIn.secretFault';
  if (signIn.resource.trim() !== '' && !URL.canParse(signIn.resource.trim()))
    faults.resource = 'urlFault';
  return faults;
}

export const limitKeys = ['perMinute', 'perDay', 'toolPerMinute', 'concurrent'] as const;
/** As typed; an empty field is as the settings of the gateway say. */
export type Limits = Readonly<Record<(typeof limitKeys)[number], string>>;
export const noLimits: Limits = { perMinute: '', perDay: '', toolPerMinute: '', concurrent: '' };
const most: Record<keyof Limits, number> = {
  perMinute: 10_000_000,
  perDay: 1_000_000_000,
  toolPerMinute: 10_000_000,
  concurrent: 10_000,
};

export const limitsOf = (limits: ServerLimits): Limits =>
  Object.fromEntries(
    limitKeys.map((key) => [key, limits[key] == null ? '' : String(limits[key])]),
  ) as Limits;

export const toLimits = (limits: Limits): ServerLimits =>
  Object.fromEntries(
    limitKeys.flatMap((key) => (limits[key].trim() === '' ? [] : [[key, Number(limits[key])]])),
  );

export const limitFaults = (limits: Limits): (keyof Limits)[] =>
  limitKeys.filter((key) => {
    const text = limits[key].trim();
    return text !== '' && !(/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most[key]);
  });
