import { ChangeDetectionStrategy, Component, input, signal } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from './icon';

@Component({
  selector: 'aos-copy',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <button
      class="btn small quiet"
      type="button"
      [title]="text().length > 1000 ? '' : text()"
      (click)="copy()"
      *transloco="let t"
    >
      <aos-icon [name]="copied() ? 'check' : 'copy'" [size]="14" />
      <span aria-live="polite">{{ copied() ? t('ui.copied') : label() }}</span>
    </button>
  `,
})
export class CopyButton {
  readonly text = input.required<string>();
  readonly label = input.required<string>();
  protected readonly copied = signal(false);

  protected async copy(): Promise<void> {
    await navigator.clipboard?.writeText(this.text()).then(
      () => this.copied.set(true),
      () => undefined,
    );
    setTimeout(() => this.copied.set(false), 1_500);
  }
}
