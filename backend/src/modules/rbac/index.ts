export { BuiltinRoles } from './builtin-roles.js';
export { RoleGrants } from './grants.js';
export { RbacModule } from './rbac.module.js';
