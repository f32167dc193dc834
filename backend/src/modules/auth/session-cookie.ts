import type { LoginAnswer } from '@aos/contracts';
import type { CookieOptions, Response } from 'express';
import type { Environment } from '../../platform/config/environment.js';
import { SESSION_COOKIE } from './session-authenticator.js';

export const sessionCookie = ({ publicUrl }: Pick<Environment, 'publicUrl'>): CookieOptions => ({
  httpOnly: true,
  sameSite: 'lax',
  secure: publicUrl?.startsWith('https:') ?? false,
  path: '/',
});

/** The same session for whoever asked with a browser, whichever way they came. */
export function handOut(
  response: Response,
  cookie: CookieOptions,
  { accessToken, expiresAt }: LoginAnswer,
): void {
  response.cookie(SESSION_COOKIE, accessToken, { ...cookie, expires: new Date(expiresAt) });
  response.setHeader('cache-control', 'no-store');
}
