import type { Permission, Role } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type Principal, isAllowed } from '../../platform/http/context.js';
import { Forbidden, NotFound } from '../../platform/http/problem.js';
import type { Document, ProposalRow } from '../proposals/index.js';

export interface RoleRow {
  name: string;
  description: string;
  permissions: Permission[];
  is_builtin: boolean;
  version: number;
}

export const toRole = ({ is_builtin, ...role }: RoleRow): Role => ({
  ...role,
  builtin: is_builtin,
});

/**
 * A role that people here have made, locked for a change. The lock is also what a binding to it waits for (its
 * foreign key), so that none appears while it is deleted.
 */
export async function lockOwnRole(tx: Tx, name: string): Promise<Role> {
  const { rows } = await sql<RoleRow>(
    tx,
    'SELECT name, description, permissions, is_builtin, version FROM roles WHERE name = $1 FOR UPDATE',
    [name],
  );
  if (!rows[0]) throw new NotFound('This role');
  if (rows[0].is_builtin)
    throw new Forbidden('The built-in roles are the same everywhere. Make a role of your own.');
  return toRole(rows[0]);
}

/** What of a role can be changed, and so proposed. */
export const documentOf = ({
  description,
  permissions,
}: Pick<Role, 'description' | 'permissions'>): Document => ({ description, permissions });

/** The one that a proposal is about, as it is now. */
export async function presentRole(tx: Tx, { target }: ProposalRow): Promise<Document | null> {
  const { rows } = await sql<RoleRow>(
    tx,
    `SELECT description, permissions FROM roles WHERE 'role:' || name = $1`,
    [target],
  );
  return rows[0] ? documentOf(rows[0]) : null;
}

/** Nobody hands out what they do not hold, nor takes it away. */
export function requireHeld(actor: Principal, permissions: readonly Permission[]): void {
  const missing = [...new Set(permissions)].filter((permission) => !isAllowed(actor, permission));
  if (missing.length > 0)
    throw new Forbidden(
      `A role may hold what its maker holds everywhere: you lack ${missing.join(', ')}.`,
    );
}
