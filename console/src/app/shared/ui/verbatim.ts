import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
} from '@angular/core';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { CopyButton } from './copy-button';
import type { Language } from './preferences';
import { reveal, revealFirst } from './reveal';
import { locale } from './time';

/** What is drawn at once takes a tenth of a second; a line of a megabyte took several. More than anybody reads. */
const AT_ONCE = 100_000;

/** A value as it is, whole, or its beginning and a way to the rest where it is very long, in mono, with what cannot be seen made visible. */
@Component({
  selector: 'aos-verbatim',
  imports: [CopyButton, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <pre
        tabindex="0"
        role="region"
        [attr.aria-label]="label()"
        dir="ltr"
        [class.long]="text().length > AT_ONCE"
      >@for (run of shown().runs; track $index) {@if (run.isUnseen) {<mark [title]="t('ui.unseen')">{{ run.text }}</mark>} @else {<span>{{ run.text }}</span>}}</pre>
      @if (shown().length < text().length) {
        <p class="cut-off" role="status">
          <span>{{ t('ui.firstOf', { n: count(shown().length), of: count(text().length) }) }}</span>
          <button class="btn small" type="button" (click)="isWhole.set(true)">
            {{ t('ui.showAll') }}
          </button>
          <aos-copy [text]="text()" [label]="t('ui.copyAll')" />
        </p>
      }
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
    /* The direction of each line of its own costs seconds in a line of a megabyte. */
    pre.long {
      unicode-bidi: isolate;
    }
    .cut-off {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px;
      margin-top: 4px;
      color: var(--waiting);
      font-size: 12px;
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
  protected readonly AT_ONCE = AT_ONCE;
  private readonly language = inject(TranslocoService).activeLang;
  protected readonly count = (n: number) => n.toLocaleString(locale(this.language() as Language));

  protected readonly text = computed(() => {
    const value = this.value();
    return typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
  });
  /** Asked for by hand; another text begins anew. */
  protected readonly isWhole = linkedSignal({ source: this.text, computation: () => false });
  protected readonly shown = computed(() => {
    const text = this.text();
    return this.isWhole()
      ? { runs: reveal(text), length: text.length }
      : revealFirst(text, AT_ONCE);
  });
  protected readonly hasUnseen = computed(() => this.shown().runs.some(({ isUnseen }) => isUnseen));
}
