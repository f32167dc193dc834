import { ChangeDetectionStrategy, Component, computed, input, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { AosEvent } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { anomalyOf, receiptOf } from '../state/payloads';
import type { IconName } from '../ui/icon';
import { StateMark, type Tone } from '../ui/state-mark';
import { Age } from '../ui/time';
import { Verbatim } from '../ui/verbatim';
import { Sentences } from '../i18n/sentences';

interface Action {
  key: string;
  route?: string[];
  href?: string;
}

/** One sentence of the value stream, with what can be done about it. */
@Component({
  selector: 'aos-event-card',
  imports: [Age, RouterLink, StateMark, TranslocoDirective, Verbatim],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <article *transloco="let t" [attr.data-seq]="event().seq">
      <header>
        <aos-state [tone]="look().tone" [icon]="look().icon" [word]="look().word" />
        <span class="grow"></span>
        <aos-age class="meta" [at]="event().createdAt" />
      </header>
      <p class="sentence">{{ sentences.ofEvent(event()) }}</p>
      @if (sample(); as sample) {
        <details>
          <summary>{{ t('stream.sample') }}</summary>
          <aos-verbatim [value]="sample" [label]="t('stream.sample')" />
        </details>
      }
      @if (actions().length) {
        <div class="actions">
          @for (action of actions(); track action.key) {
            @if (action.route) {
              <a [routerLink]="action.route">{{ t(action.key) }}</a>
            } @else {
              <a [href]="action.href" download>{{ t(action.key) }}</a>
            }
          }
        </div>
      }
    </article>
  `,
  styles: `
    article {
      padding: 10px 12px;
    }
    header {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    .sentence {
      margin-top: 2px;
      overflow-wrap: anywhere;
    }
    .actions {
      display: flex;
      gap: 14px;
      margin-top: 6px;
    }
    .actions a {
      font-size: 12px;
      font-weight: 550;
    }
    details {
      margin-top: 4px;
    }
    summary {
      width: fit-content;
      color: var(--muted);
      font-size: 12px;
      cursor: pointer;
    }
    details[open] summary {
      margin-bottom: 4px;
    }
  `,
})
export class EventCard {
  protected readonly sentences = inject(Sentences);
  readonly event = input.required<AosEvent>();
  /** Where the run's own page is the page the card is shown on, a link to it would lead nowhere. */
  readonly isOnRunPage = input(false);

  /** The head of the stack leads to the run as well; only what calls for a look says so once more. */
  private readonly isWorthALook = computed(
    () =>
      !this.isOnRunPage() &&
      !['task.acceptance', 'task.progress.milestone'].includes(this.event().type),
  );
  protected readonly look = computed(() => lookOf(this.event()));
  protected readonly sample = computed(() =>
    this.event().type === 'anomaly.detected' ? anomalyOf(this.event()).sample : null,
  );
  protected readonly actions = computed(() => {
    const { links, traceId, payload } = this.event();
    const actions = new Map<string, Action>();
    for (const { rel, href } of links) {
      if (rel === 'download') {
        // Only what our own server holds: a link is data, and data does not choose where a click goes.
        if (/^\/(?![/\\])/.test(href)) actions.set(rel, { key: 'stream.download', href });
      } else if (rel === 'conversation') {
        const id = href.split('/').pop();
        if (id) actions.set(rel, { key: 'stream.openConversation', route: ['/chat', id] });
      } else if (rel === 'settings' && typeof payload['proposalId'] === 'string') {
        const route = ['/settings', 'proposals', payload['proposalId']];
        actions.set(rel, { key: 'stream.openProposal', route });
      } else if (rel !== 'approve' && rel !== 'settings' && this.isWorthALook()) {
        actions.set('run', { key: 'stream.openRun', route: ['/projects', 'runs', traceId] });
      }
    }
    return [...actions.values()].slice(0, 2);
  });
}

function lookOf(event: AosEvent): { tone: Tone; icon?: IconName; word: string } {
  switch (event.type) {
    case 'task.acceptance':
      return { tone: 'running', icon: 'flag', word: 'stream.accepted' };
    case 'task.progress.milestone':
      return { tone: 'running', icon: 'milestone', word: 'stream.milestone' };
    case 'task.receipt': {
      const status = receiptOf(event)?.status ?? 'succeeded';
      const tone = status === 'succeeded' ? 'done' : status === 'failed' ? 'failed' : 'idle';
      return { tone, word: `state.${status}` };
    }
    case 'approval.request':
      return { tone: 'waiting', word: 'state.waiting' };
    case 'anomaly.detected':
      return {
        tone: event.severity === 'error' ? 'failed' : 'waiting',
        icon: 'anomaly',
        word: 'stream.anomaly',
      };
    case 'recovery.start':
      return { tone: 'recovering', word: 'state.recovering' };
    case 'recovery.done':
      return { tone: 'done', icon: 'recovering', word: 'stream.recovered' };
    default:
      return { tone: 'idle', word: 'stream.event' };
  }
}
