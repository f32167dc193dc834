import type { IncomingMessage } from 'node:http';
import type { Principal } from './context.js';

/** The part of a request that says who sends it. */
export type Credentials = Pick<IncomingMessage, 'headers'>;

/** Who a request comes from, and how it showed that. */
export interface Identity {
  principal: Principal;
  /** What was shown: a session (from signing in) or a token. */
  by: 'session' | 'token';
  /** How it travelled. A cookie is sent by browsers unasked, so cookies alone need the CSRF check. */
  carrier: 'bearer' | 'cookie';
  csrfToken: string | null;
  sessionId: string | null;
  /** The settings want a second factor of this person, who has none: only what sets one up is open, and no grant is held. */
  mustSetUpSecondFactor: boolean;
}

/** Of somebody who showed a token: nothing that only sessions have. */
export const byToken = (principal: Principal): Identity => ({
  principal,
  by: 'token',
  carrier: 'bearer',
  csrfToken: null,
  sessionId: null,
  mustSetUpSecondFactor: false,
});

/**
 * Turns a request into the one who sent it: over HTTP, at a WebSocket's upgrade and on an event stream
 * alike. Answers undefined when nothing was shown, or nothing that is valid now.
 */
export abstract class Authenticator {
  abstract authenticate(request: Credentials): Promise<Principal | undefined>;

  /** As `authenticate`, with what the HTTP guard needs besides. */
  async identify(request: Credentials): Promise<Identity | undefined> {
    const principal = await this.authenticate(request);
    return principal && byToken(principal);
  }
}
