import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Policies as PoliciesAnswer, PolicyDocument, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { requireVersion } from '../../../platform/http/etag.js';
import { AosError } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { Proposals, type Proposed, configChanges } from '../../proposals/index.js';
import { Policies, toPolicies } from '../chain/policies.js';
import { faultsOf } from '../chain/policy-rules.js';

/** Saves the rules as a new version; every process goes by them as soon as it hears of it. */
export class SavePolicies extends Command<PoliciesAnswer | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly input: PolicyDocument,
    /** The version that the change was made on. */
    readonly base: number,
  ) {
    super();
  }
}

@CommandHandler(SavePolicies)
export class SavePoliciesHandler implements ICommandHandler<SavePolicies> {
  constructor(
    private readonly database: Database,
    private readonly policies: Policies,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
    private readonly wakeups: Wakeups,
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('policies.save', {
      apply: (tx, ctx, { after, base }) => this.save(tx, ctx, PolicyDocument.parse(after), base!),
      present: async (tx) => (await policies.lock(tx)).document,
    });
  }

  execute({ ctx, input, base }: SavePolicies) {
    return this.database.transaction((tx) => this.save(tx, ctx, input, base));
  }

  private async save(
    tx: Tx,
    ctx: Ctx,
    input: PolicyDocument,
    base: number,
  ): Promise<PoliciesAnswer | Proposed> {
    requireSound(input);
    const present = await this.policies.lock(tx);
    requireVersion(base, present.version);
    const changes = configChanges(present.document, input);
    if (changes.length === 0) return toPolicies(present);
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'policies', action: 'policies.save', target: 'config:policies' },
      ...{ base, before: present.document, after: input },
    });
    if (proposed) return proposed;
    const author = ctx.confirms?.proposedBy ?? ctx.actor.id;
    const version = present.version + 1;
    const { rows } = await sql<{ created_at: Date }>(
      tx,
      `INSERT INTO config_versions (scope, version, config, created_by) VALUES ('policies', $1, $2, $3)
         RETURNING created_at`,
      [version, JSON.stringify(input), author],
    );
    await this.audit.record(tx, ctx, {
      action: 'policies.save',
      resource: 'config:policies',
      diff: { version, before: present.document, after: input },
    });
    await this.outbox.append(tx, [
      {
        traceId: ctx.traceId,
        topic: 'config',
        type: 'config.changed',
        summary: say('policies-changed', { who: ctx.actor.name }),
        payload: { scope: 'policies', version, paths: changes.map((change) => change.path) },
        actor: ctx.actor.id,
      },
    ]);
    this.wakeups.afterCommit(tx, 'control');
    return {
      version,
      document: input,
      updatedBy: author,
      updatedAt: rows[0]!.created_at.toISOString(),
    };
  }
}

/** @throws AosError with every fault */
export function requireSound(document: PolicyDocument): void {
  const errors = faultsOf(document);
  if (errors.length > 0)
    throw new AosError('validation_failed', say('policies-faulty'), {
      errors,
    });
}
