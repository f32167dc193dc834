import { ChangeDetectionStrategy, Component, input } from '@angular/core';

/** Says, below what was changed, that it is not saved yet; the ways on stand between the tags. */
@Component({
  selector: 'aos-unsaved',
  host: { role: 'region', '[attr.aria-label]': 'label()' },
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <span>{{ label() }}</span>
    <span class="grow"></span>
    <ng-content />
  `,
  styles: `
    :host {
      display: flex;
      flex: none;
      align-items: center;
      gap: 8px;
      padding: 8px 8px 8px 14px;
      border-radius: var(--radius-card);
      background: var(--raised);
      box-shadow: var(--float);
      z-index: 1;
    }
  `,
})
export class UnsavedBar {
  readonly label = input.required<string>();
}
