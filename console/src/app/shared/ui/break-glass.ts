import {
  ChangeDetectionStrategy,
  Component,
  type ElementRef,
  computed,
  effect,
  input,
  model,
  output,
  viewChild,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from './icon';

let count = 0;

/** Where somebody decides alone what others should: what that means, and the reason, without which it is not done. */
@Component({
  selector: 'aos-break-glass',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  // Closes the reason, and not the drawer around it.
  host: { '(keydown.escape)': 'leave($event)' },
  template: `
    <section *transloco="let t" [attr.aria-label]="t(words() + '.glass.title')">
      <p class="title"><aos-icon name="anomaly" [size]="14" />{{ t(words() + '.glass.title') }}</p>
      <p>{{ t(words() + '.glass.what') }}</p>
      <label [attr.for]="id">{{ t(words() + '.glass.reason') }}</label>
      <textarea
        #reason
        class="input"
        rows="3"
        maxlength="4000"
        [id]="id"
        [value]="why()"
        (input)="why.set($any($event.target).value)"
      ></textarea>
      <div class="answers">
        <button
          class="btn danger"
          type="button"
          [disabled]="isBusy() || !hasReason()"
          (click)="broken.emit(why().trim())"
        >
          {{ t(words() + (isBusy() ? '.sending' : '.glass.do')) }}
        </button>
        <button class="btn" type="button" [disabled]="isBusy()" (click)="left.emit()">
          {{ t('dialog.cancel') }}
        </button>
      </div>
    </section>
  `,
  styles: `
    section {
      display: flex;
      flex-direction: column;
      gap: 8px;
      padding: 10px;
      border: 1px solid var(--failed);
      border-radius: var(--radius);
      background: var(--failed-tint);
    }
    .title {
      display: flex;
      align-items: flex-start;
      gap: 8px;
      font-weight: 550;
    }
    aos-icon {
      flex: none;
      margin-top: 3px;
      color: var(--failed);
    }
    .answers {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 6px;
    }
  `,
})
export class BreakGlass {
  /** Under which its words stand: what is decided alone is not called the same everywhere. */
  readonly words = input.required<'approval' | 'proposals'>();
  readonly isBusy = input(false);
  /** Kept by whoever has this part: what was begun and left must be there again, and must not go along with another answer. */
  readonly why = model('');
  readonly broken = output<string>();
  readonly left = output();

  protected readonly id = `break-glass-${(count += 1)}`;
  /** As the server takes it: blanks and dashes say nothing. */
  protected readonly hasReason = computed(() => /[\p{L}\p{N}]/u.test(this.why()));
  private readonly reason = viewChild<ElementRef<HTMLTextAreaElement>>('reason');

  constructor() {
    effect(() => this.reason()?.nativeElement.focus());
  }

  protected leave(event: Event): void {
    event.stopPropagation();
    this.left.emit();
  }
}
