import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { NotFound } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { type Document, Proposals, type Proposed } from '../../proposals/index.js';
import { documentOf, lockSecret, requireSeen } from '../secret-document.js';
import { requireSecretName } from '../secret-rules.js';

export class DeleteSecret extends Command<void | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly name: string,
    readonly projectId: string | null,
  ) {
    super();
  }
}

@CommandHandler(DeleteSecret)
export class DeleteSecretHandler implements ICommandHandler<DeleteSecret> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('secret.delete', {
      apply: (tx, ctx, { target, project_id, before }) =>
        this.delete(tx, ctx, target.slice('secret:'.length), project_id, before),
      present: async (tx, { target, project_id }) =>
        documentOf(await lockSecret(tx, target.slice('secret:'.length), project_id)),
    });
  }

  execute({ ctx, name, projectId }: DeleteSecret): Promise<void | Proposed> {
    return this.database.transaction((tx) => this.delete(tx, ctx, name, projectId));
  }

  /** `seen` is of what is confirmed: what it was made on. */
  private async delete(
    tx: Tx,
    ctx: Ctx,
    name: string,
    projectId: string | null,
    seen?: Document | null,
  ): Promise<void | Proposed> {
    requireSecretName(name);
    if (!isAllowed(ctx.actor, 'secret.write', projectId)) throw new NotFound('This secret');
    const before = await lockSecret(tx, name, projectId);
    if (seen !== undefined) requireSeen(before, seen);
    // A name that waits for its value is no value.
    const proposed =
      before &&
      (await this.proposals.instead(tx, ctx, {
        ...{ kind: 'secrets', action: 'secret.delete', target: `secret:${name}`, projectId },
        ...{ base: before.version, before: documentOf(before), after: null },
      }));
    if (proposed) return proposed;
    // A value may have come for a name that waited for it, written by code that knows no such names.
    const { rows: waiting } = await sql<{ purpose: string }>(
      tx,
      `DELETE FROM secret_names WHERE name = $1 AND project_id IS NOT DISTINCT FROM $2 RETURNING purpose`,
      [name, projectId],
    );
    const { rows } = await sql<{ id: string; version: number; purpose: string }>(
      tx,
      `DELETE FROM secrets WHERE name = $1 AND project_id IS NOT DISTINCT FROM $2 RETURNING id, version, purpose`,
      [name, projectId],
    );
    const gone = rows[0];
    if (!gone && !waiting[0]) throw new NotFound('This secret');
    await this.audit.record(tx, ctx, {
      action: 'secret.delete',
      resource: gone ? `secret:${gone.id}` : 'config:runtime',
      diff: {
        before: gone
          ? { name, version: gone.version, purpose: gone.purpose, value: 'set' }
          : { name, purpose: waiting[0]!.purpose },
        after: null,
      },
      projectId,
    });
    await this.outbox.append(tx, [
      {
        traceId: ctx.traceId,
        projectId,
        topic: 'config',
        type: 'config.changed',
        severity: 'warning',
        summary: say('secret-deleted', { who: ctx.actor.name, name }),
        payload: { scope: 'secrets', name },
        actor: ctx.actor.id,
      },
    ]);
  }
}
