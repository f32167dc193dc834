import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { randomBytes } from 'node:crypto';
import { say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';

/** Each hash takes a core and 19 MB for tens of milliseconds; the rest of the server needs some too. */
const AT_ONCE = 2;
const MOST_WAITING = 32;

/** OWASP's first choice for argon2id; the library's defaults, pinned here. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Hashing of passwords, a few at a time. A flood of sign-ins waits in line up to a bound and is then turned
 * away, instead of taking every core and all memory. The length of a password is bounded by the contract
 * before it gets here.
 *
 * The same letters come in other code points from another keyboard or system (ä in one or in two, a wide space): they
 * are one password, as RFC 8265 has it.
 */
@Injectable()
export class Passwords {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private decoy: Promise<string> | undefined;

  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(asOne(password), cost));
  }

  /**
   * Without a stored hash (there is no such person) a decoy is verified all the same, so that the time of
   * the answer does not tell who exists.
   */
  async isRight(stored: string | null | undefined, password: string): Promise<boolean> {
    const against = stored ?? (await (this.decoy ??= this.hash(randomBytes(16).toString('hex'))));
    const fits = await this.inTurn(() => verify(against, asOne(password)));
    return fits && stored !== null && stored !== undefined;
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < AT_ONCE) this.running++;
    else {
      if (this.waiting.length >= MOST_WAITING)
        throw new AosError('unavailable', say('sign-in-crowd'), {
          retryAfterSeconds: 2,
        });
      // Whoever finishes hands its place over, so `running` stays as it is.
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}

const asOne = (password: string) => password.replace(/\p{Zs}/gu, ' ').normalize('NFC');
