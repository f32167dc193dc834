import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  InjectionToken,
  afterNextRender,
  effect,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import { Preferences } from '../ui/preferences';
import { type ChartSpec, chartOption } from './chart-option';
import type { ECharts } from './engine';
import { readInks } from './palette';

/** Fetches what draws. A test without a canvas gives another. */
export const CHART_ENGINE = new InjectionToken('what draws the charts', {
  providedIn: 'root',
  factory: () => () => import('./engine'),
});

interface PointerMoved {
  axesInfo?: { axisDim: string; value: number }[];
}

/** A stretch under the pointer, in pixels from the left of the canvas. */
interface Drag {
  from: number;
  to: number;
}

const SHORTEST_DRAG_PX = 6;

/** The picture of a chart. It is drawn when it comes into sight, and again when its data, size or theme change. */
@Component({
  selector: 'aos-chart-canvas',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `@if (drag(); as drag) {
    <div class="range" [style.left.px]="left(drag)" [style.width.px]="width(drag)"></div>
  }`,
  styles: `
    :host {
      position: relative;
      display: block;
      touch-action: pan-y;
    }
    :host(.ranging) {
      cursor: crosshair;
    }
    .range {
      position: absolute;
      inset-block: 0;
      z-index: 1;
      background: var(--chosen);
      border-inline: 1px solid var(--accent);
      pointer-events: none;
    }
  `,
  host: {
    '[style.height.px]': 'height()',
    '[class.ranging]': 'canRange()',
    '(pointerdown)': 'begin($event)',
    '(pointermove)': 'follow($event)',
    '(pointerup)': 'end()',
    '(pointercancel)': 'drag.set(null)',
    '(pointerleave)': 'pointed.emit(null)',
  },
})
export class ChartCanvas {
  readonly spec = input.required<ChartSpec>();
  readonly height = input.required<number>();
  readonly group = input<string>();
  readonly canRange = input(false);
  /** The value of the x axis under the pointer, here or on another chart of the group. */
  readonly pointed = output<number | null>();
  readonly ranged = output<{ from: number; to: number }>();

  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  private readonly loadEngine = inject(CHART_ENGINE);
  private readonly preferences = inject(Preferences);
  private readonly chart = signal<ECharts | null>(null);
  private readonly themeTurn = signal(0);
  protected readonly drag = signal<Drag | null>(null);

  constructor() {
    const destroyed = inject(DestroyRef);
    afterNextRender(() => this.waitForSight(destroyed));
    effect(() => {
      const chart = this.chart();
      const spec = this.spec();
      this.preferences.theme();
      this.themeTurn();
      if (!chart) return;
      const inks = readInks(
        this.host,
        spec.series.map(({ tone }) => tone),
      );
      chart.setOption(chartOption(spec, inks, getComputedStyle(this.host).fontFamily), {
        notMerge: true,
      });
    });
  }

  private waitForSight(destroyed: DestroyRef): void {
    if (typeof IntersectionObserver === 'undefined') return;
    let isGone = false;
    const sight = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        sight.disconnect();
        void this.loadEngine().then((engine) => {
          if (!isGone) this.mount(engine, destroyed);
        });
      },
      { rootMargin: '200px' },
    );
    sight.observe(this.host);
    destroyed.onDestroy(() => {
      isGone = true;
      sight.disconnect();
    });
  }

  private mount(engine: typeof import('./engine'), destroyed: DestroyRef): void {
    const box = this.host.ownerDocument.createElement('div');
    box.style.height = '100%';
    this.host.prepend(box);
    const chart = engine.init(box, undefined, { renderer: 'canvas' });
    const group = this.group();
    if (group) {
      chart.group = group;
      engine.connect(group);
    }
    chart.on('updateAxisPointer', (event) => {
      const axis = (event as PointerMoved).axesInfo?.find(({ axisDim }) => axisDim === 'x');
      this.pointed.emit(axis?.value ?? null);
    });
    const size = new ResizeObserver(() => chart.resize());
    size.observe(box);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const turn = () => this.themeTurn.update((n) => n + 1);
    dark.addEventListener('change', turn);
    destroyed.onDestroy(() => {
      size.disconnect();
      dark.removeEventListener('change', turn);
      chart.dispose();
    });
    this.chart.set(chart);
  }

  protected left(drag: Drag): number {
    return Math.min(drag.from, drag.to);
  }
  protected width(drag: Drag): number {
    return Math.abs(drag.to - drag.from);
  }

  protected begin(event: PointerEvent): void {
    if (!this.canRange() || event.button !== 0 || event.pointerType === 'touch') return;
    const x = event.clientX - this.host.getBoundingClientRect().left;
    this.host.setPointerCapture(event.pointerId);
    this.drag.set({ from: x, to: x });
  }
  protected follow(event: PointerEvent): void {
    const x = event.clientX - this.host.getBoundingClientRect().left;
    this.drag.update((drag) => (drag ? { ...drag, to: x } : null));
  }
  protected end(): void {
    const drag = this.drag();
    const chart = this.chart();
    this.drag.set(null);
    if (!drag || !chart || this.width(drag) < SHORTEST_DRAG_PX) return;
    const { from, to } = this.spec();
    const at = (x: number) =>
      Math.round(Math.min(to, Math.max(from, chart.convertFromPixel({ xAxisIndex: 0 }, x))));
    this.ranged.emit({ from: at(this.left(drag)), to: at(this.left(drag) + this.width(drag)) });
  }
}
