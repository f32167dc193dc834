import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CreatedToken, type CreateToken, type Permission, say } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, Forbidden, faultAt } from '../../../platform/http/problem.js';
import { hashToken, newApiToken } from '../secret-token.js';

/** The only answer that holds the token; what is stored is its hash. */
export class CreateApiToken extends Command<CreatedToken> {
  constructor(
    readonly ctx: Ctx,
    readonly input: CreateToken,
  ) {
    super();
  }
}

@CommandHandler(CreateApiToken)
export class CreateApiTokenHandler implements ICommandHandler<CreateApiToken> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  async execute({ ctx, input }: CreateApiToken): Promise<CreatedToken> {
    if (ctx.actor.kind === 'token')
      throw new Forbidden(
        'An API token makes no further ones: they would outlive it. Sign in to make another.',
      );
    const held = new Set<Permission>(ctx.actor.grants.map((grant) => grant.permission));
    const scopes = [...new Set(input.scopes ?? held)];
    const missing = scopes.filter((scope) => !held.has(scope));
    if (missing.length > 0)
      throw new Forbidden(
        `A token holds a part of your own rights: you lack ${missing.join(', ')}.`,
      );
    if (input.expiresAt && Date.parse(input.expiresAt) <= Date.now())
      throw new AosError('validation_failed', say('expiry-passed'), {
        errors: [faultAt('expiresAt', say('must-be-future'))],
      });
    const [id, token] = [randomUUID(), newApiToken()];
    return this.database.transaction(async (tx) => {
      const { rows } = await sql<{ created_at: Date; expires_at: Date | null }>(
        tx,
        `INSERT INTO api_tokens (id, user_id, name, token_hash, scopes, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING created_at, expires_at`,
        [id, ctx.actor.userId, input.name, hashToken(token), scopes, input.expiresAt ?? null],
      );
      const expiresAt = rows[0]!.expires_at?.toISOString() ?? null;
      await this.audit.record(tx, ctx, {
        action: 'token.create',
        resource: `token:${id}`,
        diff: { before: null, after: { name: input.name, scopes, expiresAt } },
      });
      const createdAt = rows[0]!.created_at.toISOString();
      return { id, name: input.name, scopes, createdAt, expiresAt, lastUsedAt: null, token };
    });
  }
}
