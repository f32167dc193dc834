import { ChangeDetectionStrategy, Component, computed, input, output } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from '../../../shared/ui/icon';

/** Names one by one, each gone with a press; what is known is offered, anything else may be typed. */
@Component({
  selector: 'aos-name-list',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="box">
        @for (name of names(); track name) {
          <span class="name"
            ><code>{{ name }}</code
            ><button
              type="button"
              [attr.aria-label]="t('integrations.policies.drop', { name })"
              (click)="drop(name)"
            >
              <aos-icon name="close" [size]="11" /></button
          ></span>
        }
        <input
          #box
          class="mono"
          autocomplete="off"
          spellcheck="false"
          [id]="fieldId()"
          [attr.list]="fieldId() + '-known'"
          [attr.aria-describedby]="describedBy() || null"
          [placeholder]="names().length ? '' : placeholder()"
          (input)="type(box, $event)"
          (keydown)="onKey(box, $event)"
          (blur)="take(box)"
        />
        <datalist [id]="fieldId() + '-known'">
          @for (name of offered(); track name) {
            <option [value]="name"></option>
          }
        </datalist>
      </div>
    </ng-container>
  `,
  styles: `
    .box {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px;
      min-height: 36px;
      padding: 4px 6px;
      border: 1px solid var(--line-strong);
      border-radius: var(--radius);
      background: var(--surface);
    }
    .box:focus-within {
      border-color: var(--accent);
      box-shadow: 0 0 0 1px var(--accent);
    }
    .name {
      display: inline-flex;
      align-items: center;
      gap: 2px;
      max-width: 100%;
      padding: 1px 2px 1px 8px;
      border-radius: 5px;
      background: var(--chosen);
    }
    .name code {
      overflow-wrap: anywhere;
    }
    .name button {
      display: grid;
      place-items: center;
      width: 20px;
      height: 20px;
      padding: 0;
      border: 0;
      border-radius: 4px;
      background: none;
      cursor: pointer;
    }
    .name button:hover {
      background: var(--hover);
    }
    input {
      flex: 1 1 90px;
      min-width: 60px;
      height: 24px;
      padding: 0 4px;
      border: 0;
      outline: none;
      background: none;
    }
  `,
})
export class NameList {
  readonly names = input.required<readonly string[]>();
  readonly known = input<readonly string[]>([]);
  readonly fieldId = input.required<string>();
  readonly describedBy = input('');
  readonly placeholder = input('');
  readonly changed = output<string[]>();

  protected readonly offered = computed(() =>
    this.known().filter((name) => !this.names().includes(name)),
  );

  /** One that was chosen from the list is there at once; typed ones end with Enter, a comma, or on leaving. */
  protected type(box: HTMLInputElement, event: Event): void {
    const isChosen = (event as Partial<InputEvent>).inputType === 'insertReplacementText';
    if (isChosen || box.value.endsWith(',')) this.take(box);
  }
  protected onKey(box: HTMLInputElement, event: KeyboardEvent): void {
    if (event.key === 'Enter' && box.value.trim() !== '') {
      event.preventDefault();
      this.take(box);
    } else if (event.key === 'Backspace' && box.value === '') {
      const last = this.names().at(-1);
      if (last !== undefined) this.drop(last);
    }
  }
  protected take(box: HTMLInputElement): void {
    const names = box.value
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !this.names().includes(name));
    box.value = '';
    if (names.length > 0) this.changed.emit([...this.names(), ...names]);
  }
  protected drop(name: string): void {
    this.changed.emit(this.names().filter((each) => each !== name));
  }
}
