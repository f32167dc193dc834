import { z } from 'zod';

/** What may be done, as `<kind of resource>.<action>`. A route names exactly one. */
export const permissions = [
  'project.read',
  'project.write',
  'task.read',
  'task.create',
  'task.cancel',
  'approval.read',
  'approval.decide',
  'approval.override',
  'artifact.read',
  'artifact.write',
  'agent.read',
  'agent.write',
  'agent.operate',
  'tool.read',
  'tool.call',
  'tool.write',
  'config.read',
  'config.write',
  'secret.read',
  'secret.write',
  'audit.read',
  'role.read',
  'role.write',
  'memory.read',
  'memory.write',
  'monitor.read',
  'user.read',
  'user.write',
] as const;
export const Permission = z.enum(permissions).meta({ id: 'Permission' });
export type Permission = z.infer<typeof Permission>;

export const builtinRoles = ['owner', 'admin', 'operator', 'viewer'] as const;
export type BuiltinRole = (typeof builtinRoles)[number];

const viewer: Permission[] = [
  'project.read',
  'task.read',
  'approval.read',
  'artifact.read',
  'agent.read',
  'tool.read',
  'memory.read',
  'monitor.read',
];
const operator: Permission[] = [
  ...viewer,
  'project.write',
  'task.create',
  'task.cancel',
  'approval.decide',
  'artifact.write',
  'agent.operate',
  'tool.call',
  'memory.write',
];

/**
 * The four roles that every installation has. Only an owner may make an owner, or decide alone (`approval.override`)
 * where a policy wants several people or others.
 */
export const rolePermissions: Record<BuiltinRole, readonly Permission[]> = {
  owner: permissions,
  admin: permissions.filter((permission) => permission !== 'approval.override'),
  operator,
  viewer,
};
