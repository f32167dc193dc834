import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { say } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { AosError } from '../../../platform/http/problem.js';

export interface Spent {
  isWithin: boolean;
  /** Until the count begins anew; undefined when it was within. */
  retryAfterMs?: number;
}

/** Points that this process took from the shared count in advance, or that there are none left. */
interface Lease {
  left: number;
  until: number;
  isSpent: boolean;
  taking: Promise<void> | undefined;
}

/** A lease is this part of the limit: what one process may hold unused while another is told to wait. */
const LEASE_PART = 50;
const MOST_LEASE = 500;
const MOST_KEYS = 20_000;

/**
 * Counts calls against limits that hold for a stretch of time as a whole: a day, the life of a grant. What may
 * happen in a minute is not counted in windows: see TokenBuckets.
 *
 * The counts are rows that all processes share, and that outlive them: a grant for ten calls is for ten, however often
 * a laptop is started meanwhile. A statement for each call and limit would cost more than the call, so a process takes
 * points in advance, a fiftieth of the limit at a time, and spends them here. The sum of what all processes spend is
 * never above the limit; near its end up to a fiftieth for each process may go unused.
 */
@Injectable()
export class Limits {
  private readonly counter: RateLimiterPostgres;
  private readonly leases = new Map<string, Lease>();

  constructor({ pool }: Database) {
    this.counter = new RateLimiterPostgres({
      // The limit differs from key to key, so it is compared here and the counter itself has none.
      ...{ points: Number.MAX_SAFE_INTEGER, duration: 60, keyPrefix: '' },
      storeClient: pool,
      storeType: 'pool',
      tableName: 'rate_limits',
      tableCreated: true,
      clearExpiredByTimeout: true,
    });
  }

  /** Spends one of `limit` points in the window. @throws AosError unavailable when it cannot be counted. */
  async spend(key: string, limit: number, windowMs: number): Promise<Spent> {
    const lease = this.leaseOf(key);
    for (;;) {
      if (Date.now() < lease.until) {
        if (lease.isSpent) return { isWithin: false, retryAfterMs: lease.until - Date.now() };
        if (lease.left > 0) {
          lease.left--;
          return { isWithin: true };
        }
      }
      // One asks for all who wait; then each looks again.
      lease.taking ??= this.take(key, limit, windowMs, lease).finally(() => {
        lease.taking = undefined;
      });
      await lease.taking;
    }
  }

  /** Puts a point back that was spent for a call which was then stopped before it was made. */
  giveBack(key: string): void {
    const lease = this.leaseOf(key);
    if (Date.now() >= lease.until) return; // of a window that is over
    lease.left++;
    lease.isSpent = false;
  }

  /** How many points of the window are gone, as far as all processes have said. */
  async used(key: string, limit: number): Promise<number> {
    const state = await this.counter.get(shortKey(key));
    const unspent = this.leases.get(key)?.left ?? 0;
    return Math.max(0, Math.min(limit, (state?.consumedPoints ?? 0) - unspent));
  }

  private leaseOf(key: string): Lease {
    const known = this.leases.get(key);
    if (known) return known;
    if (this.leases.size >= MOST_KEYS) this.leases.delete(this.leases.keys().next().value!);
    const lease = { left: 0, until: 0, isSpent: false, taking: undefined };
    this.leases.set(key, lease);
    return lease;
  }

  private async take(key: string, limit: number, windowMs: number, lease: Lease): Promise<void> {
    const part = Math.floor(limit / LEASE_PART);
    const options = { customDuration: Math.max(1, Math.ceil(windowMs / 1000)) };
    try {
      for (const points of new Set([Math.min(MOST_LEASE, Math.max(1, part)), 1])) {
        const state = await this.counter.consume(shortKey(key), points, options);
        lease.isSpent = state.consumedPoints > limit;
        lease.left = lease.isSpent ? 0 : points;
        lease.until = Date.now() + Math.max(1, state.msBeforeNext);
        if (!lease.isSpent) return;
        // Several points may be too many where one is not.
        if (points > 1) await this.counter.reward(shortKey(key), points, options);
      }
    } catch (cause) {
      throw cannotCount(cause);
    }
  }
}

export const cannotCount = (cause: unknown) =>
  new AosError('unavailable', say('limits-uncounted'), {
    cause,
    retryAfterSeconds: 2,
  });

/** The column takes 255 characters. */
export const shortKey = (key: string) =>
  key.length <= 200 ? key : createHash('sha256').update(key).digest('hex');
