import { type Filling, type ErrorCode, say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';

/** Why nobody was signed in with a provider. `why` is one of the sentences for that, by which the console tells it too. */
export type Why =
  | 'sso-address-unknown'
  | 'sso-away'
  | 'sso-not-asked'
  | 'sso-issuer'
  | 'sso-no-pkce'
  | 'sso-endpoint'
  | 'sso-secret'
  | 'sso-said'
  | 'sso-unfit'
  | 'sso-flow'
  | 'sso-no-account'
  | 'sso-email'
  | 'sso-domain'
  | 'sso-email-taken'
  | 'sso-disabled'
  | 'sso-no-role'
  | 'sso-taken'
  | 'sso-another'
  | 'sso-session'
  | 'sso-no-sign-out';

const failures = new Set<Why>([
  'sso-away',
  'sso-not-asked',
  'sso-issuer',
  'sso-no-pkce',
  'sso-endpoint',
  'sso-secret',
]);

export class SignInRefused extends AosError {
  /** Where the console was to go, as far as that is known: it tells there what went wrong. */
  returnTo: string | undefined;

  constructor(
    readonly why: Why,
    readonly params: Record<string, Filling>,
    options: { cause?: unknown } = {},
  ) {
    super(codeOf(why), say(why, params as never), options);
  }
}

function codeOf(why: Why): ErrorCode {
  if (why === 'sso-address-unknown') return 'unavailable';
  if (why === 'sso-flow' || why === 'sso-session') return 'sign_in_over';
  return failures.has(why) ? 'provider_failed' : 'sign_in_refused';
}
