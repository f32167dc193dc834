import { Injectable, type OnModuleInit } from '@nestjs/common';
import { builtinRoles, rolePermissions } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';

const descriptions = {
  owner: 'Everything, and alone in making other owners',
  admin: 'Everything except making owners and deciding alone in an emergency',
  operator: 'Runs tasks, calls tools, decides approvals',
  viewer: 'Sees what happens',
};

/** The four roles that every installation has, brought up to this version's permissions at each start. */
@Injectable()
export class BuiltinRoles implements OnModuleInit {
  constructor(private readonly database: Database) {}

  onModuleInit(): Promise<void> {
    return this.seed();
  }

  /** Safe with two processes starting: an upsert, in one order. */
  async seed(): Promise<void> {
    for (const name of builtinRoles)
      await this.database.query(
        `INSERT INTO roles (name, description, permissions, is_builtin) VALUES ($1, $2, $3, true)
         ON CONFLICT (name) DO UPDATE
           SET description = excluded.description, permissions = excluded.permissions, is_builtin = true
           WHERE roles.permissions <> excluded.permissions OR roles.description <> excluded.description
              OR NOT roles.is_builtin`,
        [name, descriptions[name], [...rolePermissions[name]]],
      );
  }
}
