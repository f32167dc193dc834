import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
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

  async pass({ ctx, call }: Passage, next: Next): Promise<CallEnd> {
    for (const capability of [ctx.actor.capability, call.capability]) {
      if (!capability) continue;
      requireReach(capability, call.server, call.tool);
      const { maxCalls } = capability.limits;
      if (maxCalls === undefined) continue;
      const lifeMs = capability.expiresAt.getTime() - Date.now();
      const spent = await this.limits.spend(`grant:${capability.id}`, maxCalls, lifeMs);
      const against = { name: 'grant', limit: maxCalls } as const;
      if (!spent.isWithin) throw new TooManyCalls('the grant', `${maxCalls} calls`, against);
    }
    return next();
  }

  preview({ ctx, call }: Passage): Foresight {
    const shown = [ctx.actor.capability, call.capability].flatMap((each) => each ?? []);
    for (const capability of shown) requireReach(capability, call.server, call.tool);
    return {
      verdict: 'pass',
      says:
        shown.length === 0
          ? say('link-no-grant')
          : say('link-grant-reaches', { kinds: shown.map(({ kind }) => kind).join(', ') }),
    };
  }
}
