import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { SystemConfig, type SystemConfigAnswer, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, faultAt } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { Proposals, type Proposed, configChanges } from '../../proposals/index.js';
import { RoleGrants } from '../../rbac/index.js';
import { AddressesInSettings } from '../addresses-in-settings.js';
import { newlyGiven, requireSoundConfig } from '../config-rules.js';
import { Settings, type StoredConfig } from '../settings.js';
import { toStored } from '../stored-settings.js';
import { Vault } from '../vault.js';

export class SaveSystemConfig extends Command<SystemConfigAnswer | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly input: SystemConfig,
    /** The version that the change was made on. */
    readonly base: number,
    readonly comment: string,
  ) {
    super();
  }
}

@CommandHandler(SaveSystemConfig)
export class SaveSystemConfigHandler implements ICommandHandler<SaveSystemConfig> {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly vault: Vault,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
    private readonly wakeups: Wakeups,
    private readonly proposals: Proposals,
    private readonly grants: RoleGrants,
    private readonly addresses: AddressesInSettings,
  ) {
    proposals.appliesBy('config.save', {
      apply: (tx, ctx, { after, base, comment }) =>
        this.save(tx, ctx, SystemConfig.parse(after), base!, comment),
      present: async (tx) => (await settings.lock(tx)).config,
    });
  }

  execute({ ctx, input, base, comment }: SaveSystemConfig) {
    return this.database.transaction((tx) => this.save(tx, ctx, input, base, comment));
  }

  /** Of whoever saves, proposes, confirms or breaks the glass: each could not come back to mend it. */
  private requireOwnAddress({ ip }: Ctx, input: SystemConfig): void {
    if (this.addresses.accessUnder(input, ip).isAllowed) return;
    const address = ip ?? say('address-unknown');
    throw new AosError('own_address_excluded', say('address-locks-out', { address }), {
      errors: [faultAt('security.allowedAddresses', say('address-not-yours', { address }))],
    });
  }

  private async save(
    tx: Tx,
    ctx: Ctx,
    input: SystemConfig,
    base: number,
    comment: string,
  ): Promise<SystemConfigAnswer | Proposed> {
    const present = await this.settings.lock(tx);
    if (present.version !== base) throw stale(present, base, input);
    await requireSoundConfig(this.vault, tx, input);
    const changes = configChanges(present.config, input);
    if (changes.length === 0) return toAnswer(present);
    await this.grants.requireMayHandOut(tx, ctx.actor, newlyGiven(present.config, input));
    const touches = (part: string) => changes.some(({ path }) => path.startsWith(part));
    if (touches('security.allowedAddresses')) this.requireOwnAddress(ctx, input);
    if (touches('security.secondPerson'))
      await this.proposals.requireSomebodyElse(
        tx,
        ctx.confirms ? ctx.confirms.proposedByUser : ctx.actor.userId,
        input.security.secondPerson,
      );
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'settings', action: 'config.save', target: 'config:system' },
      ...{ base, before: present.config, after: input, comment },
      // What maps claims to roles gives roles: with either rule it wants a second person.
      touchesRule: touches('security.secondPerson') || touches('security.signIn.providers'),
    });
    if (proposed) return proposed;
    // Whose it is stays the one who wrote it; who confirmed it is in the audit beside them.
    const author = ctx.confirms?.proposedBy ?? ctx.actor.id;
    const { rows } = await sql<{ created_at: Date }>(
      tx,
      `INSERT INTO config_versions (scope, version, config, comment, created_by) VALUES ('system', $1, $2, $3, $4)
         RETURNING created_at`,
      [present.version + 1, JSON.stringify(toStored(input)), comment, author],
    );
    const version = present.version + 1;
    await this.audit.record(tx, ctx, {
      action: 'config.save',
      resource: 'config:system',
      diff: { version, changes, ...(comment && { comment }) },
    });
    await this.outbox.append(tx, [
      {
        traceId: ctx.traceId,
        topic: 'config',
        type: 'config.changed',
        summary: say('settings-changed', {
          who: ctx.actor.name,
          paths: changes.map((change) => change.path),
        }),
        payload: { scope: 'system', version, paths: changes.map((change) => change.path) },
        actor: ctx.actor.id,
      },
    ]);
    this.wakeups.afterCommit(tx, 'control');
    return toAnswer({
      version,
      config: input,
      comment,
      createdBy: author,
      createdAt: rows[0]!.created_at,
    });
  }
}

export const toAnswer = (stored: StoredConfig): SystemConfigAnswer => ({
  version: stored.version,
  updatedAt: stored.createdAt.toISOString(),
  updatedBy: stored.createdBy,
  comment: stored.comment,
  config: stored.config,
});

/** Tells what would be changed now, so that the one who edits can decide anew. */
function stale(present: StoredConfig, base: number, input: SystemConfig): AosError {
  return new AosError(
    'precondition_failed',
    say('settings-stale', { present: present.version, base }),
    {
      errors: configChanges(present.config, input).map(({ path, before, after }) =>
        faultAt(
          path,
          say('would-become', { before: JSON.stringify(before), after: JSON.stringify(after) }),
        ),
      ),
    },
  );
}
