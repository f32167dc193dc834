import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Database } from '../../../platform/database/database.js';
import { shortKey, type Spent, cannotCount } from './limits.js';

/** What came of asking a bucket for tokens: some, or none and when there will be one. */
interface Taken {
  tokens: number;
  retryAfterMs: number;
}

/** Where the buckets stand. `perMinute` is both the size of a bucket and how much flows into it in a minute. */
interface Buckets {
  take(key: string, most: number, perMinute: number): Promise<Taken>;
  /** Tokens that could be taken now. */
  left(key: string, perMinute: number): Promise<number>;
}

/** Tokens that this process took and has not spent yet, or until when there are none to be had. */
interface Lease {
  tokens: number;
  takenAt: number;
  size: number;
  emptyUntil: number;
  taking: Promise<void> | undefined;
}

export const MINUTE_MS = 60_000;
/** No process holds more than this part of a limit unspent. */
const LEASE_PART = 50;
const MOST_LEASE = 500;
/** A lease that is used up sooner is doubled the next time. */
const BUSY_MS = 1_000;
const MOST_KEYS = 20_000;
const SWEEP_MS = 10 * MINUTE_MS;

/**
 * Rates of calls, as buckets: each holds a minute's worth of tokens, a call takes one, and they flow back
 * steadily. Nobody waits for a window to end, and a caller that keeps to its rate is never refused.
 *
 *     call --one token--> lease of this process --when it is used up--> bucket, shared by all processes
 *
 * States. A bucket is one number, the moment at which it will be full again: each token taken moves it on by a
 * minute's part, and time itself fills it, so nothing runs in the background. On a Postgres server it is a row;
 * judging it and taking from it are one statement, on the database's clock. On the embedded database there is
 * one process, and the buckets are in its memory.
 *
 * A statement for every call and limit would cost more than the call. So a process takes tokens ahead: one at
 * first, and twice as many each time it has used up what it took within a second, up to a fiftieth of the limit.
 * That there is none to be had is remembered too, until the moment at which there is: a caller that does not wait
 * costs the database nothing.
 *
 * Guarantees. In any stretch of t minutes all processes together let through no more calls than what the bucket
 * held (`limit`), what flowed in (`limit * t`) and what each of them had taken ahead (`limit / 50`, at least one and
 * at most 500; on the embedded database nothing). Unspent tokens are let go after a minute, in which the bucket
 * would have filled anyway. A bucket whose row was lost is full.
 */
@Injectable()
export class TokenBuckets implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(TokenBuckets.name);
  private readonly leases = new Map<string, Lease>();
  private readonly buckets: Buckets;
  private sweeping: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {
    this.buckets = database.kind === 'server' ? new SharedBuckets(database) : new BucketsInMemory();
  }

  onModuleInit(): void {
    if (this.database.kind === 'server')
      this.sweeping = setInterval(() => void this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.sweeping);
  }

  /** Takes one token. @throws AosError unavailable when it cannot be counted. */
  async spend(key: string, perMinute: number): Promise<Spent> {
    const lease = this.heldOf(key, perMinute);
    for (;;) {
      const now = performance.now();
      if (lease.tokens > 0 && now - lease.takenAt < MINUTE_MS) {
        lease.tokens--;
        return { isWithin: true };
      }
      if (now < lease.emptyUntil) return { isWithin: false, retryAfterMs: lease.emptyUntil - now };
      // One asks for all who wait; then each looks again.
      lease.taking ??= this.take(key, perMinute, lease).finally(() => {
        lease.taking = undefined;
      });
      await lease.taking;
    }
  }

  /** Puts a token back that was taken for a call which then another limit refused. */
  giveBack(key: string, perMinute: number): void {
    this.heldOf(key, perMinute).tokens++;
  }

  /** How much of a minute's worth is gone, as far as all processes have said. */
  async used(key: string, perMinute: number): Promise<number> {
    const left = await counted(this.buckets.left(shortKey(key), perMinute));
    const ahead = this.leases.get(nameOf(key, perMinute))?.tokens ?? 0;
    return Math.max(0, perMinute - left - ahead);
  }

  private heldOf(key: string, perMinute: number): Lease {
    const name = nameOf(key, perMinute);
    const known = this.leases.get(name);
    if (known) return known;
    if (this.leases.size >= MOST_KEYS) this.leases.delete(this.leases.keys().next().value!);
    const lease = { tokens: 0, takenAt: 0, size: 0, emptyUntil: 0, taking: undefined };
    this.leases.set(name, lease);
    return lease;
  }

  private async take(key: string, perMinute: number, lease: Lease): Promise<void> {
    const isBusy = lease.size > 0 && performance.now() - lease.takenAt < BUSY_MS;
    const most = this.database.kind === 'server' ? mostAhead(perMinute) : 1;
    lease.size = isBusy ? Math.min(most, lease.size * 2) : 1;
    const { tokens, retryAfterMs } = await counted(
      this.buckets.take(shortKey(key), lease.size, perMinute),
    );
    lease.tokens = tokens;
    lease.takenAt = performance.now();
    // Rather a moment too early than, by what rounding has added, too late: then a rate kept to would be refused.
    lease.emptyUntil = tokens > 0 ? 0 : lease.takenAt + Math.max(1, Math.floor(retryAfterMs));
  }

  /** Clears away the rows of buckets that are full: without one a bucket is full as well. */
  async sweep(): Promise<void> {
    try {
      await this.database.run(`DELETE FROM rate_buckets WHERE full_at_ms < ${NOW_MS}`);
    } catch (error) {
      this.logger.warn({ msg: 'full buckets could not be cleared away', err: error });
    }
  }
}

/** The most that one process takes ahead. */
export const mostAhead = (perMinute: number): number =>
  Math.min(MOST_LEASE, Math.max(1, Math.floor(perMinute / LEASE_PART)));

/** With another limit a lease of the old one says nothing. */
const nameOf = (key: string, perMinute: number) => `${perMinute} ${key}`;

const counted = <T>(count: Promise<T>): Promise<T> =>
  count.catch((cause: unknown) => {
    throw cannotCount(cause);
  });

const NOW_MS = `(extract(epoch FROM clock_timestamp())::float8 * 1000)`;

/** The row's time is asked for before it is locked: a statement that had to wait judges by a little earlier time. */
const ASKED_AT = '(EXCLUDED.full_at_ms - $2::int * $3::float8)';
const GRANTED = `greatest(0, least($2::int, floor((${MINUTE_MS} - greatest(0, b.full_at_ms - ${ASKED_AT})) / $3::float8 + 0.001)))`;
/** $1 key, $2 tokens wanted, $3 what one of them costs in ms. */
const TAKE = `
  INSERT INTO rate_buckets AS b (key, full_at_ms, taken) VALUES ($1, ${NOW_MS} + $2::int * $3::float8, $2::int)
  ON CONFLICT (key) DO UPDATE
    SET taken = ${GRANTED}::int, full_at_ms = greatest(b.full_at_ms, ${ASKED_AT}) + $3::float8 * ${GRANTED}
  RETURNING taken, full_at_ms - ${NOW_MS} AS "fullInMs"`;

class SharedBuckets implements Buckets {
  constructor(private readonly database: Database) {}

  async take(key: string, most: number, perMinute: number): Promise<Taken> {
    const cost = MINUTE_MS / perMinute;
    const [row] = await this.database.query<{ taken: number; fullInMs: number }>(TAKE, [
      key,
      most,
      cost,
    ]);
    return { tokens: row!.taken, retryAfterMs: row!.fullInMs + cost - MINUTE_MS };
  }

  async left(key: string, perMinute: number): Promise<number> {
    const [row] = await this.database.query<{ fullInMs: number }>(
      `SELECT full_at_ms - ${NOW_MS} AS "fullInMs" FROM rate_buckets WHERE key = $1`,
      [key],
    );
    return tokensIn(row?.fullInMs ?? 0, perMinute);
  }
}

class BucketsInMemory implements Buckets {
  private readonly fullAt = new Map<string, number>();

  take(key: string, most: number, perMinute: number): Promise<Taken> {
    const now = performance.now();
    const cost = MINUTE_MS / perMinute;
    const fullInMs = Math.max(0, (this.fullAt.get(key) ?? 0) - now);
    const tokens = Math.min(most, tokensIn(fullInMs, perMinute));
    // Kept in the order of their last use, so that the first is the one that was left alone longest.
    this.fullAt.delete(key);
    if (this.fullAt.size >= MOST_KEYS) this.fullAt.delete(this.fullAt.keys().next().value!);
    this.fullAt.set(key, now + fullInMs + tokens * cost);
    return Promise.resolve({ tokens, retryAfterMs: fullInMs + cost - MINUTE_MS });
  }

  left(key: string, perMinute: number): Promise<number> {
    const fullInMs = (this.fullAt.get(key) ?? 0) - performance.now();
    return Promise.resolve(tokensIn(fullInMs, perMinute));
  }
}

/** Of a bucket that will be full in so many ms. A thousandth of a token is what rounding may have lost. */
const tokensIn = (fullInMs: number, perMinute: number): number =>
  Math.max(0, Math.floor(perMinute - (Math.max(0, fullInMs) * perMinute) / MINUTE_MS + 0.001));
