import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { reveal } from './reveal';

/** A value as it is, whole, in mono, with what cannot be seen made visible. */
@Component({
  selector: 'aos-verbatim',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <pre
        tabindex="0"
        role="region"
        [attr.aria-label]="label()"
        dir="ltr"
      >@for (run of runs(); track $index) {@if (run.isUnseen) {<mark [title]="t('ui.unseen')">{{ run.text }}</mark>} @else {<span>{{ run.text }}</span>}}</pre>
      @if (hasUnseen()) {
        <p class="warn">{{ t('ui.unseenWarning') }}</p>
      }
    </ng-container>
  `,
  styles: `
    pre {
      margin: 0;
      max-height: 300px;
      overflow: auto;
      padding: 8px 10px;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--sunken);
      line-height: 18px;
      white-space: pre-wrap;
      overflow-wrap: anywhere;
      unicode-bidi: plaintext;
    }
    mark {
      padding: 0 3px;
      border-radius: 3px;
      background: var(--failed);
      color: var(--surface);
      font-size: 11px;
    }
    .warn {
      margin-top: 4px;
      color: var(--failed);
      font-size: 12px;
    }
  `,
})
export class Verbatim {
  readonly value = input.required<unknown>();
  readonly label = input.required<string>();
  protected readonly runs = computed(() => {
    const value = this.value();
    return reveal(typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? ''));
  });
  protected readonly hasUnseen = computed(() => this.runs().some(({ isUnseen }) => isUnseen));
}
