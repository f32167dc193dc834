import { Injectable } from '@nestjs/common';
import { QuotaExceeded, TooManyCalls } from '../integrations.errors.js';
import type { CallEnd } from './ledger.js';
import { Limits } from './limits.js';
import { LimitsInForce, type LimitInForce, msToMidnight } from './limits-in-force.js';
import type { Foresight, Link, Next, Passage } from './link.js';

const MINUTE_MS = 60_000;

/** Calls per day and person, and per day and server; the day is that of UTC. */
@Injectable()
export class QuotaLink implements Link {
  readonly name = 'quota';

  constructor(
    private readonly limits: Limits,
    private readonly inForce: LimitsInForce,
  ) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    for (const { key, limit, of } of await this.inForce.perDay(passage)) {
      const { isWithin } = await this.limits.spend(key, limit, msToMidnight());
      if (!isWithin) throw new QuotaExceeded(of, limit, msToMidnight() / 1000);
    }
    return next();
  }

  async preview(passage: Passage): Promise<Foresight> {
    return tell(this.limits, await this.inForce.perDay(passage), 'today', (of, limit) => {
      throw new QuotaExceeded(of, limit, msToMidnight() / 1000);
    });
  }
}

/** Calls per minute: of a caller, to a server, to a tool. */
@Injectable()
export class RateLimitLink implements Link {
  readonly name = 'rate-limit';

  constructor(
    private readonly limits: Limits,
    private readonly inForce: LimitsInForce,
  ) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    for (const { key, limit, of } of await this.inForce.perMinute(passage)) {
      const { isWithin, retryAfterMs } = await this.limits.spend(key, limit, MINUTE_MS);
      if (!isWithin) throw new TooManyCalls(of, `${limit} calls a minute`, retryAfterMs);
    }
    return next();
  }

  async preview(passage: Passage): Promise<Foresight> {
    return tell(this.limits, await this.inForce.perMinute(passage), 'this minute', (of, limit) => {
      throw new TooManyCalls(of, `${limit} calls a minute`, MINUTE_MS);
    });
  }
}

async function tell(
  limits: Limits,
  inForce: LimitInForce[],
  when: string,
  refuse: (of: string, limit: number) => never,
): Promise<Foresight> {
  const said: string[] = [];
  for (const { key, limit, of } of inForce) {
    const used = await limits.used(key, limit);
    if (used >= limit) refuse(of, limit);
    said.push(`${of} has used ${used} of ${limit} ${when}`);
  }
  return { verdict: 'pass', says: said.length > 0 ? `${said.join('; ')}.` : 'No limit is set.' };
}
