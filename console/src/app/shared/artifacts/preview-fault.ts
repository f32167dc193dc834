import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';

/** Says that and why an artifact is not shown. The download is at the head of the workspace. */
@Component({
  selector: 'aos-preview-fault',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<p *transloco="let t">{{ t(word(), values()) }}</p>`,
  styles: `
    :host {
      display: grid;
      flex: 1;
      place-items: center;
      padding: 32px;
      color: var(--muted);
      text-align: center;
      text-wrap: balance;
    }
  `,
})
export class PreviewFault {
  readonly word = input.required<string>();
  readonly values = input<Record<string, unknown>>({});
}
