import { Pipe, type PipeTransform, inject } from '@angular/core';
import { builtinRoles } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';

const builtin = new Set<string>(builtinRoles);

/** What people call a role: a built-in one by its word, one of their own by the name that they gave it. */
@Pipe({ name: 'roleName', pure: false })
export class RoleName implements PipeTransform {
  private readonly transloco = inject(TranslocoService);

  transform(role: string): string {
    return builtin.has(role) ? this.transloco.translate(`settings.role.named.${role}`) : role;
  }
}
