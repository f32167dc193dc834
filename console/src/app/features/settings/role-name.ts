import { Pipe, type PipeTransform, inject } from '@angular/core';
import type { BuiltinRole } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';

/** The contract's own list would bring its schemas along. */
const builtin: Record<BuiltinRole, true> = {
  owner: true,
  admin: true,
  operator: true,
  viewer: true,
};

/** What people call a role: a built-in one by its word, one of their own by the name that they gave it. */
@Pipe({ name: 'roleName', pure: false })
export class RoleName implements PipeTransform {
  private readonly transloco = inject(TranslocoService);

  transform(role: string): string {
    return Object.hasOwn(builtin, role)
      ? this.transloco.translate(`settings.role.named.${role}`)
      : role;
  }
}
