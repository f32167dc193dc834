import { hash, randomBytes } from 'node:crypto';

/** API tokens are told from session tokens by this, also by scanners that look for leaked ones. */
const API_TOKEN_PREFIX = 'aos_';

/** 256 random bits: guessing is hopeless, so a plain hash is enough to store. */
export const newSessionToken = () => randomBytes(32).toString('base64url');
export const newApiToken = () => `${API_TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;

export const hashToken = (token: string): Buffer => hash('sha256', token, 'buffer');

const sessionForm = /^[A-Za-z0-9_-]{43}$/;
const apiForm = /^aos_[A-Za-z0-9_-]{43}$/;

/** What cannot be a token is not looked up. */
export function kindOfToken(text: string): 'session' | 'token' | undefined {
  if (apiForm.test(text)) return 'token';
  return sessionForm.test(text) ? 'session' : undefined;
}
