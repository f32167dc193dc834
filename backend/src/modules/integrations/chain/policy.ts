import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import type { Ctx } from '../../../platform/http/context.js';
import type { GatewayCall } from '../call.js';
import { PoliciesMoved, PoliciesUnreadable, PolicyDenied } from '../integrations.errors.js';
import type { CallEnd } from './ledger.js';
import type { Foresight, Link, Next, Passage } from './link.js';
import { Policies } from './policies.js';
import type { Decision, Question } from './policy-rules.js';

/** What the rules say of a call: let it through, refuse it, or ask somebody first. */
@Injectable()
export class PolicyLink implements Link {
  readonly name = 'policy';

  constructor(
    private readonly policies: Policies,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Between this and the ledger a call may wait, and another process may save other rules, of which word comes a few
   * milliseconds later. The ledger sees that, records nothing, and the call is decided anew: by the rules as they are.
   */
  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    for (let before = -1; ;) {
      await this.requireAllowed(passage);
      try {
        return await next();
      } catch (error) {
        // What the same version is refused for again is something else, and would be without an end.
        if (!(error instanceof PoliciesMoved) || passage.policies === before) throw error;
        before = passage.policies;
        this.policies.forget();
      }
    }
  }

  private async requireAllowed(passage: Passage): Promise<void> {
    const { ctx, call, projectId } = passage;
    const { effect, rule, approvers, version } = await this.decide(ctx, call, projectId);
    passage.rule = rule;
    passage.policies = version;
    if (effect === 'deny') {
      if (call.run)
        await this.audit.recordAlone(ctx, {
          action: 'tool.call',
          resource: `tool:${passage.name}`,
          outcome: 'denied',
          diff: { policy: rule },
          projectId,
        });
      throw new PolicyDenied(passage.name, rule);
    }
    passage.needsApproval = effect === 'approve';
    passage.approvers = approvers;
  }

  async preview(passage: Passage): Promise<Foresight> {
    const { ctx, call, projectId } = passage;
    const { effect, rule, approvers } =
      passage.foretold ?? (await this.decide(ctx, call, projectId));
    if (effect === 'deny') throw new PolicyDenied(passage.name, rule);
    passage.needsApproval = effect === 'approve';
    passage.approvers = approvers;
    if (effect === 'approve')
      return {
        verdict: 'ask',
        says: rule === null ? say('link-asks-by-default') : say('link-asks', { rule }),
      };
    return {
      verdict: 'pass',
      says: rule === null ? say('link-allowed-by-default') : say('link-allowed', { rule }),
    };
  }

  async decide(
    ctx: Ctx,
    call: GatewayCall,
    projectId: string | null,
  ): Promise<Decision & { version: number }> {
    const { compiled, document, version } = await this.policies.stored();
    if (!compiled) throw new PoliciesUnreadable();
    // Most installations have no rule: nothing to look up then.
    if (document.rules.length === 0) return { effect: document.default, rule: null, version };
    const { server, tool, args } = call;
    const caller = await this.callerOf(ctx, projectId);
    return { ...compiled.decide({ server, tool, args, ...caller }), version };
  }

  /** Tells which tools somebody cannot call outside a project, whatever the arguments. */
  async closedTo(ctx: Ctx): Promise<(server: string, tool: string) => boolean> {
    const { compiled, document } = await this.policies.stored();
    if (!compiled) return () => true; // nothing can be called: see `decide`
    if (document.rules.length === 0) return () => document.default === 'deny';
    const caller = await this.callerOf(ctx, null);
    return (server, tool) => compiled.isClosed({ server, tool, ...caller });
  }

  private async callerOf(
    { actor }: Ctx,
    projectId: string | null,
  ): Promise<Pick<Question, 'roles' | 'agent' | 'projectId'>> {
    return {
      roles: await this.policies.rolesOf(actor, projectId),
      agent: actor.kind === 'agent' ? [actor.name, actor.id.replace(/^agent:/, '')] : [],
      projectId,
    };
  }
}
