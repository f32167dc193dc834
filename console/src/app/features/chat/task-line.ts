import { ChangeDetectionStrategy, Component, computed, input, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { type LiveJob, hasEnded } from '../../shared/state/jobs';
import { Icon } from '../../shared/ui/icon';
import { StateMark, toneOf, wordOf } from '../../shared/ui/state-mark';
import { Elapsed } from '../../shared/ui/time';
import { Sentences } from '../../shared/i18n/sentences';

/** The task that a message started, in one line that lives. */
@Component({
  selector: 'aos-task-line',
  imports: [Elapsed, Icon, RouterLink, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <a
      class="line"
      [class]="tone()"
      [routerLink]="['/projects', 'runs', job().traceId]"
      *transloco="let t"
    >
      <aos-state [tone]="tone()" [word]="word()" />
      <span class="cut step grow" [title]="now()">{{ now() }}</span>
      @if (total() > 0) {
        <span
          class="bar"
          role="progressbar"
          [attr.aria-label]="t('chat.progress')"
          [attr.aria-valuenow]="job().progress.done"
          [attr.aria-valuemax]="total()"
          aria-valuemin="0"
          ><span [style.width.%]="(100 * job().progress.done) / total()"></span
        ></span>
        <span class="meta num">{{ job().progress.done }}/{{ total() }}</span>
      }
      <aos-elapsed
        class="meta"
        [from]="job().startedAt ?? job().createdAt"
        [to]="job().finishedAt"
      />
      <aos-icon name="right" [size]="14" />
    </a>
  `,
  styles: `
    .line {
      display: flex;
      align-items: center;
      gap: 10px;
      height: 36px;
      padding: 0 10px 0 12px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
      color: var(--ink);
      text-decoration: none;
      font-size: 13px;
    }
    .line:hover {
      background: linear-gradient(var(--hover), var(--hover)), var(--surface);
    }
    .line.waiting {
      border-color: var(--waiting-mark);
    }
    .step {
      color: var(--muted);
    }
    .bar {
      flex: none;
      width: 88px;
      height: 4px;
      border-radius: 999px;
      background: var(--line);
      overflow: hidden;
    }
    .bar span {
      display: block;
      height: 100%;
      border-radius: inherit;
      background: currentColor;
      color: var(--running);
      transition: width var(--quick);
    }
    .done .bar span {
      color: var(--done);
    }
    .failed .bar span {
      color: var(--failed);
    }
    .waiting .bar span {
      color: var(--waiting-mark);
    }
    .recovering .bar span {
      color: var(--recovering);
    }
    aos-elapsed,
    .meta {
      flex: none;
      white-space: nowrap;
    }
    .line > aos-icon {
      color: var(--muted);
    }
    @media (max-width: 719px) {
      .bar {
        width: 44px;
      }
    }
  `,
})
export class TaskLine {
  private readonly sentences = inject(Sentences);
  readonly job = input.required<LiveJob>();
  protected readonly tone = computed(() => toneOf(this.job()));
  protected readonly word = computed(() => wordOf(this.job()));
  protected readonly total = computed(() => this.job().progress.total);
  protected readonly now = computed(() => {
    const job = this.job();
    if (job.error && hasEnded(job)) return this.sentences.of(job.error.said, job.error.message);
    return job.told ? this.sentences.ofEvent(job.told) : (job.progress.current ?? '');
  });
}
