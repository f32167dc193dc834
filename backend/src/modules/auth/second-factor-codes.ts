import { hash, randomInt } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

/** What every authenticator app knows without being told (RFC 6238, and Google's key URI format). */
const SECONDS = 30;
const rules = { issuer: 'AOS', algorithm: 'SHA1', digits: 6, period: SECONDS } as const;
/** Steps before and after the present one: clocks of telephones are that far off, and people type slowly. */
const WINDOW = 1;

const RECOVERY_CODES = 10;
/** Crockford's: none is taken for another. 16 of them are 80 bits, so a plain hash is enough to store. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 16;

export const newSecret = (): string => new Secret({ size: 20 }).base32;

export const uriOf = (secret: string, email: string): string =>
  new TOTP({ ...rules, label: email, secret }).toString();

/** Which step the code is of, by this clock; undefined where it is of none that is taken now. */
export function stepOf(secret: string, code: string, atSeconds: number): number | undefined {
  const totp = new TOTP({ ...rules, secret });
  const away = totp.validate({ token: code, timestamp: atSeconds * 1000, window: WINDOW });
  return away === null ? undefined : Math.floor(atSeconds / SECONDS) + away;
}

export const newRecoveryCodes = (): string[] =>
  Array.from({ length: RECOVERY_CODES }, () =>
    Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)])
      .join('')
      .replace(/.{4}(?=.)/g, '$&-'),
  );

export const hashRecoveryCode = (code: string): Buffer => hash('sha256', plain(code), 'buffer');

/** What was typed: figures of an app, something that looks like a recovery code, or nothing of either. */
export function kindOfCode(typed: string): { kind: 'app' | 'recovery'; code: string } | undefined {
  const code = plain(typed);
  if (/^\d{6}$/.test(code)) return { kind: 'app', code };
  return code.length === LENGTH ? { kind: 'recovery', code } : undefined;
}

/** As people copy it down: with or without hyphens, in small letters, an O for a zero, an I or an L for a one. */
const plain = (typed: string) =>
  typed.replace(/[\s-]/g, '').toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1');
