import { Module } from '@nestjs/common';
import { BuiltinRoles } from './builtin-roles.js';
import { ProposalsModule } from '../proposals/index.js';
import { ChangeRoleHandler } from './commands/change-role.js';
import { CreateRoleHandler } from './commands/create-role.js';
import { DeleteRoleHandler } from './commands/delete-role.js';
import { GrantRoleHandler } from './commands/grant-role.js';
import { RevokeRoleHandler } from './commands/revoke-role.js';
import { RoleGrants } from './grants.js';
import { RbacController } from './rbac.controller.js';
import { RbacQueries } from './rbac.queries.js';

@Module({
  imports: [ProposalsModule],
  controllers: [RbacController],
  providers: [
    BuiltinRoles,
    RoleGrants,
    RbacQueries,
    CreateRoleHandler,
    ChangeRoleHandler,
    DeleteRoleHandler,
    GrantRoleHandler,
    RevokeRoleHandler,
  ],
  exports: [BuiltinRoles, RoleGrants],
})
export class RbacModule {}
