import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  afterNextRender,
  effect,
  inject,
  input,
  output,
  signal,
  viewChild,
} from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { NavigationEnd, Router } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { filter } from 'rxjs';
import { Icon } from './icon';
import { IN_DIALOG } from './in-dialog';

let count = 0;
const LONG_MS = 10_000;

/**
 * A dialog that is open as long as it is there: `@if (isEditing()) { <aos-dialog …> }`, and `closed` says that the
 * person wants it gone. It is the browser's own, which keeps the focus in and everything behind it out of reach;
 * what it does not do by itself is to give the focus back when the element is taken away, so that happens here.
 *
 * The body is what stands between the tags; whatever has the attribute `actions` stands in the row at its foot.
 */
@Component({
  selector: 'aos-dialog',
  imports: [Icon, TranslocoDirective],
  providers: [{ provide: IN_DIALOG, useValue: true }],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <dialog
      #dialog
      *transloco="let t"
      [class]="size()"
      [attr.aria-labelledby]="id"
      [attr.aria-busy]="isBusy() || null"
      (cancel)="onCancel($event)"
      (close)="closed.emit()"
    >
      <header>
        <h2 [id]="id" class="grow">{{ title() }}</h2>
        <button
          class="btn quiet icon"
          type="button"
          [disabled]="isBusy()"
          [attr.aria-label]="t('ui.close')"
          (click)="dialog.close()"
        >
          <aos-icon name="close" />
        </button>
      </header>
      <div class="body" #body><ng-content /></div>
      @if (isLong()) {
        <p class="wait" role="status">{{ t('dialog.stillWaiting') }}</p>
      }
      <footer><ng-content select="[actions]" /></footer>
    </dialog>
  `,
  styles: `
    dialog {
      width: min(520px, calc(100vw - 32px));
      max-height: min(860px, calc(100dvh - 48px));
      padding: 0;
      border: 0;
      border-radius: 12px;
      background: var(--raised);
      color: var(--ink);
      box-shadow: var(--float);
      overflow: hidden;
    }
    dialog[open] {
      display: flex;
      flex-direction: column;
    }
    dialog.small {
      width: min(420px, calc(100vw - 32px));
    }
    dialog.large {
      width: min(960px, calc(100vw - 32px));
    }
    dialog::backdrop {
      background: rgb(10 10 12 / 32%);
    }
    header {
      display: flex;
      align-items: center;
      gap: 12px;
      padding: 14px 14px 10px 20px;
    }
    h2 {
      font-size: 15px;
      overflow-wrap: anywhere;
    }
    .body {
      flex: 1 1 auto;
      min-height: 0;
      padding: 2px 20px 20px;
      overflow: auto;
    }
    .wait {
      padding: 8px 20px;
      border-top: 1px solid var(--line);
      color: var(--muted);
      font-size: 12px;
    }
    footer {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      justify-content: flex-end;
      gap: 8px;
      padding: 12px 20px;
      border-top: 1px solid var(--line);
    }
    footer:empty {
      display: none;
    }
    @media (max-width: 719px) {
      dialog,
      dialog.small,
      dialog.large {
        width: 100vw;
        max-width: 100vw;
        max-height: 92dvh;
        margin: auto 0 0;
        border-radius: 12px 12px 0 0;
      }
    }
  `,
})
export class Dialog {
  readonly title = input.required<string>();
  readonly size = input<'small' | 'medium' | 'large'>('medium');
  /** While something is being sent that the person should see the end of, it does not close. */
  readonly isBusy = input(false);
  readonly closed = output();
  /** Busy for longer than anybody waits without a word. It ends by itself, see shared/api/patience.ts. */
  protected readonly isLong = signal(false);

  protected readonly id = `dialog-${(count += 1)}`;
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');
  private readonly body = viewChild.required<ElementRef<HTMLElement>>('body');
  /** The next step of a form takes the field away that had the focus: it goes on with the first one there is now. */
  private readonly changes = new MutationObserver(() => {
    if (document.activeElement === document.body) this.begin();
  });

  constructor() {
    this.leaveWithThePage();
    effect((onCleanup) => {
      if (!this.isBusy()) return this.isLong.set(false);
      const timer = setTimeout(() => this.isLong.set(true), LONG_MS);
      onCleanup(() => clearTimeout(timer));
    });
    const before = document.activeElement;
    afterNextRender(() => {
      const dialog = this.dialog().nativeElement;
      dialog.showModal();
      // Left to itself it begins at its close button; whoever opens a form means to fill it in.
      this.begin();
      this.changes.observe(this.body().nativeElement, { childList: true, subtree: true });
    });
    inject(DestroyRef).onDestroy(() => {
      this.changes.disconnect();
      if (before instanceof HTMLElement && before !== document.body && before.isConnected)
        before.focus();
      // What opened it is gone, or it came with the address: the keyboard goes on in the room, not above the frame.
      else document.getElementById('room')?.focus({ preventScroll: true });
    });
  }

  /** What opened it may outlive the page it was opened on; over another one it would be about something else. */
  private leaveWithThePage(): void {
    const router = inject(Router);
    const here = pathOf(router.url);
    router.events
      .pipe(
        filter((event) => event instanceof NavigationEnd),
        filter(({ urlAfterRedirects }) => pathOf(urlAfterRedirects) !== here),
        takeUntilDestroyed(),
      )
      .subscribe(() => this.closed.emit());
  }

  private begin(): void {
    this.dialog()
      .nativeElement.querySelector<HTMLElement>('.body :is(input, select, textarea):not(:disabled)')
      ?.focus({ preventScroll: true });
  }

  close(): void {
    this.dialog().nativeElement.close();
  }

  protected onCancel(event: Event): void {
    // A file chooser inside sends `cancel` too, and that one bubbles.
    if (event.target === this.dialog().nativeElement && this.isBusy()) event.preventDefault();
  }
}

const pathOf = (url: string) => url.split(/[?#]/, 1)[0];
