import { Injectable } from '@nestjs/common';
import { hash, timingSafeEqual } from 'node:crypto';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { hashToken, newSessionToken } from '../auth/index.js';

/** In the browser that began it, and nowhere else. */
export const FLOW_COOKIE = 'aos_sign_in';
export const FLOW_MINUTES = 10;
const CODE_MINUTES = 5;

export interface Flow {
  provider: string;
  redirectUri: string;
  returnTo: string;
  /** Whose account an identity is connected with, and in which of their sessions that was begun. */
  connects: { userId: string; sessionId: string } | null;
}

interface FlowRow {
  provider: string;
  redirect_uri: string;
  return_to: string;
  connects: string | null;
  session_id: string | null;
}

/** A sign-in of which a code is still wanted. */
export interface WaitingFlow {
  identityId: string;
  provider: string;
  returnTo: string;
  endsSession: boolean;
}

/**
 * Sign-ins that are under way. The browser holds 256 random bits in a cookie, the database their hash; what has to come back
 * from the provider unchanged (state, nonce) and what shows that it is us who ask for the tokens (the PKCE verifier) are made
 * of the bits. So a flow belongs to one browser, whoever reads the database learns nothing, any process finishes it, and once
 * it is taken it is gone.
 */
@Injectable()
export class Flows {
  constructor(private readonly database: Database) {}

  /** `token` is what the browser is to keep. */
  async begin(token: string, { provider, redirectUri, returnTo, connects }: Flow): Promise<void> {
    await this.database.query(
      `INSERT INTO sign_in_flows (token_hash, provider, redirect_uri, return_to, connects, session_id, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, now() + interval '${FLOW_MINUTES} minutes')`,
      [
        ...[hashToken(token), provider, redirectUri, returnTo],
        ...[connects?.userId ?? null, connects?.sessionId ?? null],
      ],
    );
  }

  /** Once, and only for who shows the state that belongs to it: others do not end it either. */
  async take(
    token: string | undefined,
    provider: string,
    state: unknown,
  ): Promise<Flow | undefined> {
    if (token === undefined || !isOurs(state, checksOf(token).state)) return undefined;
    const [row] = await this.database.query<FlowRow>(
      `DELETE FROM sign_in_flows WHERE token_hash = $1 AND provider = $2 AND waits_for IS NULL AND expires_at > now()
       RETURNING provider, redirect_uri, return_to, connects, session_id`,
      [hashToken(token), provider],
    );
    return (
      row && {
        provider: row.provider,
        redirectUri: row.redirect_uri,
        returnTo: row.return_to,
        connects:
          row.connects && row.session_id
            ? { userId: row.connects, sessionId: row.session_id }
            : null,
      }
    );
  }

  /** Another token than that of the way to the provider: what was in an address is worth nothing any more. */
  async waitForCode(tx: Tx, waiting: WaitingFlow): Promise<string> {
    const token = newSessionToken();
    await sql(
      tx,
      `INSERT INTO sign_in_flows (token_hash, provider, redirect_uri, return_to, waits_for, ends_session, expires_at)
       VALUES ($1, $2, '', $3, $4, $5, now() + interval '${CODE_MINUTES} minutes')`,
      [
        ...[hashToken(token), waiting.provider, waiting.returnTo],
        ...[waiting.identityId, waiting.endsSession],
      ],
    );
    return token;
  }

  async lockWaiting(tx: Tx, token: string | undefined): Promise<WaitingFlow | undefined> {
    if (token === undefined) return undefined;
    const { rows } = await sql<FlowRow & { waits_for: string; ends_session: boolean }>(
      tx,
      `SELECT * FROM sign_in_flows WHERE token_hash = $1 AND waits_for IS NOT NULL AND expires_at > clock_timestamp()
          FOR UPDATE`,
      [hashToken(token)],
    );
    const row = rows[0];
    return (
      row && {
        identityId: row.waits_for,
        provider: row.provider,
        returnTo: row.return_to,
        endsSession: row.ends_session,
      }
    );
  }

  async end(tx: Tx, token: string): Promise<void> {
    await sql(tx, 'DELETE FROM sign_in_flows WHERE token_hash = $1', [hashToken(token)]);
  }
}

/** Each of a purpose of its own: the state is seen by whoever sees the address, and tells nothing of the others. */
export const checksOf = (token: string) => ({
  state: hash('sha256', `state ${token}`, 'base64url'),
  nonce: hash('sha256', `nonce ${token}`, 'base64url'),
  verifier: hash('sha256', `verifier ${token}`, 'base64url'),
});

function isOurs(shown: unknown, expected: string): boolean {
  const [a, b] = [Buffer.from(typeof shown === 'string' ? shown : ''), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
