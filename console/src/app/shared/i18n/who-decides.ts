import { Injectable, inject } from '@angular/core';
import type { Approvers, BuiltinRole } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';

/** Whether a rule wants anything of those who decide; else one person may, whoever it is. */
export const isParticular = ({ count, secondPerson, roles }: Approvers): boolean =>
  count > 1 || secondPerson || (roles ?? []).length > 0;

const builtin: ReadonlySet<string> = new Set<BuiltinRole>(['owner', 'admin', 'operator', 'viewer']);

/** Who has to say yes, in plain words: "2 people of the role admin, not the one who asked". */
@Injectable({ providedIn: 'root' })
export class WhoDecides {
  private readonly transloco = inject(TranslocoService);

  /** Read anew when the language changes. */
  of({ count, secondPerson, roles = [] }: Approvers): string {
    this.transloco.activeLang();
    const word = (key: string, blanks: object = {}) =>
      this.transloco.translate<string>(`approval.who.${key}`, blanks);
    const nameOf = (role: string) => (builtin.has(role) ? word(`role.${role}`) : role);
    const which = count === 1 ? 'one' : 'many';
    const whom =
      roles.length > 0
        ? word(`${which}Of`, { count, roles: roles.map(nameOf).join(word('or')) })
        : word(which, { count });
    return secondPerson ? word('notAsker', { whom }) : whom;
  }
}
