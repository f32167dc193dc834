import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';
import { Icon, type IconName } from '../../shared/ui/icon';

export interface Suggestion {
  id: string;
  icon: IconName;
  name: string;
  /** What it is, in a line. */
  about: string;
  /** What choosing it does, where that is not plain. */
  mark?: string;
}

/** What `/` and `@` offer. The focus stays in the text, which says by `aria-activedescendant` which is meant. */
@Component({
  selector: 'aos-suggest-list',
  imports: [Icon],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="list" role="listbox" [id]="listId()" [attr.aria-label]="label()">
      @for (one of items(); track one.id; let index = $index) {
        <button
          type="button"
          role="option"
          tabindex="-1"
          [id]="listId() + '-' + index"
          [attr.aria-selected]="index === at()"
          (pointerdown)="$event.preventDefault()"
          (click)="chosen.emit(one)"
        >
          <aos-icon [name]="one.icon" [size]="14" />
          <span class="name">{{ one.name }}</span>
          <span class="cut about" [title]="one.about">{{ one.about }}</span>
          @if (one.mark) {
            <span class="mark">{{ one.mark }}</span>
          }
        </button>
      } @empty {
        <p class="none">{{ none() }}</p>
      }
    </div>
  `,
  styles: `
    .list {
      max-height: 264px;
      padding: 4px;
      overflow: auto;
      border-radius: 10px;
      background: var(--raised);
      box-shadow: var(--float);
    }
    button {
      display: flex;
      align-items: center;
      gap: 8px;
      width: 100%;
      height: 32px;
      padding: 0 10px;
      border: 0;
      border-radius: var(--radius);
      background: none;
      text-align: left;
      cursor: pointer;
    }
    button:hover {
      background: var(--hover);
    }
    button[aria-selected='true'] {
      background: var(--chosen);
    }
    aos-icon {
      color: var(--muted);
    }
    .name {
      flex: none;
      max-width: 60%;
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
      font-weight: 550;
    }
    .about {
      flex: 1;
      color: var(--muted);
    }
    .mark {
      flex: none;
      padding: 0 6px;
      border: 1px solid var(--line);
      border-radius: 999px;
      color: var(--muted);
      font-size: 11px;
      line-height: 18px;
    }
    .none {
      padding: 6px 10px;
      color: var(--muted);
    }
  `,
})
export class SuggestList {
  readonly items = input.required<readonly Suggestion[]>();
  readonly at = input.required<number>();
  readonly listId = input.required<string>();
  readonly label = input.required<string>();
  readonly none = input.required<string>();
  readonly chosen = output<Suggestion>();
}
