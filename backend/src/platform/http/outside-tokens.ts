import type { Principal } from './context.js';

/**
 * Tokens that are not AOS's own sessions and API tokens, for the routes that take such (`SignedIn({ outside:
 * true })`). Everywhere else they are worth nothing.
 */
export abstract class OutsideTokens {
  /** Undefined when the token is worth nothing here. */
  abstract identify(token: string): Promise<Principal | undefined>;
}
