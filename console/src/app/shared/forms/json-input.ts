import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  computed,
  effect,
  inject,
  input,
  linkedSignal,
  output,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Drafts } from './drafts';
import { same } from './schema-faults';

type Parsed = { value: unknown } | { reason: string };

function parse(text: string): Parsed {
  if (text.trim() === '') return { value: undefined };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : '' };
  }
}

/** A value typed as JSON: where a schema says too little for a form, or the person would rather. */
@Component({
  selector: 'aos-json-input',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <textarea
        class="input mono"
        spellcheck="false"
        autocomplete="off"
        [id]="fieldId()"
        [rows]="rows()"
        [disabled]="disabled()"
        [attr.aria-label]="label() || null"
        [attr.aria-invalid]="reason() !== null || isFaulty() ? true : null"
        [attr.aria-describedby]="describedBy() || null"
        [placeholder]="placeholder()"
        [value]="draft()"
        (input)="type($any($event.target).value)"
      ></textarea>
      @if (reason(); as reason) {
        <p class="fault" role="status">{{ t('form.badJson', { reason }) }}</p>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: block;
    }
    textarea {
      min-height: 36px;
      line-height: 18px;
      tab-size: 2;
    }
    .fault {
      margin-top: 4px;
      color: var(--failed);
      font-size: 12px;
      overflow-wrap: anywhere;
    }
  `,
})
export class JsonInput {
  readonly value = input.required<unknown>();
  readonly pointer = input.required<string>();
  readonly fieldId = input.required<string>();
  readonly label = input('');
  readonly describedBy = input('');
  readonly placeholder = input('');
  readonly isFaulty = input(false);
  readonly disabled = input(false);
  readonly minRows = input(2);
  readonly changed = output<unknown>();

  private readonly drafts = inject(Drafts);
  /** What was typed stays as it was typed for as long as it says the same as the value. */
  protected readonly draft = linkedSignal<unknown, string>({
    source: this.value,
    computation: (value, before) => {
      const parsed = before && parse(before.value);
      if (parsed && 'value' in parsed && same(parsed.value, value)) return before.value;
      return value === undefined ? '' : JSON.stringify(value, null, 2);
    },
  });
  private readonly parsed = computed(() => parse(this.draft()));
  protected readonly reason = computed(() => {
    const parsed = this.parsed();
    return 'reason' in parsed ? parsed.reason : null;
  });
  protected readonly rows = computed(() =>
    Math.min(24, Math.max(this.minRows(), this.draft().split('\n').length)),
  );

  constructor() {
    effect(() => this.drafts.set(this.pointer(), this.reason() !== null));
    inject(DestroyRef).onDestroy(() => this.drafts.set(this.pointer(), false));
  }

  protected type(text: string): void {
    this.draft.set(text);
    const parsed = parse(text);
    if ('value' in parsed && !same(parsed.value, this.value())) this.changed.emit(parsed.value);
  }
}
