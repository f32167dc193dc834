import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  Injector,
  afterNextRender,
  effect,
  inject,
  input,
  untracked,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import type { LiveApproval } from '../state/approvals';

/**
 * What a decision leaves behind. The buttons that were pressed go away with it, and the focus with them: here it goes on
 * to the next card that waits in this region, else to one before it, else to the region. To the card, not to its first
 * button: a second Enter would decide what nobody has read. And what was decided is said to who cannot see the card fold.
 */
@Component({
  selector: 'aos-after-decision',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <p class="sr-only" role="status" *transloco="let t">
      @if (approval(); as approval) {
        @if (approval.status !== 'pending') {
          {{ t('approval.was.' + approval.status) }} {{ approval.tool }}
        } @else if (approval.you.obstacle === 'voted') {
          {{ t('approval.why.voted') }}
        }
      }
    </p>
  `,
  styles: `
    :host {
      display: contents;
    }
  `,
  host: {
    '(document:pointerdown)': 'noteHand(true)',
    '(document:keydown)': 'noteHand(false)',
  },
})
export class AfterDecision {
  /** The one that was decided here last, as it stands now. */
  readonly approval = input.required<LiveApproval | undefined>();

  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  private readonly injector = inject(Injector);
  private isByHand = false;
  /** Where to look for the next, as the cards stood while this one was one of them. */
  private nearest: readonly HTMLElement[] = [];

  constructor() {
    effect(() => {
      const approval = this.approval();
      if (!approval) return;
      // One yes of several leaves the card, and takes the button that was pressed.
      const isAsking = approval.you.obstacle !== 'voted' || approval.deciding !== null;
      if (approval.status === 'pending' && isAsking) this.nearest = this.around(approval.id);
      else if (this.nearest.length > 0)
        untracked(() => afterNextRender(() => this.goOn(), { injector: this.injector }));
    });
  }

  /** A listener that came to `false`, as an assignment of it does, would keep every key from what it is for. */
  protected noteHand(isByHand: boolean): void {
    this.isByHand = isByHand;
  }

  private around(id: string): HTMLElement[] {
    const region = this.host.nativeElement.closest<HTMLElement>('[role=region]');
    if (!region) return [];
    const cards = [...region.querySelectorAll<HTMLElement>('article[data-approval]')];
    const here = cards.findIndex((card) => card.dataset['approval'] === id);
    return [...cards.slice(here + 1), ...cards.slice(0, here).reverse(), region];
  }

  private goOn(): void {
    const next = this.nearest.find(({ isConnected }) => isConnected);
    this.nearest = [];
    // Whoever has gone elsewhere meanwhile stays there.
    if (document.activeElement !== document.body) return;
    // Nothing moves under a pointer, and there it needs no ring.
    next?.focus({ preventScroll: this.isByHand, focusVisible: !this.isByHand } as FocusOptions);
  }
}
