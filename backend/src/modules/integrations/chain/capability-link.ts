import { Injectable } from '@nestjs/common';
import { TooManyCalls } from '../integrations.errors.js';
import { requireReach } from './capability.js';
import type { CallEnd } from './ledger.js';
import { Limits } from './limits.js';
import type { Foresight, Link, Next, Passage } from './link.js';

/** What was shown besides the rights (a grant, scopes) reaches this tool, and has calls left. */
@Injectable()
export class CapabilityLink implements Link {
  readonly name = 'capability';

  constructor(private readonly limits: Limits) {}

  async pass({ call }: Passage, next: Next): Promise<CallEnd> {
    const { capability } = call;
    if (!capability) return next();
    requireReach(capability, call.server, call.tool);
    const { maxCalls } = capability.limits;
    if (maxCalls !== undefined) {
      const lifeMs = capability.expiresAt.getTime() - Date.now();
      const spent = await this.limits.spend(`grant:${capability.id}`, maxCalls, lifeMs);
      if (!spent.isWithin) throw new TooManyCalls('the grant', `${maxCalls} calls`, undefined);
    }
    return next();
  }

  preview({ call }: Passage): Foresight {
    const { capability } = call;
    if (!capability) return { verdict: 'pass', says: 'No grant narrows this call.' };
    requireReach(capability, call.server, call.tool);
    return { verdict: 'pass', says: `The ${capability.kind} reaches ${call.server}.${call.tool}.` };
  }
}
