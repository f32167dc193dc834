import { ChangeDetectionStrategy, Component, computed, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Approval, DecideRequest } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../api/aos-api';
import { type Call, done, failed, idle, loading } from '../api/problem';
import { WaitingChanges } from '../proposals/waiting-changes';
import { ApprovalsEvents, approvals, isMine } from '../state/approvals';
import { jobs } from '../state/jobs';
import { session } from '../state/session';
import { ProblemNote } from '../ui/problem-note';
import { AfterDecision } from './after-decision';
import { ApprovalCard } from './approval-card';
import { Sentences } from '../i18n/sentences';

/** All that waits for me, what runs out first on top; and what was decided, to look up. */
@Component({
  selector: 'aos-inbox',
  imports: [
    AfterDecision,
    ApprovalCard,
    ProblemNote,
    RouterLink,
    TranslocoDirective,
    WaitingChanges,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="tabs" role="group" [attr.aria-label]="t('inbox.show')">
        <button
          class="chip"
          type="button"
          [attr.aria-pressed]="!isPast()"
          (click)="isPast.set(false)"
        >
          {{ t('inbox.waiting') }}
          @if (mine() && mayDecide()) {
            <span class="num count">{{ mine() }}</span>
          }
        </button>
        <button class="chip" type="button" [attr.aria-pressed]="isPast()" (click)="showPast()">
          {{ t('inbox.decided') }}
        </button>
      </div>
      <div class="cards" tabindex="0" role="region" [attr.aria-label]="t('inbox.title')">
        <aos-after-decision [approval]="decided()" />
        @if (!isPast()) {
          @defer (on immediate) {
            <aos-waiting-changes (counted)="changes.set($event)" />
          }
          @for (approval of waiting(); track approval.id) {
            <section>
              <header>
                <a
                  class="cut"
                  [routerLink]="['/projects', 'runs', approval.traceId]"
                  [title]="goalOf(approval)"
                  >{{ goalOf(approval) || t('stream.task') }}</a
                >
                @if (conversationOf(approval); as id) {
                  <a class="talk" [routerLink]="['/chat', id]">{{ t('inbox.talk') }}</a>
                }
              </header>
              <aos-approval-card
                [approval]="approval"
                [mayDecide]="mayDecide()"
                (decided)="decide($event)"
              />
            </section>
          } @empty {
            @if (!changes()) {
              <p class="empty">{{ t('stream.empty.needs-me') }}</p>
            }
          }
        } @else {
          @for (approval of past(); track approval.id) {
            <section class="past">
              <aos-approval-card [approval]="{ ...approval, deciding: null, problem: null }" />
              @if (approval.comment) {
                <p class="comment">{{ approval.comment }}</p>
              }
              <a class="meta cut" [routerLink]="['/projects', 'runs', approval.traceId]">{{
                goalOf(approval) || sentences.of(approval.said, approval.reason)
              }}</a>
            </section>
          } @empty {
            @if (call().state === 'done') {
              <p class="empty">{{ t('inbox.none') }}</p>
            }
          }
          @if (problem(); as problem) {
            <aos-problem [problem]="problem" [isOwn]="true" [canRetry]="true" (retry)="load()" />
          } @else if (call().state === 'loading') {
            <p class="empty" role="status">{{ t('ui.loading') }}</p>
          } @else if (cursor()) {
            <button class="btn small more" type="button" (click)="load()">
              {{ t('ui.more') }}
            </button>
          }
        }
      </div>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      height: 100%;
      min-height: 0;
    }
    .tabs {
      display: flex;
      gap: 4px;
      padding: 10px 12px;
    }
    .count {
      min-width: 16px;
      padding: 0 4px;
      border-radius: 999px;
      background: var(--waiting-mark);
      color: #1c1c1a;
      font-size: 11px;
      font-weight: 650;
      line-height: 16px;
      text-align: center;
    }
    .cards {
      display: flex;
      flex: 1;
      flex-direction: column;
      gap: 10px;
      min-height: 0;
      padding: 0 12px 16px;
      overflow: auto;
    }
    section {
      flex: none;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
      overflow: hidden;
    }
    header {
      display: flex;
      align-items: center;
      gap: 8px;
      height: 34px;
      padding: 0 12px;
      background: var(--sunken);
      border-bottom: 1px solid var(--line);
    }
    header .cut {
      flex: 1;
      color: var(--ink);
      font-weight: 550;
    }
    .talk {
      flex: none;
      font-size: 12px;
    }
    .past {
      display: flex;
      flex-direction: column;
      padding-bottom: 8px;
    }
    .past > .meta {
      padding: 0 12px;
    }
    .comment {
      padding: 0 12px 4px;
      overflow-wrap: anywhere;
      white-space: pre-wrap;
    }
    .empty {
      padding: 32px 12px;
      color: var(--muted);
      text-align: center;
      text-wrap: balance;
    }
    .more {
      align-self: center;
    }
  `,
})
export class Inbox {
  protected readonly sentences = inject(Sentences);
  private readonly store = inject(Store);
  private readonly api = inject(AosApi);
  private readonly jobs = this.store.selectSignal(jobs.selectByTrace);
  private readonly entities = this.store.selectSignal(approvals.selectEntities);
  private readonly pending = this.store.selectSignal(approvals.selectPending);
  protected readonly mayDecide = this.store.selectSignal(session.selectMay('approval.decide'));
  protected readonly waiting = computed(() =>
    // What others have to decide comes behind what I can.
    [...this.pending()].sort(
      (a, b) => Number(!isMine(a)) - Number(!isMine(b)) || a.expiresAt.localeCompare(b.expiresAt),
    ),
  );
  protected readonly mine = computed(() => this.pending().filter(isMine).length);

  private readonly decidedId = signal('');
  protected readonly decided = computed(() => this.entities()[this.decidedId()]);

  /** Of the settings and the like, that I could confirm. */
  protected readonly changes = signal(0);
  protected readonly isPast = signal(false);
  protected readonly past = signal<readonly Approval[]>([]);
  protected readonly call = signal<Call>(idle);
  protected readonly cursor = signal<string | null>(null);
  protected readonly problem = computed(() => {
    const call = this.call();
    return call.state === 'failed' ? call.problem : null;
  });

  protected goalOf = ({ traceId }: Approval) => this.jobs().get(traceId)?.goal ?? '';
  protected conversationOf = ({ traceId }: Approval) =>
    this.jobs().get(traceId)?.conversationId ?? null;

  protected decide(decision: DecideRequest): void {
    this.decidedId.set(decision.approvalId);
    this.store.dispatch(ApprovalsEvents.decisionMade({ decision }));
  }

  protected showPast(): void {
    this.isPast.set(true);
    // Read anew each time: what was decided a moment ago belongs here too.
    this.past.set([]);
    this.cursor.set(null);
    void this.load();
  }
  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      const cursor = this.cursor();
      const { items, nextCursor } = await firstValueFrom(
        this.api.approvals({ ...(cursor && { cursor }) }),
      );
      this.past.update((past) => [...past, ...items.filter(({ status }) => status !== 'pending')]);
      this.cursor.set(nextCursor);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
