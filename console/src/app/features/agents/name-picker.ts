import { ChangeDetectionStrategy, Component, computed, input, output, signal } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from '../../shared/ui/icon';

/** Names of secrets that an agent's tasks may use. Never a value: that stays where it is. */
@Component({
  selector: 'aos-name-picker',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (rows().length > 0) {
        <ul>
          @for (row of rows(); track row.name) {
            <li>
              <label>
                <input
                  type="checkbox"
                  [disabled]="disabled()"
                  [checked]="row.isOn"
                  (change)="pick(row.name, $any($event.target).checked)"
                />
                <code>{{ row.name }}</code>
              </label>
              @if (!row.isKnown) {
                <span class="meta odd">{{ t('agents.noSuchSecret') }}</span>
              }
            </li>
          }
        </ul>
      } @else {
        <p class="meta">{{ t('agents.noSecrets') }}</p>
      }
      @if (!disabled()) {
        <form class="add" (submit)="add($event)">
          <label class="sr-only" for="env-name">{{ t('agents.secretName') }}</label>
          <input
            id="env-name"
            class="input mono"
            autocomplete="off"
            spellcheck="false"
            maxlength="128"
            [placeholder]="t('agents.secretName')"
            [value]="typed()"
            (input)="typed.set($any($event.target).value)"
          />
          <button class="btn" type="submit" [disabled]="typed().trim() === ''">
            <aos-icon name="plus" [size]="13" />{{ t('agents.addName') }}
          </button>
        </form>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 12px;
    }
    ul {
      margin: 0;
      padding: 0;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--surface);
      list-style: none;
      max-height: 320px;
      overflow: auto;
    }
    li {
      display: flex;
      align-items: center;
      gap: 12px;
      min-height: 34px;
      padding: 0 12px;
    }
    li + li {
      border-top: 1px solid var(--line);
    }
    label {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    .odd {
      color: var(--waiting);
    }
    .add {
      display: flex;
      gap: 8px;
    }
    .add .input {
      max-width: 280px;
      height: 30px;
    }
  `,
})
export class NamePicker {
  readonly known = input.required<readonly string[]>();
  /** Whether the known names are all there are; else a name that is not among them says nothing. */
  readonly isComplete = input(true);
  readonly chosen = input.required<readonly string[]>();
  readonly disabled = input(false);
  readonly changed = output<string[]>();

  protected readonly typed = signal('');
  protected readonly rows = computed(() =>
    [...new Set([...this.known(), ...this.chosen()])].sort().map((name) => ({
      name,
      isOn: this.chosen().includes(name),
      isKnown: !this.isComplete() || this.known().includes(name),
    })),
  );

  protected pick(name: string, isOn: boolean): void {
    const rest = this.chosen().filter((each) => each !== name);
    this.changed.emit(isOn ? [...rest, name].sort() : rest);
  }
  protected add(event: Event): void {
    event.preventDefault();
    const name = this.typed().trim();
    if (name === '') return;
    this.typed.set('');
    this.pick(name, true);
  }
}
