import { type Approvers, type BuiltinRole, type Filling, type Said, say } from '@aos/contracts';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';

/**
 * What a rule asks of those who decide, in one form: roles once each and sorted, and undefined where one person is
 * enough, whoever it is. An approval is of it as well: one that was given under other terms is void.
 */
export function requirementOf(approvers: Approvers | undefined): Approvers | undefined {
  if (!approvers) return undefined;
  const { count, secondPerson } = approvers;
  const roles = approvers.roles && [...new Set(approvers.roles)].sort();
  if (count === 1 && !secondPerson && !roles) return undefined;
  return { count, secondPerson, ...(roles ? { roles } : {}) };
}

/** The same, with what stands where no rule says so. */
export const wholeOf = (approvers: Approvers | undefined, isCall: boolean): Approvers => ({
  count: 1,
  ...approvers,
  // Whoever calls from outside can never decide on it, whatever a rule says.
  secondPerson: isCall || (approvers?.secondPerson ?? false),
});

export const isSameRequirement = (a: Approvers | undefined, b: Approvers | undefined): boolean =>
  canonicalHash({ of: requirementOf(a) ?? null }) ===
  canonicalHash({ of: requirementOf(b) ?? null });

/** For "approved by …". */
export function whomOf({ count, secondPerson, roles }: Approvers): Said {
  const named = roles && eitherOf(roles);
  const whom = named
    ? say(count === 1 ? 'decides-one-of' : 'decides-many-of', { count, roles: named })
    : say(count === 1 ? 'decides-one' : 'decides-many', { count });
  return secondPerson ? say('decides-not-asker', { whom }) : whom;
}

const builtin: Record<BuiltinRole, Said> = {
  owner: say('role-owner'),
  admin: say('role-admin'),
  operator: say('role-operator'),
  viewer: say('role-viewer'),
};

const nameOf = (role: string): Filling =>
  Object.hasOwn(builtin, role) ? builtin[role as BuiltinRole] : role;

const eitherOf = (roles: readonly string[]): Filling =>
  roles.map(nameOf).reduceRight((rest, first) => say('either', { first, rest }));

/**
 * Whether a person could say yes now: the account is on, the permission is held there, and one of the roles. As SQL,
 * since it is asked inside the transaction that counts, of the tables and of no cache.
 */
export const couldDecideSql = (of: {
  user: string;
  project: string;
  roles: string;
  permission?: string;
}): string => `(
  EXISTS (SELECT 1 FROM users u JOIN role_bindings b ON b.user_id = u.id JOIN roles r ON r.name = b.role
           WHERE u.id = ${of.user} AND NOT u.is_disabled AND ${of.permission ?? `'approval.decide'`} = ANY(r.permissions)
             AND (b.project_id IS NULL OR b.project_id = ${of.project}))
  AND (${of.roles} IS NULL
       OR EXISTS (SELECT 1 FROM role_bindings b WHERE b.user_id = ${of.user} AND b.role = ANY(${of.roles})
                    AND (b.project_id IS NULL OR b.project_id = ${of.project}))))`;
