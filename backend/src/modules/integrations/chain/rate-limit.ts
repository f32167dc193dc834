import { Injectable } from '@nestjs/common';
import { type Said, say } from '@aos/contracts';
import { QuotaExceeded, TooManyCalls } from '../integrations.errors.js';
import type { CallEnd } from './ledger.js';
import { Limits } from './limits.js';
import { LimitsInForce, type LimitInForce, msToMidnight } from './limits-in-force.js';
import type { Foresight, Link, Next, Passage } from './link.js';
import { MINUTE_MS, TokenBuckets } from './token-buckets.js';

/**
 * Calls per day and person, and per day and server; the day is that of UTC. A call that is stopped before it is in
 * the ledger has used nothing up.
 */
@Injectable()
export class QuotaLink implements Link {
  readonly name = 'quota';

  constructor(
    private readonly limits: Limits,
    private readonly inForce: LimitsInForce,
  ) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const spent: LimitInForce[] = [];
    try {
      for (const limit of await this.inForce.perDay(passage)) {
        const { isWithin } = await this.limits.spend(limit.key, limit.limit, msToMidnight());
        if (!isWithin) throw new QuotaExceeded(limit.of, limit.limit, msToMidnight());
        spent.push(limit);
      }
      return await next();
    } catch (error) {
      if (!passage.row) for (const { key } of spent) this.limits.giveBack(key);
      throw error;
    }
  }

  async preview(passage: Passage): Promise<Foresight> {
    return tell(this.limits, await this.inForce.perDay(passage), 'link-used-today', (of, limit) => {
      throw new QuotaExceeded(of, limit, msToMidnight());
    });
  }
}

/** Calls per minute: of a caller, to a server, to a tool. A call that one of them refuses takes from none. */
@Injectable()
export class RateLimitLink implements Link {
  readonly name = 'rate-limit';

  constructor(
    private readonly buckets: TokenBuckets,
    private readonly inForce: LimitsInForce,
  ) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const taken: LimitInForce[] = [];
    for (const limit of await this.inForce.perMinute(passage)) {
      const { isWithin, retryAfterMs } = await this.buckets.spend(limit.key, limit.limit);
      if (isWithin) taken.push(limit);
      else {
        for (const each of taken) this.buckets.giveBack(each.key, each.limit);
        throw tooMany(limit, retryAfterMs!);
      }
    }
    return next();
  }

  async preview(passage: Passage): Promise<Foresight> {
    return tell(
      this.buckets,
      await this.inForce.perMinute(passage),
      'link-used-this-minute',
      (of, limit) => {
        throw tooMany({ of, limit }, MINUTE_MS / limit);
      },
    );
  }
}

function tooMany({ of, limit }: Pick<LimitInForce, 'of' | 'limit'>, retryAfterMs: number) {
  const against = { name: 'minute', limit, windowSeconds: MINUTE_MS / 1000 } as const;
  return new TooManyCalls(of, say('calls-a-minute', { limit }), against, retryAfterMs);
}

async function tell(
  counts: Pick<Limits | TokenBuckets, 'used'>,
  inForce: LimitInForce[],
  code: 'link-used-today' | 'link-used-this-minute',
  refuse: (of: string, limit: number) => never,
): Promise<Foresight> {
  const said: Said[] = [];
  for (const { key, limit, of } of inForce) {
    const used = await counts.used(key, limit);
    if (used >= limit) refuse(of, limit);
    said.push(say(code, { of, used, limit }));
  }
  return { verdict: 'pass', says: said.length > 0 ? said : say('link-no-limit') };
}
