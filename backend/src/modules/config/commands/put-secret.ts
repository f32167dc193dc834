import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type PutSecret as PutSecretInput, type SecretInfo, say } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { AosError, Forbidden, NotFound } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { type Document, Proposals, type Proposed } from '../../proposals/index.js';
import { type SecretRow, toSecretInfo } from '../config.queries.js';
import { documentOf, lockSecret, requireSeen } from '../secret-document.js';
import { requireSecretName, requireSecretValue } from '../secret-rules.js';
import { Vault } from '../vault.js';

/** Adds a secret or rotates it: each value is a version of its own. The value goes in and never out. */
export class PutSecret extends Command<SecretInfo | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly name: string,
    readonly input: PutSecretInput,
  ) {
    super();
  }
}

@CommandHandler(PutSecret)
export class PutSecretHandler implements ICommandHandler<PutSecret> {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('secret.put', {
      apply: async (tx, ctx, row) => {
        const [name, projectId] = [row.target.slice('secret:'.length), row.project_id];
        const value = await vault.proposedValue(tx, row.id, { name, projectId });
        if (value === undefined) throw new AosError('precondition_failed', say('secrets-moved'));
        const { purpose } = z.object({ purpose: z.string() }).parse(row.after);
        return this.put(tx, ctx, name, { value, purpose, projectId }, row.before);
      },
      present: async (tx, { target, project_id }) =>
        documentOf(await lockSecret(tx, target.slice('secret:'.length), project_id)),
    });
  }

  execute({ ctx, name, input }: PutSecret): Promise<SecretInfo | Proposed> {
    return this.database.transaction((tx) => this.put(tx, ctx, name, input));
  }

  /** `seen` is of what is confirmed: what it was made on. */
  private async put(
    tx: Tx,
    ctx: Ctx,
    name: string,
    { value, purpose, projectId }: PutSecretInput,
    seen?: Document | null,
  ): Promise<SecretInfo | Proposed> {
    requireSecretName(name);
    requireSecretValue(value);
    if (!isAllowed(ctx.actor, 'secret.write', projectId))
      throw new Forbidden(say('secrets-not-yours'));
    await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 726302))', [
      `${projectId ?? ''}/${name}`,
    ]);
    if (projectId !== null) {
      const { rows } = await sql(tx, 'SELECT 1 FROM projects WHERE id = $1', [projectId]);
      if (rows.length === 0) throw new NotFound('This project');
    }
    const before = await lockSecret(tx, name, projectId);
    if (seen !== undefined) requireSeen(before, seen);
    const version = (before?.version ?? 0) + 1;
    const state = before ? 'changed' : 'set';
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'secrets', action: 'secret.put', target: `secret:${name}`, projectId },
      ...{ base: before?.version ?? null, before: documentOf(before) },
      after: { ...before, version, purpose, value: state },
      keep: (id) => this.vault.keepProposed(tx, id, { name, projectId, value }),
    });
    if (proposed) return proposed;
    const sealed = this.vault.seal(name, version, projectId, value);
    const { rows } = await sql<SecretRow & { id: string }>(
      tx,
      `INSERT INTO secrets (id, name, project_id, purpose, version, ciphertext, wrapped_key, key_id, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (project_id, name) DO UPDATE
           SET purpose = excluded.purpose, version = excluded.version, ciphertext = excluded.ciphertext,
               wrapped_key = excluded.wrapped_key, key_id = excluded.key_id, last_rotated = now()
         RETURNING id, name, purpose, project_id, version, last_rotated, last_used_at`,
      [
        randomUUID(),
        name,
        projectId,
        purpose,
        version,
        sealed.ciphertext,
        sealed.wrappedKey,
        sealed.keyId,
        // Whose it is stays the one who proposed it; who confirmed it is in the audit beside them.
        ctx.confirms?.proposedBy ?? ctx.actor.id,
      ],
    );
    await sql(
      tx,
      'DELETE FROM secret_names WHERE name = $1 AND project_id IS NOT DISTINCT FROM $2',
      [name, projectId],
    );
    await this.audit.record(tx, ctx, {
      action: before ? 'secret.rotate' : 'secret.create',
      resource: `secret:${rows[0]!.id}`,
      diff: {
        before: before && { name, version: before.version, purpose: before.purpose, value: 'set' },
        after: { name, version, purpose, value: state },
      },
      projectId,
    });
    await this.outbox.append(tx, [
      {
        traceId: ctx.traceId,
        projectId,
        topic: 'config',
        type: 'config.changed',
        summary: say('secret-set', { who: ctx.actor.name, name, version }),
        payload: { scope: 'secrets', name, version },
        actor: ctx.actor.id,
      },
    ]);
    return toSecretInfo(rows[0]!);
  }
}
