import { Module } from '@nestjs/common';
import { BuiltinRoles } from './builtin-roles.js';

@Module({ providers: [BuiltinRoles], exports: [BuiltinRoles] })
export class RbacModule {}
