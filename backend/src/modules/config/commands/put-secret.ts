import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type PutSecret as PutSecretInput, type SecretInfo, say } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { Forbidden, NotFound } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { type SecretRow, toSecretInfo } from '../config.queries.js';
import { requireSecretName, requireSecretValue } from '../secret-rules.js';
import { Vault } from '../vault.js';

/** Adds a secret or rotates it: each value is a version of its own. The value goes in and never out. */
export class PutSecret extends Command<SecretInfo> {
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
  ) {}

  async execute({
    ctx,
    name,
    input: { value, purpose, projectId },
  }: PutSecret): Promise<SecretInfo> {
    requireSecretName(name);
    requireSecretValue(value);
    if (!isAllowed(ctx.actor, 'secret.write', projectId))
      throw new Forbidden(say('secrets-not-yours'));
    return this.database.transaction(async (tx) => {
      await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 726302))', [
        `${projectId ?? ''}/${name}`,
      ]);
      if (projectId !== null) {
        const { rows } = await sql(tx, 'SELECT 1 FROM projects WHERE id = $1', [projectId]);
        if (rows.length === 0) throw new NotFound('This project');
      }
      const { rows: before } = await sql<{ version: number; purpose: string }>(
        tx,
        'SELECT version, purpose FROM secrets WHERE name = $1 AND project_id IS NOT DISTINCT FROM $2',
        [name, projectId],
      );
      const version = (before[0]?.version ?? 0) + 1;
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
          ctx.actor.id,
        ],
      );
      await sql(
        tx,
        'DELETE FROM secret_names WHERE name = $1 AND project_id IS NOT DISTINCT FROM $2',
        [name, projectId],
      );
      await this.audit.record(tx, ctx, {
        action: before[0] ? 'secret.rotate' : 'secret.create',
        resource: `secret:${rows[0]!.id}`,
        diff: {
          before: before[0] ? { name, ...before[0], value: 'set' } : null,
          after: { name, version, purpose, value: before[0] ? 'changed' : 'set' },
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
    });
  }
}
