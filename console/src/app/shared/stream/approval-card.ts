import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  computed,
  effect,
  inject,
  input,
  output,
  signal,
  viewChild,
} from '@angular/core';
import type { DecideRequest } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import type { LiveApproval } from '../state/approvals';
import { BreakGlass } from '../ui/break-glass';
import { Clock } from '../ui/clock';
import { Icon } from '../ui/icon';
import { ProblemNote } from '../ui/problem-note';
import { StateMark } from '../ui/state-mark';
import { Age, stopwatch } from '../ui/time';
import { Verbatim } from '../ui/verbatim';
import { EditArgs } from './edit-args';
import { Sentences } from '../i18n/sentences';
import { WhoDecides, isParticular } from '../i18n/who-decides';

/** What a task waits for: everything that is needed to decide, and the three answers. */
@Component({
  selector: 'aos-approval-card',
  imports: [Age, BreakGlass, EditArgs, Icon, ProblemNote, StateMark, TranslocoDirective, Verbatim],
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
              [word]="obstacle() === null ? 'state.waiting' : 'approval.was.pending'"
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
          @if (isParticular(approval().approvers) || approval().votes.length > 0) {
            <section class="who" [attr.aria-label]="t('approval.who.title')">
              <p class="needs">
                <aos-icon name="person" [size]="14" />
                <span class="grow">{{ whom() }}</span>
                <span class="num" data-testid="given">{{
                  t('approval.who.given', {
                    given: approval().given,
                    count: approval().approvers.count,
                  })
                }}</span>
              </p>
              @for (vote of approval().votes; track $index) {
                <p class="vote" [class.lapsed]="!vote.counts">
                  <aos-icon [name]="vote.decision === 'continue' ? 'check' : 'stop'" [size]="14" />
                  <span class="grow">
                    {{ t('approval.who.said.' + vote.decision, { who: vote.by }) }}
                    @if (!vote.counts) {
                      <span class="meta">{{ t('approval.who.lapsed') }}</span>
                    }
                    @if (vote.comment) {
                      <span class="words">{{ vote.comment }}</span>
                    }
                  </span>
                  <aos-age class="meta" [at]="vote.at" />
                </p>
              }
            </section>
          }
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
          } @else if (isGlass()) {
            @defer (on immediate) {
              <aos-break-glass
                words="approval"
                [isBusy]="isBusy()"
                [(why)]="why"
                (broken)="breakGlass($event)"
                (left)="leaveGlass()"
              />
            } @error {
              <p class="meta" role="alert">{{ t('shell.roomFailed') }}</p>
            }
          } @else {
            @if (obstacle(); as why) {
              <p class="meta" data-testid="why">
                {{ t('approval.why.' + why) }}
              </p>
            }
            @if (mayAnswer() && hasComment()) {
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
            @if (mayAnswer()) {
              <div class="answers">
                @if (obstacle() === null) {
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
                }
                <button
                  class="btn"
                  type="button"
                  [disabled]="isBusy()"
                  [title]="t('approval.degradeHelp')"
                  (click)="decide('degrade')"
                >
                  {{
                    approval().deciding === 'degrade'
                      ? t('approval.sending')
                      : t('approval.degrade')
                  }}
                </button>
                <button
                  class="btn danger"
                  type="button"
                  [disabled]="isBusy()"
                  [title]="t('approval.abortHelp')"
                  (click)="decide('abort')"
                >
                  {{
                    approval().deciding === 'abort' ? t('approval.sending') : t('approval.abort')
                  }}
                </button>
              </div>
            }
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
              @if (mayAnswer() && !hasComment()) {
                <button class="btn quiet small" type="button" (click)="hasComment.set(true)">
                  {{ t('approval.addComment') }}
                </button>
              }
              @if (approval().you.mayBreakGlass) {
                <button
                  #glass
                  class="btn quiet small"
                  type="button"
                  [disabled]="isBusy()"
                  (click)="isGlass.set(true)"
                >
                  {{ t('approval.glass.open') }}
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
            @if (isBroken()) {
              · <span class="broken">{{ t('approval.glass.mark') }}</span>
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
    .who {
      display: flex;
      flex-direction: column;
      gap: 4px;
      padding: 8px 10px;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--surface);
    }
    .needs,
    .vote {
      display: flex;
      align-items: flex-start;
      gap: 8px;
    }
    .who aos-icon {
      flex: none;
      margin-top: 3px;
      color: var(--muted);
    }
    .who .grow {
      min-width: 0;
      overflow-wrap: anywhere;
    }
    .needs .grow::first-letter {
      text-transform: uppercase;
    }
    .who .num {
      flex: none;
      font-weight: 550;
    }
    .vote:not(.lapsed) aos-icon {
      color: var(--done);
    }
    .lapsed {
      color: var(--muted);
    }
    .words {
      display: block;
      white-space: pre-wrap;
    }
    .broken {
      color: var(--failed);
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
  readonly decided = output<DecideRequest>();

  private readonly clock = inject(Clock);
  private readonly who = inject(WhoDecides);
  protected readonly isParticular = isParticular;
  protected readonly whom = computed(() => this.who.of(this.approval().approvers));
  /** Why whoever looks at it cannot say yes. */
  protected readonly obstacle = computed(() =>
    this.mayDecide() ? this.approval().you.obstacle : 'permission',
  );
  /** Who has said yes may still say no. */
  protected readonly mayAnswer = computed(() => [null, 'voted'].includes(this.obstacle()));
  protected readonly isBroken = computed(() =>
    this.approval().votes.some(({ breakGlass }) => breakGlass),
  );
  protected readonly isGlass = signal(false);
  /** Apart from the comment: what was begun and left here must not go along with another answer. */
  protected readonly why = signal('');
  private readonly glass = viewChild<ElementRef<HTMLButtonElement>>('glass');
  private hasLeft = false;
  protected readonly comment = signal('');
  protected readonly hasComment = signal(false);

  protected readonly isEditing = signal(false);
  protected readonly canEdit = computed(
    () =>
      this.obstacle() === null &&
      // What somebody calls is theirs; and an edit would be the request of whoever decides on it.
      this.approval().jobId !== null &&
      !this.approval().secondPerson &&
      this.approval().approvers.count === 1 &&
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

  constructor() {
    // Back to the button that led to the reason, for whoever goes by keys.
    effect(() => {
      const glass = this.glass();
      if (!glass || !this.hasLeft) return;
      glass.nativeElement.focus();
      this.hasLeft = false;
    });
  }

  protected leaveGlass(): void {
    this.hasLeft = true;
    this.isGlass.set(false);
  }
  protected breakGlass(comment: string): void {
    this.decided.emit({
      ...{ approvalId: this.approval().id, decision: 'continue' },
      ...{ breakGlass: true, comment },
    });
  }

  protected decide(decision: DecideRequest['decision']): void {
    const comment = this.comment().trim();
    this.decided.emit({ approvalId: this.approval().id, decision, ...(comment && { comment }) });
  }
}
