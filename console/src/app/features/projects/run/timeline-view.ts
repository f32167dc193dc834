import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import type { AosEvent } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Clock } from '../../../shared/ui/clock';
import { duration } from '../../../shared/ui/time';
import { lanesOf } from './run-timeline';
import { Sentences } from '../../../shared/i18n/sentences';

const TICKS = 5;
/** The words stand behind the bars; so much of the width is theirs. */
const BARS_PERCENT = 86;
const niceSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/** A round step that gives about five ticks. */
export function tickStep(spanMs: number): number {
  const wanted = spanMs / TICKS;
  return niceSteps.find((step) => step >= wanted) ?? Math.ceil(wanted / 60_000) * 60_000;
}

/** The run and its steps as bars on one axis of time: attempts, waits for a person, recovery after a crash. */
@Component({
  selector: 'aos-timeline-view',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div
      class="timeline"
      *transloco="let t"
      role="list"
      [attr.aria-label]="t('projects.run.tab.timeline')"
    >
      <div class="axis" aria-hidden="true">
        @for (tick of ticks(); track tick.at) {
          <span class="num" [style.left.%]="tick.left">{{ tick.text }}</span>
        }
      </div>
      @for (lane of lanes(); track lane.stepId ?? '') {
        <div class="lane" role="listitem">
          @if (lane.stepId; as id) {
            <button class="label cut" type="button" [title]="id" (click)="picked.emit(id)">
              {{ id }}
            </button>
          } @else {
            <span class="label whole cut">{{ t('projects.run.whole') }}</span>
          }
          <div class="track">
            @for (bar of lane.bars; track $index) {
              <span
                class="bar {{ bar.kind }}"
                [style.left.%]="bar.left"
                [style.width.%]="bar.width"
                [title]="
                  t('projects.run.bar.' + bar.kind) +
                  ' · ' +
                  bar.took +
                  ' · ' +
                  sentences.ofEvent(bar.told)
                "
              >
                <span class="sr-only">{{
                  t('projects.run.bar.' + bar.kind) + ' ' + bar.took
                }}</span>
              </span>
              @if (bar.isLast) {
                <span
                  class="word num {{ bar.kind }}"
                  [style.left.%]="bar.left + bar.width"
                  aria-hidden="true"
                  >{{ t('projects.run.bar.' + bar.kind) }} · {{ bar.took }}
                  @if (lane.bars.length > 1 && bar.attempt > 1) {
                    · ×{{ bar.attempt }}
                  }
                </span>
              }
            }
          </div>
        </div>
      } @empty {
        <p class="muted none">{{ t('run.noEvents') }}</p>
      }
    </div>
  `,
  styles: `
    .timeline {
      --label: 180px;
      min-width: 560px;
      padding: 16px 24px 24px;
    }
    .axis {
      position: relative;
      height: 20px;
      margin-left: var(--label);
      border-bottom: 1px solid var(--line);
      color: var(--muted);
      font-size: 11px;
    }
    .axis span {
      position: absolute;
      padding-left: 4px;
      border-left: 1px solid var(--line);
      line-height: 20px;
    }
    .lane {
      display: flex;
      align-items: center;
      height: 32px;
      border-bottom: 1px solid var(--line);
    }
    .label {
      flex: 0 0 var(--label);
      padding: 0 12px 0 0;
      border: 0;
      background: none;
      text-align: left;
    }
    button.label {
      cursor: pointer;
    }
    button.label:hover {
      color: var(--accent);
    }
    .whole {
      font-weight: 550;
    }
    .track {
      position: relative;
      flex: 1;
      height: 100%;
    }
    .bar {
      position: absolute;
      top: 9px;
      height: 14px;
      min-width: 3px;
      border: 1px solid transparent;
      border-radius: 3px;
      background: var(--idle);
    }
    .bar.queued,
    .bar.skipped {
      background: var(--idle-tint);
      border-color: var(--line-strong);
    }
    .bar.running {
      background: var(--running);
    }
    .bar.waiting {
      background: repeating-linear-gradient(
        135deg,
        var(--waiting-tint) 0 4px,
        var(--waiting-mark) 4px 6px
      );
      border-color: var(--waiting-mark);
    }
    .bar.done {
      background: var(--done);
    }
    .bar.failed {
      background: var(--failed);
    }
    .bar.recovering {
      background: var(--recovering);
    }
    .word {
      position: absolute;
      top: 8px;
      padding: 0 8px;
      color: var(--muted);
      font-size: 11px;
      line-height: 16px;
      white-space: nowrap;
    }
    .none {
      padding: 40px;
      text-align: center;
    }
    @media (max-width: 719px) {
      .timeline {
        --label: 88px;
        min-width: 0;
        padding: 12px 16px 24px;
      }
      /* The words behind the bars take more of a small width. */
      .axis,
      .track {
        margin-right: 60px;
      }
      /* The figures of all of them would run into each other. */
      .axis span:nth-child(even) {
        display: none;
      }
      .word {
        padding: 0 6px;
      }
    }
  `,
})
export class TimelineView {
  protected readonly sentences = inject(Sentences);
  readonly events = input.required<readonly AosEvent[]>();
  readonly isOver = input.required<boolean>();
  /** The moment of a replay; null goes with the clock. */
  readonly at = input<number | null>(null);
  readonly picked = output<string>();
  private readonly clock = inject(Clock);

  private readonly from = computed(() => Date.parse(this.events()[0]?.createdAt ?? ''));
  private readonly to = computed(() => {
    const last = Date.parse(this.events().at(-1)?.createdAt ?? '');
    const end = this.at() ?? (this.isOver() ? last : Math.max(last, this.clock.now()));
    return Math.max(end, this.from() + 1);
  });
  protected readonly lanes = computed(() => {
    const [from, to] = [this.from(), this.to()];
    const percent = (ms: number) => (BARS_PERCENT * ms) / (to - from);
    return lanesOf(this.events()).map((lane) => ({
      stepId: lane.stepId,
      bars: lane.bars.map((bar, n) => {
        const end = bar.to ?? to;
        return {
          ...bar,
          left: percent(bar.from - from),
          width: percent(Math.max(0, end - bar.from)),
          took: duration(Math.max(0, end - bar.from)),
          isLast: n === lane.bars.length - 1,
        };
      }),
    }));
  });
  protected readonly ticks = computed(() => {
    const span = this.to() - this.from();
    if (!Number.isFinite(span)) return [];
    const step = tickStep(span);
    return Array.from({ length: Math.floor(span / step) + 1 }, (_, n) => ({
      at: n * step,
      left: (BARS_PERCENT * n * step) / span,
      text: n === 0 ? '0' : duration(n * step),
    }));
  });
}
