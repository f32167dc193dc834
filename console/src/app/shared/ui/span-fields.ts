import { ChangeDetectionStrategy, Component, computed, input, output, signal } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';

let made = 0;

/** From when to when, in the browser's own fields for a day and a time: they know its keyboard, finger and locale. */
@Component({
  selector: 'aos-span-fields',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <form *transloco="let t" (submit)="apply($event, from.value, to.value)">
      <label [attr.for]="id + '-from'">{{ t('filters.from') }}</label>
      <input
        #from
        class="input"
        type="datetime-local"
        cdkFocusInitial
        [id]="id + '-from'"
        [max]="latest"
        [value]="local()[0]"
        [attr.aria-describedby]="isBackwards() ? id + '-fault' : null"
        (input)="isBackwards.set(false)"
      />
      <label [attr.for]="id + '-to'">{{ t('filters.to') }}</label>
      <input
        #to
        class="input"
        type="datetime-local"
        [id]="id + '-to'"
        [max]="latest"
        [value]="local()[1]"
        [attr.aria-invalid]="isBackwards()"
        [attr.aria-describedby]="isBackwards() ? id + '-fault' : null"
        (input)="isBackwards.set(false)"
      />
      @if (isBackwards()) {
        <p class="fault" role="alert" [id]="id + '-fault'">{{ t('filters.backwards') }}</p>
      }
      <button class="btn" type="submit">{{ t('filters.apply') }}</button>
    </form>
  `,
  styles: `
    form {
      display: flex;
      flex-direction: column;
      gap: 4px;
      padding: 4px 6px 6px;
    }
    label {
      color: var(--muted);
      font-size: 12px;
    }
    .input {
      width: 100%;
      height: 32px;
      margin-bottom: 6px;
    }
    .fault {
      color: var(--failed);
      font-size: 12px;
    }
    .btn {
      align-self: flex-end;
    }
  `,
})
export class SpanFields {
  /** Two moments in ISO 8601; an empty one is open. */
  readonly values = input.required<readonly string[]>();
  /** As `values`; none where both are open. */
  readonly applied = output<string[]>();

  protected readonly id = `span-${(made += 1)}`;
  /** Without it the year has six digits to fill. */
  protected readonly latest = '9999-12-31T23:59';
  protected readonly isBackwards = signal(false);
  protected readonly local = computed(() =>
    [this.values()[0], this.values()[1]].map((text) => (text ? toLocal(new Date(text)) : '')),
  );

  protected apply(event: Event, from: string, to: string): void {
    event.preventDefault();
    // Both are in the browser's own zone and of the same form: they compare as they stand.
    if (from && to && from >= to) return this.isBackwards.set(true);
    const moments = [from, to].map((text) => (text ? new Date(text).toISOString() : ''));
    this.applied.emit(moments.some(Boolean) ? moments : []);
  }
}

/** As the field wants it: the time on the clock here, without a zone. */
function toLocal(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [
    String(at.getFullYear()).padStart(4, '0'),
    two(at.getMonth() + 1),
    two(at.getDate()),
  ];
  return `${day.join('-')}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
