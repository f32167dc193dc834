import {
  ChangeDetectionStrategy,
  Component,
  computed,
  input,
  linkedSignal,
  output,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { JsonInput } from './json-input';
import { same } from './schema-faults';
import type { Shape } from './schema-reader';

/** What a format looks like, for whoever has not its standard in mind. */
const samples: Record<string, string> = {
  date: '2026-11-22',
  'date-time': '2026-11-22T10:00:00Z',
  time: '10:00:00Z',
  duration: 'PT15M',
  email: 'name@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/** A number as it was typed, or the text itself where it is none: the fault then stands at the field. */
function toNumber(text: string): number | string {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  // A whole number that JavaScript would round stays text, so that no other number is sent in its place.
  const isExact =
    Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return isExact ? value : text;
}

/** A yes or no that may be left out, and of which the schema does not say what holds then. */
export const isOpenQuestion = ({ kind }: Shape, isRequired: boolean, standard: unknown): boolean =>
  kind === 'boolean' && !isRequired && standard === undefined;

/** One value that has no inner ones: text, number, yes or no, one of several, or JSON. */
@Component({
  selector: 'aos-schema-leaf',
  imports: [JsonInput, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @switch (shape().kind) {
        @case ('boolean') {
          @if (isOpenQuestion()) {
            <select
              class="input"
              [id]="fieldId()"
              [disabled]="disabled()"
              [attr.aria-invalid]="isFaulty() || null"
              [attr.aria-label]="label() || null"
              [attr.aria-describedby]="describedBy() || null"
              (change)="answer($any($event.target).value)"
            >
              <option value="" [selected]="value() === undefined">{{ t('form.notSet') }}</option>
              <option value="yes" [selected]="value() === true">{{ t('form.yes') }}</option>
              <option value="no" [selected]="value() === false">{{ t('form.no') }}</option>
            </select>
          } @else {
            <input
              type="checkbox"
              role="switch"
              class="switch"
              [id]="fieldId()"
              [disabled]="disabled()"
              [checked]="value() === true || (value() === undefined && standard() === true)"
              [attr.aria-invalid]="isFaulty() || null"
              [attr.aria-label]="label() || null"
              [attr.aria-describedby]="describedBy() || null"
              (change)="changed.emit($any($event.target).checked)"
            />
          }
        }
        @case ('enum') {
          <select
            class="input"
            [id]="fieldId()"
            [disabled]="disabled()"
            [attr.aria-required]="isRequired() || null"
            [attr.aria-invalid]="isFaulty() || null"
            [attr.aria-label]="label() || null"
            [attr.aria-describedby]="describedBy() || null"
            (change)="pick($any($event.target).value)"
          >
            <option value="" [selected]="chosen() === -1">
              {{ hint() || t(isRequired() ? 'form.choose' : 'form.notSet') }}
            </option>
            @for (option of options(); track $index) {
              <option [value]="$index" [selected]="chosen() === $index">{{ option }}</option>
            }
          </select>
        }
        @case ('const') {
          <p class="fixed">
            <code>{{ fixed() }}</code>
          </p>
        }
        @case ('null') {
          <p class="fixed muted">{{ t('form.null') }}</p>
        }
        @case ('json') {
          <aos-json-input
            [value]="value()"
            [pointer]="pointer()"
            [fieldId]="fieldId()"
            [disabled]="disabled()"
            [label]="label()"
            [describedBy]="describedBy()"
            [isFaulty]="isFaulty()"
            [placeholder]="hint() || t('form.jsonHint')"
            (changed)="changed.emit($event)"
          />
        }
        @default {
          @if (isLong()) {
            <textarea
              class="input"
              rows="5"
              [id]="fieldId()"
              [disabled]="disabled()"
              [placeholder]="hint()"
              [attr.aria-required]="isRequired() || null"
              [attr.aria-invalid]="isFaulty() || null"
              [attr.aria-label]="label() || null"
              [attr.aria-describedby]="describedBy() || null"
              [value]="draft()"
              (input)="type($any($event.target).value)"
            ></textarea>
          } @else {
            <input
              class="input"
              type="text"
              autocomplete="off"
              spellcheck="false"
              [id]="fieldId()"
              [class.num]="isNumber()"
              [attr.inputmode]="inputMode()"
              [disabled]="disabled()"
              [placeholder]="hint()"
              [attr.aria-required]="isRequired() || null"
              [attr.aria-invalid]="isFaulty() || null"
              [attr.aria-label]="label() || null"
              [attr.aria-describedby]="describedBy() || null"
              [value]="draft()"
              (input)="type($any($event.target).value)"
            />
          }
        }
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: block;
    }
    .fixed {
      padding: 2px 0;
      overflow-wrap: anywhere;
    }
    [aria-invalid] {
      border-color: var(--failed);
    }
    textarea {
      line-height: 20px;
    }
    .input,
    aos-json-input {
      max-width: 640px;
    }
    .input.num {
      max-width: 240px;
    }
  `,
})
export class SchemaLeaf {
  readonly shape = input.required<Shape>();
  readonly value = input.required<unknown>();
  readonly standard = input<unknown>(undefined);
  readonly pointer = input.required<string>();
  readonly fieldId = input.required<string>();
  /** Where no label stands beside it. */
  readonly label = input('');
  readonly describedBy = input('');
  readonly isRequired = input(false);
  readonly isFaulty = input(false);
  readonly disabled = input(false);
  /** The value without one: absent. */
  readonly changed = output<unknown>();

  /** Neither yes nor no unless somebody says so: a switch would look like a no. */
  protected readonly isOpenQuestion = computed(() =>
    isOpenQuestion(this.shape(), this.isRequired(), this.standard()),
  );
  protected readonly isNumber = computed(
    () => this.shape().kind === 'number' || this.shape().kind === 'integer',
  );
  protected readonly inputMode = computed(() =>
    this.shape().kind === 'integer' ? 'numeric' : this.isNumber() ? 'decimal' : null,
  );
  /** A text of several lines that came with the form is not squeezed into one. */
  private readonly cameLong = linkedSignal<string, boolean>({
    source: this.fieldId,
    computation: () => {
      const value = this.value();
      return typeof value === 'string' && (value.includes('\n') || value.length > 120);
    },
  });
  protected readonly isLong = computed(() => {
    const shape = this.shape();
    return shape.kind === 'string' && (shape.isLong || this.cameLong());
  });
  protected readonly hint = computed(() => {
    const standard = this.standard();
    if (standard !== undefined)
      return typeof standard === 'string' ? standard : JSON.stringify(standard);
    const shape = this.shape();
    return shape.kind === 'string' ? (samples[shape.format ?? ''] ?? '') : '';
  });

  /** "1." says the same as 1, and is not taken from under the fingers. */
  protected readonly draft = linkedSignal<unknown, string>({
    source: this.value,
    computation: (value, before) =>
      before && this.isNumber() && toNumber(before.value) === value
        ? before.value
        : value === undefined || value === null
          ? ''
          : typeof value === 'string'
            ? value
            : JSON.stringify(value),
  });

  protected readonly fixed = computed(() => {
    const shape = this.shape();
    return shape.kind === 'const' ? JSON.stringify(shape.value) : '';
  });
  private readonly choices = computed(() => {
    const shape = this.shape();
    return shape.kind === 'enum' ? shape.options : [];
  });
  protected readonly options = computed(() =>
    this.choices().map(
      ({ value, title }) => title ?? (typeof value === 'string' ? value : JSON.stringify(value)),
    ),
  );
  protected readonly chosen = computed(() =>
    this.choices().findIndex(({ value }) => same(value, this.value())),
  );

  protected answer(word: string): void {
    this.changed.emit(word === '' ? undefined : word === 'yes');
  }
  protected pick(index: string): void {
    this.changed.emit(index === '' ? undefined : this.choices()[Number(index)]?.value);
  }
  protected type(text: string): void {
    this.draft.set(text);
    if (text === '' && (this.isNumber() || !this.isRequired())) this.changed.emit(undefined);
    else this.changed.emit(this.isNumber() ? toNumber(text) : text);
  }
}
