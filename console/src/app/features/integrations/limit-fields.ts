import { ChangeDetectionStrategy, Component, computed, input, output } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { type Limits, limitFaults, limitKeys } from './sign-in';

/** How much of a server may be used; an empty field is as the settings of the gateway say. */
@Component({
  selector: 'aos-limit-fields',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <fieldset *transloco="let t" [disabled]="disabled()">
      <legend>{{ t('integrations.limits.title') }}</legend>
      <p class="meta">{{ t('integrations.limits.help') }}</p>
      <div class="four">
        @for (key of keys; track key) {
          <div class="field">
            <label [attr.for]="prefix() + '-' + key">{{ t('integrations.limits.' + key) }}</label>
            <input
              class="input num"
              inputmode="numeric"
              autocomplete="off"
              [id]="prefix() + '-' + key"
              [placeholder]="t('integrations.limits.asSet')"
              [attr.aria-invalid]="faults().includes(key)"
              [value]="value()[key]"
              (input)="set(key, $any($event.target).value)"
            />
          </div>
        }
      </div>
      @if (faults().length > 0) {
        <p class="fault" role="alert">{{ t('integrations.limits.fault') }}</p>
      }
    </fieldset>
  `,
  styleUrl: '../../shared/ui/form.css',
  styles: `
    .four {
      display: grid;
      grid-template-columns: repeat(4, 1fr);
      align-items: end;
      gap: 12px;
    }
    @media (max-width: 719px) {
      .four {
        grid-template-columns: 1fr 1fr;
      }
    }
  `,
})
export class LimitFields {
  readonly value = input.required<Limits>();
  readonly disabled = input(false);
  readonly prefix = input('limit');
  readonly changed = output<Limits>();
  protected readonly keys = limitKeys;
  protected readonly faults = computed(() => limitFaults(this.value()));

  protected set(key: keyof Limits, text: string): void {
    this.changed.emit({ ...this.value(), [key]: text });
  }
}
