import type { Permission, ProposalKind } from '@aos/contracts';

/** What it takes to make such a change, and so to confirm one. */
export const permissionOf: Record<ProposalKind, Permission> = {
  settings: 'config.write',
  policies: 'tool.write',
  roles: 'role.write',
  secrets: 'secret.write',
  servers: 'tool.write',
};
/** And to see one: what it takes to see the document. */
export const readingOf: Record<ProposalKind, Permission> = {
  settings: 'config.read',
  policies: 'tool.read',
  roles: 'role.read',
  secrets: 'secret.read',
  servers: 'tool.read',
};

/** As SQL, of a column that holds a kind. */
export const permissionSql = `(CASE p.kind ${Object.entries(permissionOf)
  .map(([kind, permission]) => `WHEN '${kind}' THEN '${permission}'`)
  .join(' ')} END)`;

/**
 * Whether a person could make a change now: the account is on, the permission is held there, and one of the roles where
 * some are named. It is asked inside the transaction that decides, of the tables and of no cache.
 */
export const couldSql = (of: {
  user: string;
  permission: string;
  project: string;
  roles: string;
}): string => `(
  EXISTS (SELECT 1 FROM users u JOIN role_bindings b ON b.user_id = u.id JOIN roles r ON r.name = b.role
           WHERE u.id = ${of.user} AND NOT u.is_disabled AND ${of.permission} = ANY(r.permissions)
             AND (b.project_id IS NULL OR b.project_id = ${of.project}))
  AND ${hasRoleSql(of)})`;

export const hasRoleSql = (of: { user: string; project: string; roles: string }): string => `(
  coalesce(cardinality(${of.roles}), 0) = 0
  OR EXISTS (SELECT 1 FROM role_bindings b WHERE b.user_id = ${of.user} AND b.role = ANY(${of.roles})
                AND (b.project_id IS NULL OR b.project_id = ${of.project})))`;
