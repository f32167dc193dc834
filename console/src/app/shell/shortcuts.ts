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
      <dl>
        @for (row of rows; track row.key) {
          <dt>
            @for (key of row.keys; track $index) {
              <kbd>{{ key }}</kbd>
            }
          </dt>
          <dd>{{ t(row.key) }}</dd>
        }
      </dl>
    </dialog>
  `,
  styles: `
    dialog {
      width: min(440px, calc(100vw - 32px));
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
    dl {
      display: grid;
      grid-template-columns: 110px 1fr;
      gap: 8px 16px;
      margin: 0;
    }
    dt {
      display: flex;
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
  protected readonly rows = [
    { keys: ['Ctrl', 'K'], key: 'shortcuts.palette' },
    { keys: ['/'], key: 'shortcuts.palette2' },
    { keys: ['?'], key: 'shortcuts.sheet' },
    ...rooms.map(({ path, key }) => ({ keys: ['g', key], key: `rooms.${path}` })),
    { keys: ['j', 'k'], key: 'shortcuts.rows' },
    { keys: ['x'], key: 'shortcuts.choose' },
    { keys: ['Enter'], key: 'shortcuts.open' },
    { keys: ['Esc'], key: 'shortcuts.close' },
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
