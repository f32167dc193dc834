import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { isAllowed } from '../../../platform/http/context.js';
import { Forbidden } from '../../../platform/http/problem.js';
import type { CallEnd } from './ledger.js';
import type { Foresight, Link, Next, Passage } from './link.js';

/** May they: `tool.call`, in the project of the call. */
@Injectable()
export class IdentityLink implements Link {
  readonly name = 'identity';

  constructor(private readonly audit: AuditTrail) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const { ctx, projectId } = passage;
    if (isAllowed(ctx.actor, 'tool.call', projectId)) return next();
    // Over HTTP the refusal is recorded with the request; a run has no request.
    if (passage.call.run)
      await this.audit.recordAlone(ctx, {
        action: 'tool.call',
        resource: `tool:${passage.name}`,
        outcome: 'denied',
        projectId,
      });
    throw refusal();
  }

  preview({ ctx, projectId }: Passage): Foresight {
    if (!isAllowed(ctx.actor, 'tool.call', projectId)) throw refusal();
    return { verdict: 'pass', says: say('link-may-call', { who: ctx.actor.name }) };
  }
}

const refusal = () => new Forbidden(say('link-may-not-call'));
