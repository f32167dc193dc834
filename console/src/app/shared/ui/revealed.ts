import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
} from '@angular/core';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import type { Language } from './preferences';
import { reveal, revealFirst } from './reveal';
import { locale } from './time';

/** Longer than any sentence; a line of a log may be anything. */
const AT_ONCE = 10_000;

/** A stranger's sentence within ours: as text, with what cannot be seen written out. */
@Component({
  selector: 'aos-revealed',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<ng-container *transloco="let t"
    ><bdi>
      @for (run of shown().runs; track $index) {
        @if (run.isUnseen) {
          <mark [title]="t('ui.unseen')">{{ run.text }}</mark>
        } @else {
          <span>{{ run.text }}</span>
        }
      }
    </bdi>
    @if (shown().length < text().length) {
      <button class="btn small" type="button" (click)="isWhole.set(true)">
        {{ t('ui.showAllOf', { of: count(text().length) }) }}
      </button>
    }
  </ng-container>`,
  styles: `
    bdi {
      white-space: pre-line;
      overflow-wrap: anywhere;
    }
    /* In a line that is cut where it ends, it is cut with it, and shown so; where that has two lines, it has them too. */
    :host-context(.cut) bdi {
      white-space: inherit;
    }
    button {
      margin-left: 8px;
    }
    :host-context(.cut) button {
      display: none;
    }
    mark {
      padding: 0 3px;
      border-radius: 3px;
      background: var(--failed);
      color: var(--surface);
      font-family: var(--mono);
      font-size: 11px;
    }
  `,
})
export class Revealed {
  readonly text = input.required<string>();
  private readonly language = inject(TranslocoService).activeLang;
  protected readonly count = (n: number) => n.toLocaleString(locale(this.language() as Language));
  protected readonly isWhole = linkedSignal({ source: this.text, computation: () => false });
  protected readonly shown = computed(() => {
    const text = this.text();
    return this.isWhole()
      ? { runs: reveal(text), length: text.length }
      : revealFirst(text, AT_ONCE);
  });
}
