import { Injectable } from '@nestjs/common';
import { randomInt, randomUUID } from 'node:crypto';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import type { Environment } from '../../platform/config/environment.js';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { systemPrincipal } from '../../platform/http/context.js';
import { BuiltinRoles } from '../rbac/index.js';
import { Passwords } from './passwords.js';

/** Any number that nothing else in the database uses. */
const BOOTSTRAP_LOCK = 726_301_002;

/**
 * Makes the first owner, when there is none: the one named by AOS_OWNER_EMAIL and AOS_OWNER_PASSWORD, or one
 * with a password made up here and returned once. Of two processes that start together one makes it, and
 * the other finds it.
 */
@Injectable()
export class OwnerBootstrap {
  constructor(
    private readonly database: Database,
    private readonly roles: BuiltinRoles,
    private readonly passwords: Passwords,
    private readonly audit: AuditTrail,
  ) {}

  /** @returns the first owner's e-mail; `password` only when it was made up by this very call. */
  async ensure(
    environment: Pick<Environment, 'ownerEmail' | 'ownerPassword'>,
  ): Promise<{ email: string; password?: string }> {
    await this.roles.seed(); // may run before the modules' own start
    const [present] = await this.database.query<{ email: string }>(firstOwner);
    if (present) return { email: present.email };
    const email = (environment.ownerEmail ?? 'owner@localhost').toLowerCase();
    const password = environment.ownerPassword ?? madeUpPassword();
    const hash = await this.passwords.hash(password); // before the transaction: it takes a while
    return this.database.transaction(async (tx) => {
      await sql(tx, 'SELECT pg_advisory_xact_lock($1)', [BOOTSTRAP_LOCK]);
      const { rows } = await sql<{ email: string }>(tx, firstOwner);
      if (rows[0]) return { email: rows[0].email };
      await this.insert(tx, email, hash);
      return environment.ownerPassword ? { email } : { email, password };
    });
  }

  private async insert(tx: Tx, email: string, hash: string): Promise<void> {
    const { rows } = await sql<{ id: string }>(
      tx,
      `INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, 'Owner', $3)
       ON CONFLICT (lower(email)) DO UPDATE SET password_hash = excluded.password_hash, is_disabled = false
       RETURNING id`,
      [randomUUID(), email, hash],
    );
    const userId = rows[0]!.id;
    await sql(
      tx,
      `INSERT INTO role_bindings (id, user_id, role, created_by) VALUES ($1, $2, 'owner', 'system')`,
      [randomUUID(), userId],
    );
    await this.audit.record(
      tx,
      { actor: systemPrincipal, traceId: randomUUID().replaceAll('-', ''), ip: null },
      {
        action: 'user.create',
        resource: `user:${userId}`,
        diff: { before: null, after: { email, role: 'owner' } },
      },
    );
  }
}

const firstOwner = `
  SELECT u.email FROM role_bindings b JOIN users u ON u.id = b.user_id
   WHERE b.role = 'owner' AND b.project_id IS NULL ORDER BY u.is_disabled, b.created_at LIMIT 1`;

/** 20 characters that cannot be mistaken for one another: 113 bits. */
function madeUpPassword(): string {
  const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789';
  return Array.from({ length: 20 }, () => alphabet[randomInt(alphabet.length)]).join('');
}
