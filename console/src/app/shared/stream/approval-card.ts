import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import type { DecideRequest } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import type { LiveApproval } from '../state/approvals';
import { Clock } from '../ui/clock';
import { Icon } from '../ui/icon';
import { ProblemNote } from '../ui/problem-note';
import { StateMark } from '../ui/state-mark';
import { Age, stopwatch } from '../ui/time';
import { Verbatim } from '../ui/verbatim';
import { EditArgs } from './edit-args';
import { Sentences } from '../i18n/sentences';

/** What a task waits for: everything that is needed to decide, and the three answers. */
@Component({
  selector: 'aos-approval-card',
  imports: [Age, EditArgs, Icon, ProblemNote, StateMark, TranslocoDirective, Verbatim],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (isOpen()) {
        <article
          class="card"
          tabindex="-1"
          [attr.data-approval]="approval().id"
          [attr.aria-label]="t('approval.label', { tool: approval().tool })"
        >
          <header>
            <aos-state
              tone="waiting"
              [word]="mayDecide() ? 'state.waiting' : 'approval.was.pending'"
            />
            <span class="grow"></span>
            @if (leftMs() > 0) {
              <span class="meta num" [class.soon]="leftMs() < 60000" data-testid="countdown">{{
                t('approval.left', { time: countdown() })
              }}</span>
            } @else {
              <span class="meta soon">{{ t('approval.expired') }}</span>
            }
          </header>
          @if (goal(); as goal) {
            <p class="meta cut" [title]="goal">{{ goal }}</p>
          }
          <p class="ask">
            <code>{{ approval().tool }}</code>
            @if (approval().reason) {
              <span class="reason">{{ sentences.of(approval().said, approval().reason) }}</span>
            }
          </p>
          <aos-verbatim [value]="approval().args" [label]="t('approval.args')" />
          @if (isEditing()) {
            @defer (on immediate) {
              <aos-edit-args
                [approval]="approval()"
                [startComment]="comment()"
                (decided)="decided.emit($event)"
                (closed)="isEditing.set(false)"
              />
            }
          }
          <p class="meta">
            @if (approval().requestedByName; as who) {
              {{ t('approval.askedBy', { who }) }} ·
            }
            {{ t('approval.noUndo') }}
          </p>
          @if (leftMs() <= 0) {
            <p class="meta">{{ t('approval.expiredWhat') }}</p>
          } @else if (!mayDecide()) {
            <p class="meta">{{ t('approval.mayNot') }}</p>
          } @else if (approval().secondPerson && isOwn()) {
            <p class="meta">{{ t('approval.second') }}</p>
          } @else if (leftMs() > 0) {
            @if (hasComment()) {
              <label class="sr-only" [attr.for]="'comment-' + approval().id">{{
                t('approval.comment')
              }}</label>
              <textarea
                class="input"
                rows="2"
                maxlength="4000"
                [id]="'comment-' + approval().id"
                [placeholder]="t('approval.comment')"
                [value]="comment()"
                (input)="comment.set($any($event.target).value)"
              ></textarea>
            }
            <div class="answers">
              <button
                class="btn filled"
                type="button"
                [disabled]="isBusy()"
                [title]="t('approval.continueHelp')"
                (click)="decide('continue')"
              >
                {{
                  approval().deciding === 'continue'
                    ? t('approval.sending')
                    : t('approval.continue')
                }}
              </button>
              <button
                class="btn"
                type="button"
                [disabled]="isBusy()"
                [title]="t('approval.degradeHelp')"
                (click)="decide('degrade')"
              >
                {{
                  approval().deciding === 'degrade' ? t('approval.sending') : t('approval.degrade')
                }}
              </button>
              <button
                class="btn danger"
                type="button"
                [disabled]="isBusy()"
                [title]="t('approval.abortHelp')"
                (click)="decide('abort')"
              >
                {{ approval().deciding === 'abort' ? t('approval.sending') : t('approval.abort') }}
              </button>
            </div>
            <div class="besides">
              @if (canEdit()) {
                <button
                  class="btn quiet small"
                  type="button"
                  [disabled]="isBusy()"
                  (click)="isEditing.set(true)"
                >
                  {{ t('approval.edit') }}
                </button>
              }
              @if (!hasComment()) {
                <button class="btn quiet small" type="button" (click)="hasComment.set(true)">
                  {{ t('approval.addComment') }}
                </button>
              }
            </div>
          }
          @if (approval().problem; as problem) {
            <aos-problem [problem]="problem" />
          }
        </article>
      } @else {
        <p class="folded" data-testid="decided">
          <aos-icon [name]="foldedIcon()" [size]="14" />
          <span class="cut" [title]="approval().comment ?? approval().tool">
            {{ t('approval.was.' + status()) }} <code>{{ approval().tool }}</code>
            @if (approval().decidedBy; as who) {
              · {{ who }}
            }
          </span>
          <span class="grow"></span>
          @if (approval().comment) {
            <aos-icon name="chat" [size]="12" />
          }
          <aos-age class="meta" [at]="approval().decidedAt ?? approval().createdAt" />
        </p>
      }
    </ng-container>
  `,
  styles: `
    .card {
      display: flex;
      flex-direction: column;
      gap: 8px;
      padding: 12px 12px 12px 13px;
      box-shadow: inset 3px 0 0 var(--waiting-mark);
      background: var(--waiting-tint);
    }
    header {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    .soon {
      color: var(--failed);
      font-weight: 550;
    }
    .ask {
      display: flex;
      flex-direction: column;
      gap: 2px;
    }
    .ask code {
      font-weight: 550;
      overflow-wrap: anywhere;
    }
    .besides {
      display: flex;
      gap: 4px;
      margin: 0 0 -4px -8px;
    }
    .besides:empty {
      display: none;
    }
    .besides .btn {
      color: var(--accent);
    }
    .answers {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 6px;
    }
    .folded {
      display: flex;
      align-items: center;
      gap: 8px;
      padding: 8px 12px;
      color: var(--muted);
    }
  `,
})
export class ApprovalCard {
  protected readonly sentences = inject(Sentences);
  readonly approval = input.required<LiveApproval>();
  readonly goal = input<string | null>(null);
  readonly mayDecide = input(true);
  /** Asked for by whoever looks at it: where two people are needed, not theirs to decide. */
  readonly isOwn = input(false);
  readonly decided = output<DecideRequest>();

  private readonly clock = inject(Clock);
  protected readonly comment = signal('');
  protected readonly hasComment = signal(false);

  protected readonly isEditing = signal(false);
  protected readonly canEdit = computed(
    () =>
      this.mayDecide() &&
      !(this.approval().secondPerson && this.isOwn()) &&
      this.leftMs() > 0 &&
      Object.keys(this.approval().schema).length > 0,
  );

  protected readonly isOpen = computed(() => this.approval().status === 'pending');
  protected readonly isBusy = computed(() => this.approval().deciding !== null);
  protected readonly leftMs = computed(
    () => Date.parse(this.approval().expiresAt) - this.clock.now(),
  );
  protected readonly countdown = computed(() => stopwatch(this.leftMs()));
  protected readonly status = computed(() => this.approval().status);
  protected readonly foldedIcon = computed(() =>
    this.status() === 'aborted' ? 'stop' : this.status() === 'expired' ? 'waiting' : 'check',
  );

  protected decide(decision: DecideRequest['decision']): void {
    const comment = this.comment().trim();
    this.decided.emit({ approvalId: this.approval().id, decision, ...(comment && { comment }) });
  }
}
