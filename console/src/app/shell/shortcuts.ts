import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  afterNextRender,
  output,
  viewChild,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from '../shared/ui/icon';
import { rooms } from './rooms';

@Component({
  selector: 'aos-shortcuts',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { '(click)': 'onClick($event)' },
  template: `
    <dialog #dialog *transloco="let t" aria-labelledby="shortcuts-title" (close)="closed.emit()">
      <header>
        <h2 id="shortcuts-title">{{ t('shortcuts.title') }}</h2>
        <button
          class="btn quiet icon"
          type="button"
          [attr.aria-label]="t('ui.close')"
          (click)="dialog.close()"
        >
          <aos-icon name="close" />
        </button>
      </header>
      <div class="groups">
        @for (group of groups; track group.key) {
          <section>
            <h3>{{ t(group.key) }}</h3>
            <dl>
              @for (row of group.rows; track row.key) {
                <dt>
                  @for (key of row.keys; track $index) {
                    <kbd>{{ key }}</kbd>
                  }
                </dt>
                <dd>{{ t(row.key) }}</dd>
              }
            </dl>
          </section>
        }
      </div>
    </dialog>
  `,
  styles: `
    dialog {
      width: min(760px, calc(100vw - 32px));
      max-height: calc(100dvh - 48px);
      overflow: auto;
      padding: 16px 20px 20px;
      border: 0;
      border-radius: 12px;
      background: var(--raised);
      color: var(--ink);
      box-shadow: var(--float);
    }
    dialog::backdrop {
      background: rgb(10 10 12 / 32%);
    }
    header {
      display: flex;
      align-items: center;
      justify-content: space-between;
      margin-bottom: 8px;
    }
    .groups {
      columns: 2 300px;
      column-gap: 32px;
    }
    section {
      margin-bottom: 16px;
      break-inside: avoid;
    }
    h3 {
      margin-bottom: 8px;
      color: var(--muted);
      font-weight: 400;
    }
    dl {
      display: grid;
      grid-template-columns: 110px 1fr;
      gap: 8px 16px;
      margin: 0;
    }
    dt {
      display: flex;
      align-items: start;
      gap: 4px;
    }
    dd {
      margin: 0;
    }
  `,
})
export class Shortcuts {
  readonly closed = output();
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');
  protected readonly groups = [
    {
      key: 'shortcuts.everywhere',
      rows: [
        { keys: ['Ctrl', 'K'], key: 'shortcuts.palette' },
        { keys: ['/'], key: 'shortcuts.palette2' },
        { keys: ['i'], key: 'shortcuts.inbox' },
        { keys: ['c'], key: 'palette.newChat' },
        { keys: ['?'], key: 'shortcuts.sheet' },
        { keys: ['Esc'], key: 'shortcuts.close' },
      ],
    },
    {
      key: 'shortcuts.goTo',
      rows: rooms.map(({ path, key }) => ({ keys: ['g', key], key: `rooms.${path}` })),
    },
    {
      key: 'shortcuts.lists',
      rows: [
        { keys: ['j', 'k'], key: 'shortcuts.rows' },
        { keys: ['x'], key: 'shortcuts.choose' },
        { keys: ['Enter'], key: 'shortcuts.open' },
      ],
    },
    {
      key: 'shortcuts.composer',
      rows: [
        { keys: ['Enter'], key: 'shortcuts.send' },
        { keys: ['Shift', 'Enter'], key: 'shortcuts.line' },
        { keys: ['↑'], key: 'shortcuts.said' },
        { keys: ['/'], key: 'shortcuts.skills' },
        { keys: ['@'], key: 'shortcuts.agents' },
        { keys: ['Ctrl', 'Space'], key: 'shortcuts.complete' },
        { keys: ['Ctrl', 'Enter'], key: 'shortcuts.sendSteps' },
      ],
    },
    {
      key: 'shortcuts.results',
      rows: [
        { keys: ['←', '→'], key: 'shortcuts.tabs' },
        { keys: ['+', '−', '0'], key: 'shortcuts.zoom' },
        { keys: ['→', '←'], key: 'shortcuts.tree' },
        { keys: ['c', 'p'], key: 'shortcuts.copy' },
      ],
    },
  ];

  constructor() {
    afterNextRender(() => this.dialog().nativeElement.showModal());
  }

  /** A click beside the box meets the dialog itself. */
  protected onClick(event: Event): void {
    const dialog = this.dialog().nativeElement;
    if (event.target === dialog) dialog.close();
  }
}
