import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  afterNextRender,
  computed,
  inject,
  input,
  output,
  signal,
  viewChild,
} from '@angular/core';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Icon, type IconName } from '../shared/ui/icon';

export interface Command {
  key: string;
  icon: IconName;
  run: () => void;
}

/** Every command of the console, by its name. A native dialog: it keeps the focus in and gives it back. */
@Component({
  selector: 'aos-palette',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { '(click)': 'onClick($event)' },
  template: `
    <dialog
      #dialog
      *transloco="let t"
      [attr.aria-label]="t('palette.title')"
      (close)="closed.emit()"
    >
      <div class="search">
        <aos-icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="commands"
          autocomplete="off"
          spellcheck="false"
          [attr.aria-activedescendant]="'command-' + chosen()"
          [attr.aria-label]="t('palette.title')"
          [placeholder]="t('palette.placeholder')"
          (input)="look($any($event.target).value)"
          (keydown)="onKey($event)"
        />
      </div>
      <div class="list" id="commands" role="listbox" [attr.aria-label]="t('palette.title')">
        @for (command of found(); track command.key; let index = $index) {
          <button
            type="button"
            role="option"
            tabindex="-1"
            [id]="'command-' + index"
            [attr.aria-selected]="index === chosen()"
            (pointermove)="chosen.set(index)"
            (click)="run(command)"
          >
            <aos-icon [name]="command.icon" />{{ t(command.key) }}
          </button>
        } @empty {
          <p class="none">{{ t('palette.none') }}</p>
        }
      </div>
    </dialog>
  `,
  styles: `
    dialog {
      width: min(560px, calc(100vw - 32px));
      margin: 12vh auto auto;
      padding: 0;
      border: 0;
      border-radius: 12px;
      background: var(--raised);
      color: var(--ink);
      box-shadow: var(--float);
      overflow: hidden;
    }
    dialog::backdrop {
      background: rgb(10 10 12 / 32%);
    }
    .search {
      display: flex;
      align-items: center;
      gap: 10px;
      padding: 0 16px;
      border-bottom: 1px solid var(--line);
      color: var(--muted);
    }
    input {
      flex: 1;
      height: 48px;
      border: 0;
      background: none;
      color: var(--ink);
      font-size: 15px;
      outline: none;
    }
    .list {
      max-height: 46vh;
      margin: 0;
      padding: 6px;
      overflow: auto;
    }
    button,
    .none {
      display: flex;
      align-items: center;
      gap: 10px;
      height: 34px;
      padding: 0 10px;
      border: 0;
      border-radius: var(--radius);
      background: none;
      text-align: left;
      cursor: pointer;
    }
    button {
      width: 100%;
    }
    button aos-icon {
      color: var(--muted);
    }
    button[aria-selected='true'] {
      background: var(--chosen);
    }
    .none {
      color: var(--muted);
      cursor: default;
    }
  `,
})
export class Palette {
  readonly commands = input.required<readonly Command[]>();
  readonly closed = output();
  private readonly transloco = inject(TranslocoService);
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');
  private readonly query = signal('');
  protected readonly chosen = signal(0);
  protected readonly found = computed(() => {
    const words = this.query().toLowerCase().split(/\s+/).filter(Boolean);
    return this.commands().filter(({ key }) => {
      const name = `${this.transloco.translate(key)} ${key}`.toLowerCase();
      return words.every((word) => name.includes(word));
    });
  });

  constructor() {
    afterNextRender(() => this.dialog().nativeElement.showModal());
  }

  protected look(query: string): void {
    this.query.set(query);
    this.chosen.set(0);
  }
  protected onKey(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      const count = this.found().length;
      this.chosen.update((index) => (count === 0 ? 0 : (index + step + count) % count));
      document.getElementById(`command-${this.chosen()}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter' && !event.isComposing) {
      const command = this.found()[this.chosen()];
      if (command) this.run(command);
    }
  }
  protected run(command: Command): void {
    this.dialog().nativeElement.close();
    command.run();
  }

  /** A click beside the box meets the dialog itself. */
  protected onClick(event: Event): void {
    const dialog = this.dialog().nativeElement;
    if (event.target === dialog) dialog.close();
  }
}
