import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
  viewChild,
} from '@angular/core';
import type { DecideProposal, Proposal } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, loading, toProblem } from '../api/problem';
import { BreakGlass } from '../ui/break-glass';
import { Difference } from '../ui/difference';
import { Preferences } from '../ui/preferences';
import { ProblemNote } from '../ui/problem-note';
import { StateMark, type Tone } from '../ui/state-mark';
import { Age } from '../ui/time';
import { ProposalsApi } from './proposals-api';

const tones: Record<Proposal['state'], Tone> = {
  pending: 'waiting',
  applied: 'done',
  refused: 'failed',
  withdrawn: 'idle',
  expired: 'idle',
  void: 'idle',
};
/** It is over or void, whoever decided: what is shown here is read anew. */
const moved = new Set(['proposal_decided', 'proposal_expired', 'proposal_void', 'not_found']);

/** One change with its difference: who proposed it, whether it still fits, and what whoever reads it can do. */
@Component({
  selector: 'aos-proposal-card',
  imports: [Age, BreakGlass, Difference, ProblemNote, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <article
      *transloco="let t"
      [class.open]="isOpen()"
      [attr.data-proposal]="proposal().id"
      [attr.aria-label]="t('proposals.label', { what: what(t) })"
    >
      <header>
        <aos-state
          [tone]="tones[proposal().state]"
          [word]="
            isOpen() && proposal().you.obstacle === null
              ? 'state.waiting'
              : 'proposals.state.' + proposal().state
          "
        />
        @if (proposal().breakGlass) {
          <span class="broken">{{ t('proposals.glass.mark') }}</span>
        }
        <span class="grow"></span>
        <aos-age class="meta" [at]="proposal().decidedAt ?? proposal().createdAt" />
      </header>
      <h3>
        {{ what(t) }}
        @if (proposal().projectId; as id) {
          <span class="muted">{{ t('proposals.project', { name: id }) }}</span>
        }
      </h3>
      <p class="meta">
        {{ t('proposals.by', { who: proposal().proposedByName }) }}
        @if (proposal().baseVersion !== null && isDocument()) {
          · {{ t('proposals.base', { n: proposal().baseVersion }) }}
        }
        @if (isOpen()) {
          · {{ t('proposals.until', { at: until() }) }}
        }
        @if (was(); as was) {
          · {{ t('proposals.was.' + was, { who: proposal().decidedByName }) }}
        }
      </p>
      @if (proposal().comment) {
        <p class="words">{{ proposal().comment }}</p>
      }
      @if (proposal().decisionComment; as comment) {
        <p class="words">{{ comment }}</p>
      }
      @if (hasDifference()) {
        <aos-difference
          [before]="shown(proposal().before)"
          [after]="shown(proposal().after)"
          [label]="t('proposals.label', { what: what(t) })"
        />
      }
      @if (proposal().voidBecause; as because) {
        <p class="meta">{{ t('proposals.void.' + because) }}</p>
      } @else if (proposal().state === 'expired') {
        <p class="meta">{{ t('proposals.expired') }}</p>
      }
      @if (isGlass() && isOpen()) {
        @defer (on immediate) {
          <aos-break-glass
            words="proposals"
            [isBusy]="isBusy()"
            [(why)]="why"
            (broken)="decide({ decision: 'confirm', breakGlass: true, comment: $event })"
            (left)="leaveGlass()"
          />
        } @error {
          <p class="meta" role="alert">{{ t('shell.roomFailed') }}</p>
        }
      } @else if (isOpen()) {
        @if (proposal().you.obstacle; as why) {
          <p class="meta" data-testid="why">{{ t('proposals.why.' + why) }}</p>
        } @else {
          <label class="sr-only" [attr.for]="'comment-' + proposal().id">{{
            t('proposals.comment')
          }}</label>
          <input
            class="input"
            type="text"
            maxlength="4000"
            autocomplete="off"
            [id]="'comment-' + proposal().id"
            [placeholder]="t('proposals.comment')"
            [value]="comment()"
            (input)="comment.set($any($event.target).value)"
          />
        }
        <div class="answers">
          @if (proposal().you.obstacle === null) {
            <button
              class="btn filled"
              type="button"
              [disabled]="isBusy()"
              (click)="decide({ decision: 'confirm' })"
            >
              {{ t(isBusy() ? 'proposals.sending' : 'proposals.confirm') }}
            </button>
            <button
              class="btn danger"
              type="button"
              [disabled]="isBusy()"
              (click)="decide({ decision: 'refuse' })"
            >
              {{ t('proposals.refuse') }}
            </button>
          }
          @if (proposal().you.mayWithdraw) {
            <button
              class="btn"
              type="button"
              [disabled]="isBusy()"
              (click)="decide({ decision: 'withdraw' })"
            >
              {{ t('proposals.withdraw') }}
            </button>
          }
          @if (proposal().you.mayBreakGlass) {
            <button
              #glass
              class="btn quiet"
              type="button"
              [disabled]="isBusy()"
              (click)="isGlass.set(true)"
            >
              {{ t('proposals.glass.open') }}
            </button>
          }
        </div>
      }
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" />
        }
      }
    </article>
  `,
  styles: `
    article {
      display: flex;
      flex-direction: column;
      gap: 8px;
      padding: 12px 16px;
    }
    .open {
      box-shadow: inset 3px 0 0 var(--waiting-mark);
    }
    header {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    h3 {
      margin: 0;
      overflow-wrap: anywhere;
    }
    h3 .muted {
      font-weight: 400;
    }
    .words {
      overflow-wrap: anywhere;
      white-space: pre-wrap;
    }
    .answers {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 6px;
    }
    input {
      max-width: 560px;
    }
    .broken {
      color: var(--failed);
    }
  `,
})
export class ProposalCard {
  readonly proposal = input.required<Proposal>();
  /** As it is now; null where somebody else was quicker, or it is void: the refusal stands here, and says so. */
  readonly decided = output<Proposal | null>();

  private readonly api = inject(ProposalsApi);
  private readonly preferences = inject(Preferences);
  protected readonly tones = tones;
  protected readonly call = linkedSignal<string, Call>({
    source: () => this.proposal().id,
    computation: () => idle,
  });
  protected readonly isBusy = computed(() => this.call().state === 'loading');
  protected readonly isOpen = computed(() => this.proposal().state === 'pending');
  protected readonly isDocument = computed(() => this.proposal().kind !== 'roles');
  /** Whose role it is, and which agent, stands in the title; the rest are documents. */
  protected readonly hasDifference = computed(
    () =>
      !['role.grant', 'role.revoke', 'agent.register', 'agent.unregister'].includes(
        this.proposal().action,
      ),
  );
  protected readonly was = computed(() => {
    const { state } = this.proposal();
    return state === 'applied' || state === 'refused' || state === 'withdrawn' ? state : null;
  });
  protected readonly comment = signal('');
  protected readonly isGlass = signal(false);
  protected readonly why = signal('');
  private readonly glass = viewChild<ElementRef<HTMLElement>>('glass');

  protected what(t: (key: string, blanks?: object) => string): string {
    const { action, target, subject, before, after } = this.proposal();
    const role = ((after ?? before ?? {}) as { role?: string }).role;
    return t(`proposals.what.${action}`, { name: subject ?? target.replace(/^[\w-]+:/, ''), role });
  }
  /** What tells a secret or a server from another of its name says nothing to people. */
  protected shown(document: Proposal['before']): object {
    const { id, registeredAt: _, ...rest } = document ?? {};
    return this.proposal().kind === 'secrets' || id === undefined ? rest : { ...rest, id };
  }
  protected until(): string {
    return new Date(this.proposal().expiresAt).toLocaleString(
      this.preferences.language() === 'zh' ? 'zh-CN' : 'en-GB',
      {
        dateStyle: 'medium',
        timeStyle: 'short',
      },
    );
  }
  protected leaveGlass(): void {
    this.isGlass.set(false);
    queueMicrotask(() => this.glass()?.nativeElement.focus());
  }

  protected async decide(body: DecideProposal): Promise<void> {
    const comment = (body.comment ?? this.comment()).trim();
    this.call.set(loading);
    try {
      const decided = await firstValueFrom(
        this.api.decide(this.proposal().id, { ...body, ...(comment && { comment }) }),
      );
      this.call.set(idle);
      this.decided.emit(decided);
    } catch (error) {
      this.call.set(failed(error));
      if (moved.has(toProblem(error).code)) this.decided.emit(null);
    }
  }
}
