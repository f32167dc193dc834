import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  output,
  signal,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Proposal } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { keepFresh } from '../realtime/keep-fresh';
import { Icon } from '../ui/icon';
import { proposalWords } from './proposal-words';
import { ProposalsApi } from './proposals-api';

/** In the inbox: how many changes I could confirm, and the way there. */
@Component({
  selector: 'aos-waiting-changes',
  imports: [Icon, RouterLink, TranslocoDirective],
  providers: [proposalWords],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @if (mine(); as n) {
      <a *transloco="let t" routerLink="/settings/proposals" data-testid="waiting-changes">
        <aos-icon name="waiting" [size]="15" />
        <span class="grow">{{
          t(n === 1 ? 'proposals.oneWaits' : 'proposals.manyWait', { n })
        }}</span>
        <aos-icon name="right" [size]="14" />
      </a>
    }
  `,
  styles: `
    a {
      display: flex;
      align-items: center;
      gap: 8px;
      padding: 10px 12px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--waiting-tint);
      color: var(--ink);
    }
    aos-icon:first-child {
      color: var(--waiting);
    }
  `,
})
export class WaitingChanges {
  private readonly api = inject(ProposalsApi);
  /** So many, once it is known. */
  readonly counted = output<number>();
  private readonly waiting = signal<readonly Proposal[]>([]);
  protected readonly mine = computed(
    () => this.waiting().filter(({ you }) => you.obstacle === null).length,
  );

  constructor() {
    const ask = () =>
      this.api.list({ state: 'pending' }).subscribe({
        next: ({ items }) => {
          this.waiting.set(items);
          this.counted.emit(this.mine());
        },
        // The approvals below say what is wrong with the line; this comes again by itself.
        error: () => undefined,
      });
    ask();
    keepFresh(() => [ask()]);
  }
}
