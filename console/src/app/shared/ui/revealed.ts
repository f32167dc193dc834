import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { reveal } from './reveal';

/** A stranger's sentence within ours: as text, with what cannot be seen written out. */
@Component({
  selector: 'aos-revealed',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<ng-container *transloco="let t"
    ><bdi>
      @for (run of runs(); track $index) {
        @if (run.isUnseen) {
          <mark [title]="t('ui.unseen')">{{ run.text }}</mark>
        } @else {
          <span>{{ run.text }}</span>
        }
      }
    </bdi></ng-container
  >`,
  styles: `
    bdi {
      white-space: pre-line;
      overflow-wrap: anywhere;
    }
    /* In a line that is cut where it ends, it is cut with it, and shown so; where that has two lines, it has them too. */
    :host-context(.cut) bdi {
      white-space: inherit;
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
  protected readonly runs = computed(() => reveal(this.text()));
}
