import { ChangeDetectionStrategy, Component, computed, input, output } from '@angular/core';
import type { Permission } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';

/** What may be done, a line for each kind of thing and a box for each deed. */
@Component({
  selector: 'aos-permission-matrix',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="matrix" *transloco="let t">
      @for (row of rows(); track row.kind) {
        <div class="row" role="group" [attr.aria-label]="t('settings.kind.' + row.kind)">
          <span class="kind">{{ t('settings.kind.' + row.kind) }}</span>
          <span class="boxes">
            @for (each of row.permissions; track each.permission) {
              <label [title]="each.permission" [class.off]="isLocked(each.permission)">
                <input
                  type="checkbox"
                  [checked]="held().has(each.permission)"
                  [disabled]="isLocked(each.permission)"
                  (change)="toggle(each.permission)"
                />{{ t('settings.deed.' + each.deed) }}
              </label>
            }
          </span>
        </div>
      }
    </div>
  `,
  styles: `
    .row {
      display: grid;
      grid-template-columns: 150px 1fr;
      gap: 4px 12px;
      padding: 7px 12px;
      border-bottom: 1px solid var(--line);
    }
    .row:last-child {
      border-bottom: 0;
    }
    .kind {
      font-weight: 550;
    }
    .boxes {
      display: flex;
      flex-wrap: wrap;
      gap: 4px 18px;
    }
    label {
      display: inline-flex;
      align-items: center;
      gap: 6px;
      min-width: 92px;
      cursor: pointer;
    }
    label.off {
      cursor: default;
    }
    @media (max-width: 719px) {
      .row {
        grid-template-columns: 1fr;
      }
    }
  `,
})
export class PermissionMatrix {
  /** All that there are, in the order of the contract. */
  readonly permissions = input.required<readonly Permission[]>();
  readonly chosen = input.required<readonly Permission[]>();
  /** What the person holds: nobody hands out more. Null locks all boxes. */
  readonly mine = input<ReadonlySet<Permission> | null>(null);
  readonly changed = output<Permission[]>();

  protected readonly held = computed(() => new Set(this.chosen()));
  protected readonly rows = computed(() => {
    const kinds = new Map<string, { permission: Permission; deed: string }[]>();
    for (const permission of this.permissions()) {
      const [kind = '', deed = ''] = permission.split('.');
      kinds.set(kind, [...(kinds.get(kind) ?? []), { permission, deed }]);
    }
    return [...kinds].map(([kind, permissions]) => ({ kind, permissions }));
  });

  protected isLocked(permission: Permission): boolean {
    return !(this.mine()?.has(permission) ?? false);
  }
  protected toggle(permission: Permission): void {
    const next = new Set(this.chosen());
    if (!next.delete(permission)) next.add(permission);
    this.changed.emit(this.permissions().filter((each) => next.has(each)));
  }
}
