import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  afterNextRender,
  inject,
  input,
  output,
} from '@angular/core';
import { RouterLink, type UrlTree } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from './icon';

/**
 * A detail beside its list: 40 % at the right, the whole page where there is little room. Put it as the last child of
 * a flex row. The list keeps the focus, so that j and k go on; where the panel covers the list it takes the focus,
 * and gives it back when it closes.
 */
@Component({
  selector: 'aos-side-panel',
  imports: [Icon, RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <header>
        <h2 class="cut" [title]="heading()">{{ heading() }}</h2>
        <span class="grow"></span>
        <ng-content select="[aosPanelActions]" />
        @if (fullPage(); as link) {
          <a
            class="btn quiet icon"
            [routerLink]="link"
            [attr.aria-label]="t('panel.fullPage')"
            [title]="t('panel.fullPage')"
          >
            <aos-icon name="open" />
          </a>
        }
        <button
          class="btn quiet icon"
          type="button"
          [attr.aria-label]="t('ui.close')"
          [title]="t('ui.close')"
          (click)="closed.emit()"
        >
          <aos-icon name="close" />
        </button>
      </header>
      <div class="content"><ng-content /></div>
    </ng-container>
  `,
  host: {
    role: 'complementary',
    tabindex: '-1',
    '[attr.aria-label]': 'heading()',
    '(focusin)': 'hasFocus = true',
    '(focusout)': 'onFocusOut($event)',
    '(document:keydown.escape)': 'onEscape($event)',
  },
  styles: `
    :host {
      display: flex;
      flex: 0 0 40%;
      flex-direction: column;
      min-width: 360px;
      min-height: 0;
      border-left: 1px solid var(--line);
      background: var(--surface);
      animation: in var(--quick);
    }
    :host:focus {
      outline: none;
    }
    header {
      display: flex;
      flex: none;
      align-items: center;
      gap: 4px;
      height: 48px;
      padding: 0 8px 0 16px;
      border-bottom: 1px solid var(--line);
    }
    .content {
      flex: 1;
      min-height: 0;
      overflow: auto;
    }
    @keyframes in {
      from {
        opacity: 0;
        transform: translateX(8px);
      }
    }
    @media (max-width: 719px) {
      :host {
        position: fixed;
        z-index: 10;
        inset: 0;
        min-width: 0;
      }
    }
  `,
})
export class SidePanel {
  readonly heading = input.required<string>();
  /** The same detail with the page to itself. */
  readonly fullPage = input<string | readonly unknown[] | UrlTree | null>(null);
  readonly closed = output();

  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  protected hasFocus = false;

  constructor() {
    const before = document.activeElement;
    afterNextRender(() => {
      const host = this.host.nativeElement;
      if (getComputedStyle(host).position === 'fixed') host.focus();
    });
    // By the time this is destroyed its elements are out of the document, and the focus with them.
    inject(DestroyRef).onDestroy(() => {
      const isLost = document.activeElement === null || document.activeElement === document.body;
      if (this.hasFocus && isLost && before instanceof HTMLElement) before.focus();
    });
  }

  protected onFocusOut({ relatedTarget }: FocusEvent): void {
    if (relatedTarget instanceof Node && !this.host.nativeElement.contains(relatedTarget))
      this.hasFocus = false;
  }
  protected onEscape(event: Event): void {
    const target = event.target as Element;
    if (event.defaultPrevented || target.closest('dialog, .cdk-overlay-container')) return;
    this.closed.emit();
  }
}
