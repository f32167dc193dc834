import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  afterNextRender,
  computed,
  effect,
  inject,
  input,
  output,
  signal,
  viewChild,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Preferences } from '../ui/preferences';
import type { SpanRow } from './span-tree';
import { type Stretch, within } from './trace-view';

const HEIGHT_PX = 40;

/** The whole trace in small. The stretch that the lanes show is a window on it: drag it, or drag beside it for another. */
@Component({
  selector: 'aos-minimap',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <canvas #canvas aria-hidden="true"></canvas>
      <div class="shade" [style.left.px]="0" [style.width.%]="left()"></div>
      <div class="shade" [style.left.%]="left() + width()" [style.right.px]="0"></div>
      <div
        class="window"
        role="slider"
        tabindex="0"
        [attr.aria-label]="t('trace.window')"
        aria-valuemin="0"
        aria-valuemax="100"
        [attr.aria-valuenow]="middle()"
        [style.left.%]="left()"
        [style.width.%]="width()"
        (keydown)="onKey($event)"
      ></div>
    </ng-container>
  `,
  styles: `
    :host {
      position: relative;
      display: block;
      height: 40px;
      overflow: hidden;
      background: var(--sunken);
      cursor: crosshair;
      touch-action: none;
    }
    canvas {
      position: absolute;
      inset: 0;
      width: 100%;
      height: 100%;
    }
    .shade {
      position: absolute;
      inset-block: 0;
      background: color-mix(in srgb, var(--paper) 70%, transparent);
      pointer-events: none;
    }
    .window {
      position: absolute;
      inset-block: 0;
      min-width: 4px;
      border-inline: 2px solid var(--accent);
      cursor: grab;
    }
    .window:focus-visible {
      outline-offset: -2px;
    }
  `,
  host: {
    '(pointerdown)': 'begin($event)',
    '(pointermove)': 'follow($event)',
    '(pointerup)': 'drag = null',
    '(pointercancel)': 'drag = null',
  },
})
export class Minimap {
  readonly rows = input.required<readonly SpanRow[]>();
  readonly lengthUs = input.required<number>();
  readonly stretch = input.required<Stretch>();
  readonly stretched = output<Stretch>();

  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  private readonly canvas = viewChild<ElementRef<HTMLCanvasElement>>('canvas');
  private readonly preferences = inject(Preferences);
  private readonly boxPx = signal(0);
  protected drag: { at: number; grabbed: Stretch | null } | null = null;

  protected readonly left = computed(() => (100 * this.stretch().fromUs) / this.lengthUs());
  protected readonly width = computed(
    () => (100 * (this.stretch().toUs - this.stretch().fromUs)) / this.lengthUs(),
  );
  protected readonly middle = computed(() => Math.round(this.left() + this.width() / 2));

  constructor() {
    const destroyed = inject(DestroyRef);
    afterNextRender(() => {
      this.boxPx.set(this.host.clientWidth);
      if (typeof ResizeObserver === 'undefined') return;
      const size = new ResizeObserver(() => this.boxPx.set(this.host.clientWidth));
      size.observe(this.host);
      const dark = matchMedia('(prefers-color-scheme: dark)');
      const turn = () => this.draw();
      dark.addEventListener('change', turn);
      destroyed.onDestroy(() => {
        size.disconnect();
        dark.removeEventListener('change', turn);
      });
    });
    effect(() => {
      this.preferences.theme();
      this.draw();
    });
  }

  /** Rows share the height: a long trace becomes a silhouette, with what failed on top of it. */
  private draw(): void {
    const canvas = this.canvas()?.nativeElement;
    const width = this.boxPx();
    const rows = this.rows();
    const pen = canvas && width > 0 ? canvas.getContext('2d') : null;
    if (!canvas || !pen) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = HEIGHT_PX * ratio;
    pen.scale(ratio, ratio);
    const step = (HEIGHT_PX - 4) / Math.max(1, rows.length);
    const bar = Math.max(1, Math.min(3, step * 0.8));
    const paint = (token: string, isWanted: (row: SpanRow) => boolean) => {
      pen.fillStyle = this.colour(token);
      rows.forEach((row, index) => {
        if (!isWanted(row)) return;
        const x = (row.offsetUs / this.lengthUs()) * width;
        const length = Math.max(1, (row.span.durationUs / this.lengthUs()) * width);
        pen.fillRect(x, 2 + index * step, length, bar);
      });
    };
    paint('--line-strong', ({ span }) => span.status !== 'error');
    paint('--failed', ({ span }) => span.status === 'error');
  }

  private colour(token: string): string {
    const probe = document.createElement('span');
    probe.style.color = `var(${token})`;
    this.host.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }

  private timeAt(event: PointerEvent): number {
    const box = this.host.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * this.lengthUs();
  }
  protected begin(event: PointerEvent): void {
    if (event.button !== 0) return;
    const isGrabbed = (event.target as HTMLElement).classList.contains('window');
    const isWhole = this.width() > 99;
    this.drag = { at: this.timeAt(event), grabbed: isGrabbed && !isWhole ? this.stretch() : null };
    this.host.setPointerCapture(event.pointerId);
  }
  protected follow(event: PointerEvent): void {
    if (!this.drag) return;
    const at = this.timeAt(event);
    const { grabbed, at: from } = this.drag;
    const wanted = grabbed
      ? { fromUs: grabbed.fromUs + at - from, toUs: grabbed.toUs + at - from }
      : { fromUs: Math.min(from, at), toUs: Math.max(from, at) };
    if (grabbed || Math.abs(at - from) > this.lengthUs() / 200)
      this.stretched.emit(within(wanted, this.lengthUs()));
  }
  protected onKey(event: KeyboardEvent): void {
    const { fromUs, toUs } = this.stretch();
    const step = (toUs - fromUs) / 10;
    const by = event.key === 'ArrowLeft' ? -step : event.key === 'ArrowRight' ? step : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.stretched.emit(within({ fromUs: fromUs + by, toUs: toUs + by }, this.lengthUs()));
  }
}
