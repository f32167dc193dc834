import { Injectable } from '@nestjs/common';
import { type Binding, CreateBinding, type Permission, say } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type Ctx, type Principal, isAllowed } from '../../platform/http/context.js';
import { AosError, Forbidden, NotFound, faultAt } from '../../platform/http/problem.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { Proposals, type Proposed } from '../proposals/index.js';
import { LastOwner } from './rbac.errors.js';

export interface BindingRow {
  id: string;
  user_id: string;
  role: string;
  project_id: string | null;
  created_by: string;
  created_at: Date;
}

export const toBinding = (row: BindingRow): Binding => ({
  id: row.id,
  userId: row.user_id,
  role: row.role,
  projectId: row.project_id,
  createdAt: row.created_at.toISOString(),
  createdBy: row.created_by,
});

/**
 * Who has which role where. Three rules hold on every way in:
 *   nobody hands out a permission that they do not hold there themselves;
 *   only an owner makes or unmakes an owner;
 *   one enabled owner with a password always remains.
 * Each change wakes `control` after its commit, so that sessions see it at once.
 */
@Injectable()
export class RoleGrants {
  constructor(
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
    private readonly wakeups: Wakeups,
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('role.grant', {
      apply: (tx, ctx, { after }) => this.grant(tx, ctx, CreateBinding.parse(after)),
    });
    proposals.appliesBy('role.revoke', {
      apply: (tx, ctx, { target }) => this.revoke(tx, ctx, target.slice('binding:'.length)),
    });
  }

  /** Where a second person is wanted it becomes a proposal. */
  async grant(
    tx: Tx,
    ctx: Ctx,
    { userId, role, projectId }: CreateBinding,
  ): Promise<Binding | Proposed> {
    requireRoleWrite(ctx.actor, projectId);
    const base = await this.requireMayGrant(tx, ctx.actor, role, projectId);
    const { rows: people } = await sql(tx, 'SELECT 1 FROM users WHERE id = $1', [userId]);
    if (people.length === 0) throw new NotFound('This person');
    if (projectId !== null) {
      const { rows: projects } = await sql(tx, 'SELECT 1 FROM projects WHERE id = $1', [projectId]);
      if (projects.length === 0) throw new NotFound('This project');
    }
    const { rows: held } = await sql(
      tx,
      `SELECT 1 FROM role_bindings WHERE user_id = $1 AND role = $2 AND project_id IS NOT DISTINCT FROM $3`,
      [userId, role, projectId],
    );
    if (held.length > 0) throw new AosError('already_exists', say('role-held'));
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'roles', action: 'role.grant', target: `user:${userId}`, projectId },
      ...{ base, before: null, after: { userId, role, projectId } },
    });
    if (proposed) return proposed;
    const { rows } = await sql<BindingRow>(
      tx,
      `INSERT INTO role_bindings (id, user_id, role, project_id, created_by) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT DO NOTHING RETURNING *`,
      [randomUUID(), userId, role, projectId, ctx.actor.id],
    );
    if (!rows[0]) throw new AosError('already_exists', say('role-held'));
    const binding = toBinding(rows[0]);
    await this.changed(
      tx,
      ctx,
      `binding:${binding.id}`,
      'role.grant',
      { before: null, after: binding },
      projectId,
    );
    return binding;
  }

  async revoke(tx: Tx, ctx: Ctx, bindingId: string): Promise<void | Proposed> {
    await lockOwners(tx);
    const { rows } = await sql<BindingRow>(
      tx,
      'SELECT * FROM role_bindings WHERE id = $1 FOR UPDATE',
      [bindingId],
    );
    if (!rows[0]) throw new NotFound('This binding');
    const binding = toBinding(rows[0]);
    requireRoleWrite(ctx.actor, binding.projectId);
    await this.requireMayGrant(tx, ctx.actor, binding.role, binding.projectId);
    if (binding.role === 'owner') await this.requireAnOwner(tx, bindingId);
    const { userId, role, projectId } = binding;
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'roles', action: 'role.revoke', target: `binding:${bindingId}`, projectId },
      ...{ base: null, before: { userId, role, projectId }, after: null },
    });
    if (proposed) return proposed;
    await sql(tx, 'DELETE FROM role_bindings WHERE id = $1', [bindingId]);
    await this.requireAnOwner(tx);
    await this.changed(
      tx,
      ctx,
      `binding:${bindingId}`,
      'role.revoke',
      { before: binding, after: null },
      binding.projectId,
    );
  }

  /**
   * The roles that a provider says somebody has, besides those that people gave them: what it names is there afterwards,
   * what it named before and does not now is gone. A role that they have anyway stays whose it was. Of the last owner the
   * role stays.
   *
   * @returns whether one was left for that.
   */
  async keepInStep(
    tx: Tx,
    ctx: Ctx,
    { userId, givenBy }: { userId: string; givenBy: string },
    roles: readonly string[],
  ): Promise<boolean> {
    await lockOwners(tx);
    const { rows: held } = await sql<BindingRow>(
      tx,
      'SELECT * FROM role_bindings WHERE user_id = $1 AND project_id IS NULL FOR UPDATE',
      [userId],
    );
    let isLastOwner = false;
    for (const row of held) {
      if (row.created_by !== givenBy || roles.includes(row.role)) continue;
      if (row.role === 'owner' && !(await this.leavesAnOwner(tx, row.id))) {
        isLastOwner = true;
        continue;
      }
      await sql(tx, 'DELETE FROM role_bindings WHERE id = $1', [row.id]);
      const diff = { before: toBinding(row), after: null };
      await this.changed(tx, ctx, `binding:${row.id}`, 'role.revoke', diff);
    }
    const missing = roles.filter((role) => !held.some((row) => row.role === role));
    for (const role of missing) {
      // A role that was deleted since the settings were saved gives nothing.
      const { rows } = await sql<BindingRow>(
        tx,
        `INSERT INTO role_bindings (id, user_id, role, created_by)
         SELECT $1, $2, name, $4 FROM roles WHERE name = $3 ON CONFLICT DO NOTHING RETURNING *`,
        [randomUUID(), userId, role, givenBy],
      );
      if (!rows[0]) continue;
      const binding = toBinding(rows[0]);
      const diff = { before: null, after: binding };
      await this.changed(tx, ctx, `binding:${binding.id}`, 'role.grant', diff);
    }
    return isLastOwner;
  }

  /** Whoever lets others have these roles, by whatever means, has to be able to give each of them. */
  async requireMayHandOut(tx: Tx, actor: Principal, roles: readonly string[]): Promise<void> {
    if (roles.length > 0) requireRoleWrite(actor, null);
    for (const role of new Set(roles)) await this.requireMayGrant(tx, actor, role, null);
  }

  /** To change someone's account is to be able to act as them: it takes all that they hold. */
  async requireMayManage(tx: Tx, actor: Principal, userId: string): Promise<void> {
    await lockOwners(tx);
    const { rows } = await sql<{ role: string; project_id: string | null }>(
      tx,
      'SELECT role, project_id FROM role_bindings WHERE user_id = $1',
      [userId],
    );
    for (const { role, project_id } of rows)
      await this.requireMayGrant(tx, actor, role, project_id);
  }

  /**
   * Called after the change, in its transaction, behind the lock that `lockOwners` takes; or before it, with the binding
   * that it would take away.
   */
  async requireAnOwner(tx: Tx, without: string | null = null): Promise<void> {
    if (!(await this.leavesAnOwner(tx, without))) throw new LastOwner();
  }

  /** One with a password: the others cannot come in while their provider is away. */
  private async leavesAnOwner(tx: Tx, without: string | null): Promise<boolean> {
    const { rows } = await sql(
      tx,
      `SELECT 1 FROM role_bindings b JOIN users u ON u.id = b.user_id
        WHERE b.role = 'owner' AND b.project_id IS NULL AND NOT u.is_disabled AND u.password_hash IS NOT NULL
          AND b.id IS DISTINCT FROM $1::uuid LIMIT 1`,
      [without],
    );
    return rows.length > 0;
  }

  /** The audit row, the event and the wake-up of any change in who may do what. */
  async changed(
    tx: Tx,
    ctx: Ctx,
    resource: string,
    action: string,
    diff: Record<string, unknown>,
    projectId: string | null = null,
  ): Promise<void> {
    await this.audit.record(tx, ctx, { action, resource, diff, projectId });
    await this.outbox.append(tx, [
      {
        traceId: ctx.traceId,
        projectId,
        topic: 'config',
        type: 'config.changed',
        summary: say('rights-changed', { who: ctx.actor.name, action, resource }),
        payload: { action, resource },
        actor: ctx.actor.id,
      },
    ]);
    this.wakeups.afterCommit(tx, 'control');
  }

  /** @returns the version of the role */
  private async requireMayGrant(
    tx: Tx,
    actor: Principal,
    role: string,
    projectId: string | null,
  ): Promise<number> {
    const { rows } = await sql<{ permissions: Permission[]; version: number }>(
      tx,
      'SELECT permissions, version FROM roles WHERE name = $1',
      [role],
    );
    if (!rows[0])
      throw new AosError('validation_failed', say('no-role', { role: JSON.stringify(role) }), {
        errors: [faultAt('role', say('not-a-role'))],
      });
    if (role === 'owner' && !(await isOwner(tx, actor)))
      throw new Forbidden('Only an owner may make or unmake an owner.');
    const missing = rows[0].permissions.filter(
      (permission) => !isAllowed(actor, permission, projectId),
    );
    if (missing.length > 0)
      throw new Forbidden(
        `Nobody hands out what they do not hold: you lack ${missing.join(', ')} there.`,
      );
    return rows[0].version;
  }
}

/** The route lets in who may write roles anywhere; it has to be where the binding is. */
function requireRoleWrite(actor: Principal, projectId: string | null): void {
  if (!isAllowed(actor, 'role.write', projectId))
    throw new Forbidden('This needs the permission role.write where the binding is.');
}

/** Whoever takes an owner away waits here for others who do, so that two cannot each leave the other as the last. */
const lockOwners = (tx: Tx) => sql(tx, `SELECT 1 FROM roles WHERE name = 'owner' FOR UPDATE`);

async function isOwner(tx: Tx, actor: Principal): Promise<boolean> {
  const { rows } = await sql(
    tx,
    `SELECT 1 FROM role_bindings WHERE user_id = $1 AND role = 'owner' AND project_id IS NULL`,
    [actor.userId],
  );
  return rows.length > 0;
}
