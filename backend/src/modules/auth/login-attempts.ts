import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';

const FREE_FAILURES = 5;
const FREE_FAILURES_PER_IP = 30;
const LONGEST_PAUSE_SECONDS = 900;
const FORGOTTEN_AFTER_MS = 3600_000;
const MOST_REMEMBERED = 20_000;

interface Record {
  failures: number;
  blockedUntil: number;
  lastAt: number;
}

/**
 * Slows guessing down: after five failures for one address and e-mail, each further one doubles a pause in
 * which not even the right password is looked at. An address that fails for many e-mails pauses too. Kept
 * in memory, per process, bounded; a success forgets the pair.
 */
@Injectable()
export class LoginAttempts {
  private readonly records = new Map<string, Record>();

  /** @throws AosError too_many_requests while the pair or the address pauses. */
  requireNoPause(ip: string | null, email: string, now = performance.now()): void {
    const until = Math.max(
      ...keysOf(ip, email).map(([key]) => this.records.get(key)?.blockedUntil ?? 0),
    );
    if (until <= now) return;
    throw new AosError('too_many_requests', say('sign-in-pause'), {
      retryAfterSeconds: Math.ceil((until - now) / 1000),
    });
  }

  failed(ip: string | null, email: string, now = performance.now()): void {
    for (const [key, free] of keysOf(ip, email)) {
      const known = this.records.get(key);
      const record =
        known && now - known.lastAt < FORGOTTEN_AFTER_MS
          ? known
          : { failures: 0, blockedUntil: 0, lastAt: now };
      record.failures++;
      record.lastAt = now;
      const over = record.failures - free;
      if (over >= 0) record.blockedUntil = now + Math.min(LONGEST_PAUSE_SECONDS, 2 ** over) * 1000;
      // Deleted and set again: the map stays in order of last use, and the oldest goes first.
      this.records.delete(key);
      this.records.set(key, record);
    }
    while (this.records.size > MOST_REMEMBERED)
      this.records.delete(this.records.keys().next().value!);
  }

  succeeded(ip: string | null, email: string): void {
    this.records.delete(keysOf(ip, email)[0]![0]);
  }
}

const keysOf = (ip: string | null, email: string): [string, number][] => [
  [`${ip}|${email}`, FREE_FAILURES],
  [`${ip}`, FREE_FAILURES_PER_IP],
];
