export { RbacModule } from './rbac.module.js';
export { BuiltinRoles } from './builtin-roles.js';
