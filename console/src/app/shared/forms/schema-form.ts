import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Drafts } from './drafts';
import { JsonInput } from './json-input';
import { type FormFault, toPointer } from './schema-faults';
import { SchemaField } from './schema-field';
import { SchemaReader, isWords } from './schema-reader';

let forms = 0;

/**
 * A form made from a JSON Schema. It shows a value and says how the person changed it; whoever uses it keeps the
 * value, asks `schemaFaults` before it sends, and hands in what the server found wrong.
 */
@Component({
  selector: 'aos-schema-form',
  imports: [JsonInput, SchemaField, TranslocoDirective],
  providers: [Drafts],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="views" role="group" [attr.aria-label]="t('form.view')">
        <button
          class="chip"
          type="button"
          [attr.aria-pressed]="!isRaw()"
          [disabled]="drafts.hasBroken() && isRaw()"
          (click)="isRaw.set(false)"
        >
          {{ t('form.form') }}
        </button>
        <button class="chip" type="button" [attr.aria-pressed]="isRaw()" (click)="isRaw.set(true)">
          {{ t('form.json') }}
        </button>
      </div>
      @if (isRaw()) {
        <aos-json-input
          [value]="value()"
          [pointer]="'#'"
          [fieldId]="prefix + 'raw'"
          [label]="label() || t('form.json')"
          [minRows]="8"
          [disabled]="disabled()"
          (changed)="changed.emit($event)"
        />
        @for (fault of placed(); track $index) {
          <p class="fault">
            @if (fault.path) {
              <code>{{ fault.path }}</code>
            }
            @if ('message' in fault) {
              {{ fault.message }}
            } @else {
              {{ t('form.fault.' + fault.word, fault.values) }}
            }
          </p>
        }
      } @else {
        <aos-schema-field
          [reader]="reader()"
          [node]="reader().root"
          [value]="value()"
          [prefix]="prefix"
          [ariaLabel]="label()"
          [disabled]="disabled()"
          [faults]="placed()"
          (changed)="changed.emit($event)"
        />
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 10px;
      min-width: 0;
    }
    .views {
      display: flex;
      gap: 4px;
    }
    .fault {
      color: var(--failed);
      font-size: 12px;
      overflow-wrap: anywhere;
    }
  `,
})
export class SchemaForm {
  readonly schema = input.required<unknown>();
  readonly value = input.required<unknown>();
  readonly label = input('');
  readonly disabled = input(false);
  /** Places as JSON pointers, or as the server names them (`a.b[0]`). */
  readonly faults = input<readonly FormFault[]>([]);
  readonly changed = output<unknown>();
  /** Something is typed that is no value yet: not the time to send. */
  readonly broken = output<boolean>();

  protected readonly prefix = `form${(forms += 1)}`;
  protected readonly drafts = inject(Drafts);
  protected readonly isRaw = signal(false);
  protected readonly reader = computed(() => new SchemaReader(this.schema()));
  protected readonly placed = computed(() => {
    const known = this.faults().map((fault) => ({
      ...fault,
      path: toPointer(fault.path, this.value()),
    }));
    if (this.isRaw()) return known;
    // A fault at a place that has no field of its own stands at the nearest one that has.
    return known.map((fault) => ({ ...fault, path: this.nearest(fault.path) }));
  });

  constructor() {
    effect(() => this.broken.emit(this.drafts.hasBroken()));
  }

  private nearest(path: string): string {
    const shape = this.reader().shape(this.reader().root);
    if (path === '' || shape.kind !== 'object') return path;
    const value = this.value();
    const top = path.split('/')[1] ?? '';
    const key = top.replaceAll('~1', '/').replaceAll('~0', '~');
    const isShown =
      shape.fields.some((field) => field.key === key) || (isWords(value) && key in value);
    return isShown ? path : '';
  }
}
