import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  computed,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import type { AosEvent } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from '../../../shared/ui/icon';
import { duration } from '../../../shared/ui/time';

const FRAME_MS = 100;
/** A run of any length can be seen in half a minute. */
const WATCH_MS = 30_000;
const speeds = [1, 4, 16, 64, 256, 1024] as const;

export const firstSpeed = (lengthMs: number): number =>
  speeds.find((speed) => lengthMs / speed <= WATCH_MS) ?? speeds.at(-1)!;

/** The event before or after a moment: where the arrow keys go. */
export function nextEvent(
  events: readonly AosEvent[],
  at: number,
  direction: 1 | -1,
): number | undefined {
  const times = events.map(({ createdAt }) => Date.parse(createdAt));
  return direction === 1 ? times.find((time) => time > at) : times.findLast((time) => time < at);
}

/** A run played again: a slider with a tick for every event, and what had been said by then. */
@Component({
  selector: 'aos-replay-bar',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <section *transloco="let t" [attr.aria-label]="t('projects.run.replay')">
      <button
        class="btn icon"
        type="button"
        [attr.aria-label]="t(isPlaying() ? 'projects.run.pause' : 'projects.run.play')"
        [title]="t(isPlaying() ? 'projects.run.pause' : 'projects.run.play')"
        (click)="toggle()"
      >
        <aos-icon [name]="isPlaying() ? 'waiting' : 'play'" />
      </button>
      <label class="speed">
        <span class="sr-only">{{ t('projects.run.speed') }}</span>
        <select [value]="speed()" (change)="chosen.set(+$any($event.target).value)">
          @for (choice of speeds; track choice) {
            <option [value]="choice" [selected]="choice === speed()">{{ choice }}×</option>
          }
        </select>
      </label>
      <div class="slide">
        <p class="said cut" role="status" [title]="sentence()">{{ sentence() }}</p>
        <div class="rail">
          @for (tick of ticks(); track tick.id) {
            <span class="tick {{ tick.severity }}" [style.left.%]="tick.left"></span>
          }
          <input
            type="range"
            min="0"
            [max]="length()"
            step="1"
            [value]="at() - from()"
            [attr.aria-label]="t('projects.run.moment')"
            [attr.aria-valuetext]="text() + ', ' + sentence()"
            (input)="seek(+$any($event.target).value)"
            (keydown)="onKey($event)"
          />
        </div>
      </div>
      <span class="num time">{{ text() }} / {{ total() }}</span>
      <button class="btn quiet" type="button" (click)="closed.emit()">
        {{ t(isOver() ? 'projects.run.endReplay' : 'projects.run.backToLive') }}
      </button>
    </section>
  `,
  styles: `
    section {
      display: flex;
      align-items: center;
      gap: 12px;
      padding: 8px 16px 10px;
      border-top: 1px solid var(--line);
      background: var(--raised);
    }
    select {
      height: 30px;
      padding: 0 4px;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--surface);
    }
    .slide {
      flex: 1;
      min-width: 0;
    }
    .said {
      color: var(--muted);
      font-size: 12px;
      line-height: 16px;
    }
    .rail {
      position: relative;
      height: 22px;
    }
    .tick {
      position: absolute;
      top: 3px;
      width: 1px;
      height: 16px;
      margin-left: -0.5px;
      background: var(--line-strong);
      pointer-events: none;
    }
    .tick.success {
      width: 2px;
      background: var(--done);
    }
    .tick.warning {
      width: 2px;
      background: var(--waiting-mark);
    }
    .tick.error {
      width: 2px;
      background: var(--failed);
    }
    input {
      position: absolute;
      inset: 0 -8px;
      width: calc(100% + 16px);
      height: 22px;
      margin: 0;
      accent-color: var(--accent);
      cursor: pointer;
    }
    .time {
      flex: none;
      min-width: 104px;
      text-align: right;
    }
    @media (max-width: 719px) {
      section {
        flex-wrap: wrap;
        gap: 6px 10px;
      }
      .slide {
        order: 5;
        flex-basis: 100%;
      }
      .time {
        flex: 1;
      }
    }
  `,
})
export class ReplayBar {
  readonly events = input.required<readonly AosEvent[]>();
  readonly at = input.required<number>();
  readonly sentence = input('');
  readonly isOver = input(true);
  readonly moved = output<number>();
  /** The person, or the end of the run, has brought it to rest: worth keeping in the address. */
  readonly rested = output<number>();
  readonly closed = output();

  protected readonly speeds = speeds;
  protected readonly isPlaying = signal(false);
  protected readonly chosen = signal<number | null>(null);
  protected readonly from = computed(() => Date.parse(this.events()[0]?.createdAt ?? ''));
  private readonly to = computed(() => Date.parse(this.events().at(-1)?.createdAt ?? ''));
  protected readonly length = computed(() => Math.max(1, this.to() - this.from()));
  protected readonly speed = computed(() => this.chosen() ?? firstSpeed(this.length()));
  protected readonly text = computed(() => duration(Math.max(0, this.at() - this.from())));
  protected readonly total = computed(() => duration(this.length()));
  protected readonly ticks = computed(() =>
    this.events().map(({ id, severity, createdAt }) => ({
      id,
      severity,
      left: (100 * (Date.parse(createdAt) - this.from())) / this.length(),
    })),
  );

  private timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    inject(DestroyRef).onDestroy(() => clearInterval(this.timer));
  }

  protected toggle(): void {
    if (this.isPlaying()) return this.rest();
    if (this.at() >= this.to()) this.moved.emit(this.from());
    this.isPlaying.set(true);
    let before = performance.now();
    this.timer = setInterval(() => {
      const now = performance.now();
      const next = Math.min(this.to(), this.at() + (now - before) * this.speed());
      before = now;
      this.moved.emit(next);
      if (next >= this.to()) this.rest();
    }, FRAME_MS);
  }

  private rest(): void {
    clearInterval(this.timer);
    this.isPlaying.set(false);
    this.rested.emit(this.at());
  }

  protected seek(offset: number): void {
    clearInterval(this.timer);
    this.isPlaying.set(false);
    this.moved.emit(this.from() + offset);
    this.rested.emit(this.from() + offset);
  }

  protected onKey(event: KeyboardEvent): void {
    if (event.key === ' ') {
      event.preventDefault();
      return this.toggle();
    }
    const direction = /^Arrow(Right|Up)$/.test(event.key)
      ? 1
      : /^Arrow(Left|Down)$/.test(event.key)
        ? -1
        : null;
    if (direction === null) return;
    event.preventDefault();
    const time = nextEvent(this.events(), this.at(), direction);
    if (time !== undefined) this.seek(time - this.from());
  }
}
