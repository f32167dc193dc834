import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { TabRow } from './tab-row';

/**
 * The parts of one page, of which one is shown. The words of a part stand at `words.name`, and the part itself has the id
 * that `panel` says and is labelled by `tab-name`. The arrow keys go round.
 */
@Component({
  selector: 'aos-tabs',
  imports: [TabRow, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div role="tablist" [attr.aria-label]="label()" [aosTabRow]="shown()" *transloco="let t">
      @for (name of names(); track name) {
        <button
          role="tab"
          type="button"
          [id]="'tab-' + name"
          [attr.aria-selected]="shown() === name"
          [attr.aria-controls]="panel()"
          [tabindex]="shown() === name ? 0 : -1"
          (click)="chosen.emit(name)"
          (keydown.arrowRight)="step(1, $event)"
          (keydown.arrowLeft)="step(-1, $event)"
        >
          {{ t(words() + '.' + name) }}
          @if (counts()[name] !== undefined) {
            <span class="meta num">{{ counts()[name] }}</span>
          }
        </button>
      }
    </div>
  `,
  styles: `
    :host {
      display: block;
      flex: none;
      min-width: 0;
      border-bottom: 1px solid var(--line);
    }
    div {
      display: flex;
      gap: 16px;
      overflow-x: auto;
      scrollbar-width: none;
    }
    button {
      padding: 6px 0 8px;
      border: 0;
      border-bottom: 2px solid transparent;
      background: none;
      color: var(--muted);
      white-space: nowrap;
      cursor: pointer;
    }
    button:hover {
      color: var(--ink);
    }
    button:focus-visible {
      outline-offset: -2px;
    }
    button[aria-selected='true'] {
      border-bottom-color: var(--accent);
      color: var(--ink);
      font-weight: 550;
    }
    .meta {
      margin-left: 4px;
    }
  `,
})
export class Tabs<T extends string> {
  readonly label = input.required<string>();
  readonly names = input.required<readonly T[]>();
  readonly shown = input.required<T>();
  readonly words = input.required<string>();
  readonly panel = input.required<string>();
  /** How many there are in a part, beside its word. */
  readonly counts = input<Readonly<Record<string, number | undefined>>>({});
  readonly chosen = output<T>();

  protected step(by: number, event: Event): void {
    event.preventDefault();
    const all = this.names();
    const next = all[(all.indexOf(this.shown()) + by + all.length) % all.length];
    if (next === undefined) return;
    this.chosen.emit(next);
    document.getElementById(`tab-${next}`)?.focus();
  }
}
