import { CdkVirtualScrollViewport, ScrollingModule } from '@angular/cdk/scrolling';
import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  input,
  signal,
  untracked,
  viewChild,
  inject,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { AosEvent, LogLine } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Revealed } from '../../../shared/ui/revealed';
import { Sentences } from '../../../shared/i18n/sentences';

type Level = LogLine['level'];
interface Line {
  readonly id: string;
  readonly at: number;
  readonly level: Level;
  readonly source: string;
  readonly text: string;
}

const levelOf: Record<AosEvent['severity'], Level> = {
  info: 'info',
  success: 'info',
  warning: 'warn',
  error: 'error',
};

/**
 * What was logged, and what the events say in sentences, in one order of time. The log has some of the events too, under
 * their `seq`: where the event itself is here, its line would say the same a second time.
 */
export function linesOf(
  events: readonly AosEvent[],
  logs: readonly LogLine[],
  textOf: (event: AosEvent) => string,
): Line[] {
  const said = events.map((event): Line => ({
    id: `e${event.id}`,
    at: Date.parse(event.createdAt),
    level: levelOf[event.severity],
    source: event.type,
    text: textOf(event),
  }));
  const seqs = new Set<unknown>(events.map(({ seq }) => seq));
  const others = logs.filter(({ attributes }) => !seqs.has(attributes['seq'] ?? null));
  const logged = others.map(({ id, at, level, logger, message }): Line => ({
    id: `l${id}`,
    at: Date.parse(at),
    level,
    source: logger,
    text: message,
  }));
  return [...said, ...logged].sort((a, b) => a.at - b.at);
}

/** The log of the run. It follows what is written until somebody scrolls up, and again when they come back down. */
@Component({
  selector: 'aos-run-log',
  imports: [Revealed, RouterLink, ScrollingModule, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (gap(); as gap) {
        <p class="gap" role="status">
          {{ t('projects.run.logGap.' + gap, { n: logs().length }) }}
          <a [routerLink]="['/monitor/logs']" [queryParams]="{ traceId: traceId() }">{{
            t('projects.run.logInMonitor')
          }}</a>
        </p>
      }
      @if (lines().length === 0 && !gap()) {
        <p class="none muted">{{ t('projects.run.noLogs') }}</p>
      }
      <cdk-virtual-scroll-viewport
        itemSize="22"
        minBufferPx="440"
        maxBufferPx="880"
        role="log"
        aria-live="off"
        tabindex="0"
        [attr.aria-label]="t('projects.run.tab.logs')"
        (scroll)="onScroll()"
      >
        <div
          *cdkVirtualFor="let line of lines(); trackBy: byId"
          class="line {{ line.level }}"
          [title]="line.text"
        >
          <span class="time num">{{ offset(line.at) }}</span>
          <span class="level">{{ t('projects.run.level.' + line.level) }}</span>
          <span class="source cut">{{ line.source }}</span>
          <span class="text cut"><aos-revealed [text]="line.text" /></span>
        </div>
      </cdk-virtual-scroll-viewport>
      @if (!follows()) {
        <button class="btn small filled down" type="button" (click)="toEnd()">
          {{ t('projects.run.followLog') }}
        </button>
      }
    </ng-container>
  `,
  styles: `
    :host {
      position: relative;
      display: flex;
      flex-direction: column;
      height: 100%;
    }
    .gap {
      margin: 0;
      padding: 8px 24px;
      border-bottom: 1px solid var(--line);
      background: var(--waiting-tint);
    }
    cdk-virtual-scroll-viewport {
      flex: 1;
      min-height: 0;
      container-type: inline-size;
      font: 12px/22px var(--mono);
      outline-offset: -2px;
    }
    .line {
      display: flex;
      gap: 12px;
      height: 22px;
      /* As wide as what is in sight, and not as the longest line. */
      max-width: 100cqw;
      padding: 0 24px;
      white-space: nowrap;
    }
    .line:hover {
      background: var(--hover);
    }
    .time {
      flex: 0 0 72px;
      color: var(--muted);
      text-align: right;
    }
    .level {
      flex: 0 0 52px;
      color: var(--muted);
      font-family: var(--font);
    }
    .source {
      flex: 0 0 168px;
      color: var(--muted);
    }
    .warn .level,
    .warn .text {
      color: var(--waiting);
    }
    .error .level,
    .error .text {
      color: var(--failed);
    }
    .text {
      flex: 1;
    }
    .none {
      padding: 48px;
      text-align: center;
    }
    .down {
      position: absolute;
      right: 24px;
      bottom: 16px;
      box-shadow: var(--float);
    }
    @media (max-width: 719px) {
      .line {
        gap: 8px;
        padding: 0 12px;
      }
      .time {
        flex-basis: 56px;
      }
      .source {
        display: none;
      }
      /* A fifth more of each sentence fits. */
      .text {
        font-family: var(--font);
      }
    }
  `,
})
export class RunLog {
  private readonly sentences = inject(Sentences);
  readonly events = input.required<readonly AosEvent[]>();
  readonly logs = input.required<readonly LogLine[]>();
  readonly gap = input<'cut' | 'failed' | null>(null);
  readonly traceId = input.required<string>();
  readonly from = input.required<number>();

  private readonly viewport = viewChild(CdkVirtualScrollViewport);
  protected readonly follows = signal(true);
  protected readonly lines = computed(() =>
    linesOf(this.events(), this.logs(), (event) => this.sentences.ofEvent(event)),
  );
  protected readonly byId = (_: number, { id }: Line) => id;

  constructor() {
    effect(() => {
      this.lines();
      const viewport = this.viewport();
      if (viewport && untracked(this.follows))
        requestAnimationFrame(() => viewport.scrollTo({ bottom: 0 }));
    });
  }

  protected offset(at: number): string {
    return `+${((at - this.from()) / 1000).toFixed(3)}`;
  }
  protected onScroll(): void {
    this.follows.set((this.viewport()?.measureScrollOffset('bottom') ?? 0) < 40);
  }
  protected toEnd(): void {
    this.follows.set(true);
    this.viewport()?.scrollTo({ bottom: 0 });
  }
}
