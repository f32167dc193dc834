import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AosError } from '../../platform/http/problem.js';

/** Many people of a company come from one address: far more than those ever do in a minute. */
const PER_MINUTE = 300;

/**
 * How often one address may begin a sign-in or come back with one, in each process. There is nothing to guess in either; but
 * anybody may do it, and it is a row here and requests to a provider each time.
 */
@Injectable()
export class Pace {
  private readonly taken = new RateLimiterMemory({ points: PER_MINUTE, duration: 60 });

  /** @throws AosError too_many_requests */
  async take(ip: string | null): Promise<void> {
    await this.taken.consume(ip ?? '').catch((full: unknown) => {
      if (!(full instanceof RateLimiterRes)) throw full;
      throw new AosError('too_many_requests', say('sign-in-pause'), {
        retryAfterSeconds: Math.ceil(full.msBeforeNext / 1000),
      });
    });
  }
}
