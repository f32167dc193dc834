import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  Injector,
  afterNextRender,
  computed,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import type { StepState } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from '../../../shared/ui/icon';
import { StateMark, toneOfStep } from '../../../shared/ui/state-mark';
import { Elapsed } from '../../../shared/ui/time';
import { NODE_H, NODE_W, layOut } from './plan-layout';

const ZOOMS = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25] as const;
const SMALLEST_FIT = 0.1;
/** What the sheet keeps free around the drawing. */
const SIDES_PX = 48;
const ENDS_PX = 76;

/**
 * The plan as a graph from left to right. One node is in reach of Tab; arrows walk from there: left and right along
 * what needs what, up and down among what stands side by side; plus, minus and nought zoom and fit.
 */
@Component({
  selector: 'aos-plan-graph',
  host: { '(keydown)': 'onZoomKey($event)' },
  imports: [Elapsed, Icon, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="scroller" role="group" [attr.aria-label]="t('projects.run.tab.plan')">
        <div
          class="sheet"
          [style.width.px]="layout().width * zoom()"
          [style.height.px]="layout().height * zoom()"
        >
          <div
            class="drawing"
            [style.width.px]="layout().width"
            [style.height.px]="layout().height"
            [style.transform]="'scale(' + zoom() + ')'"
          >
            <svg
              [attr.width]="layout().width"
              [attr.height]="layout().height"
              aria-hidden="true"
              focusable="false"
            >
              @for (edge of edges(); track edge.from + ' ' + edge.to) {
                <path [attr.d]="edge.path" [class.lit]="edge.isLit" />
              }
            </svg>
            @for (node of nodes(); track node.step.id) {
              <button
                type="button"
                class="node {{ hasStates() ? node.tone : '' }}"
                [attr.data-step]="node.step.id"
                [attr.aria-pressed]="chosen() === node.step.id"
                [attr.tabindex]="node.step.id === reachable() ? 0 : -1"
                [style.left.px]="node.x"
                [style.top.px]="node.y"
                [style.width.px]="nodeW"
                [style.height.px]="nodeH"
                (click)="picked.emit(node.step.id)"
                (focus)="focused.set(node.step.id)"
                (keydown)="onKey($event, node.step.id)"
              >
                <span class="line">
                  <span class="name cut" [title]="node.step.id">{{ node.step.id }}</span>
                  <span class="grow"></span>
                  @if (node.step.attempts > 1) {
                    <span class="meta num" [title]="t('run.tries', { n: node.step.attempts })"
                      >×{{ node.step.attempts }}</span
                    >
                  }
                  @if (node.step.approval === 'required') {
                    <aos-icon name="person" [size]="13" />
                    <span class="sr-only">{{ t('run.asks') }}</span>
                  }
                </span>
                @if (hasStates()) {
                  <span class="line">
                    <aos-state [tone]="node.tone" [word]="'state.' + node.step.state" />
                    <span class="grow"></span>
                    <span class="meta"
                      ><aos-elapsed [from]="node.step.startedAt" [to]="endOf(node.step)"
                    /></span>
                  </span>
                }
                <code class="cut" [title]="node.step.tool">{{ node.step.tool }}</code>
              </button>
            }
          </div>
        </div>
      </div>
      <div class="zoom" role="group" [attr.aria-label]="t('projects.run.zoom')">
        <button
          class="btn icon small"
          type="button"
          [disabled]="zoom() <= 0.5"
          [attr.aria-label]="t('artifact.zoomOut')"
          [title]="t('artifact.zoomOut')"
          (click)="step(-1)"
        >
          −
        </button>
        <button
          class="btn small"
          type="button"
          [attr.aria-pressed]="chosenZoom() === 'fit'"
          (click)="chosenZoom.set('fit')"
        >
          {{ t('artifact.fit') }}
        </button>
        <button
          class="btn icon small"
          type="button"
          [disabled]="zoom() >= 1.25"
          [attr.aria-label]="t('artifact.zoomIn')"
          [title]="t('artifact.zoomIn')"
          (click)="step(1)"
        >
          +
        </button>
      </div>
    </ng-container>
  `,
  styles: `
    :host {
      position: relative;
      display: block;
      height: 100%;
      min-height: 0;
    }
    .scroller {
      height: 100%;
      overflow: auto;
    }
    .sheet {
      position: relative;
      box-sizing: content-box;
      padding: 28px 24px 48px;
    }
    .drawing {
      position: relative;
      transform-origin: 0 0;
    }
    svg {
      position: absolute;
      inset: 0;
      overflow: visible;
    }
    path {
      fill: none;
      stroke: var(--line-strong);
      stroke-opacity: 0.5;
      stroke-width: 1.5;
    }
    path.lit {
      stroke: var(--done);
      stroke-opacity: 1;
    }
    .node {
      position: absolute;
      display: flex;
      flex-direction: column;
      justify-content: center;
      gap: 1px;
      padding: 4px 10px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
      color: inherit;
      text-align: left;
      cursor: pointer;
      transition:
        border-color var(--quick),
        background var(--quick);
    }
    .node:hover {
      background: linear-gradient(var(--hover), var(--hover)), var(--surface);
    }
    .node.running {
      border-color: var(--running);
      background: var(--running-tint);
    }
    .node.waiting {
      border-color: var(--waiting-mark);
      background: var(--waiting-tint);
    }
    .node.failed {
      border-color: var(--failed);
      background: var(--failed-tint);
    }
    .node.idle {
      border-style: dashed;
    }
    .node[aria-pressed='true'] {
      outline: 2px solid var(--accent);
      outline-offset: 1px;
    }
    .line {
      display: flex;
      align-items: center;
      gap: 6px;
      min-width: 0;
      line-height: 18px;
    }
    .line > .grow {
      min-width: 4px;
    }
    .name {
      font-weight: 550;
    }
    .line aos-icon {
      color: var(--muted);
    }
    code {
      color: var(--muted);
      font-size: 11px;
      line-height: 14px;
    }
    .zoom {
      position: absolute;
      right: 16px;
      bottom: 16px;
      display: flex;
      gap: 4px;
    }
  `,
})
export class PlanGraph {
  readonly steps = input.required<readonly StepState[]>();
  readonly chosen = input<string | null>(null);
  /** Not of steps that are only written down: they are in no state. */
  readonly hasStates = input(true);
  /** In a replay what still ran then does not tick. */
  readonly now = input<number | null>(null);
  readonly picked = output<string>();

  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  protected readonly nodeW = NODE_W;
  protected readonly nodeH = NODE_H;
  private readonly injector = inject(Injector);
  private readonly room = signal({ width: 0, height: 0 });
  protected readonly chosenZoom = signal<number | 'fit' | null>(null);
  protected readonly focused = signal<string | null>(null);

  /** The places follow from what needs what; they do not move when a step lights up. */
  private readonly shape = computed(
    () => this.steps().map(({ id, needs }) => ({ id, needs: [...needs] })),
    { equal: (a, b) => JSON.stringify(a) === JSON.stringify(b) },
  );
  protected readonly layout = computed(() => layOut(this.shape()));
  /** Until somebody chooses: the largest at which the whole plan is in sight from side to side. */
  protected readonly zoom = computed(() => {
    const [chosen, room, layout] = [this.chosenZoom(), this.room(), this.layout()];
    if (typeof chosen === 'number') return chosen;
    if (room.width === 0) return 1;
    const wide = (room.width - SIDES_PX) / layout.width;
    if (chosen === null)
      return ZOOMS.filter((zoom) => zoom <= Math.min(1, wide)).at(-1) ?? ZOOMS[0];
    return Math.max(SMALLEST_FIT, Math.min(1, wide, (room.height - ENDS_PX) / layout.height));
  });
  private readonly byId = computed(() => new Map(this.steps().map((step) => [step.id, step])));
  protected readonly nodes = computed(() =>
    this.layout().nodes.flatMap((node) => {
      const step = this.byId().get(node.id);
      return step ? [{ ...node, step, tone: toneOfStep(step.state) }] : [];
    }),
  );
  protected readonly edges = computed(() =>
    this.layout().edges.map((edge) => ({
      ...edge,
      isLit: this.byId().get(edge.from)?.state === 'done',
    })),
  );
  protected readonly reachable = computed(() => {
    const wanted = this.focused() ?? this.chosen();
    return this.byId().has(wanted ?? '') ? wanted : (this.steps()[0]?.id ?? null);
  });

  constructor() {
    const destroyed = inject(DestroyRef);
    afterNextRender(() => {
      const host = this.host.nativeElement;
      const measure = () => this.room.set({ width: host.clientWidth, height: host.clientHeight });
      measure();
      if (typeof ResizeObserver === 'undefined') return;
      const observer = new ResizeObserver(measure);
      observer.observe(host);
      destroyed.onDestroy(() => observer.disconnect());
    });
  }

  protected endOf(step: StepState): string | null {
    if (step.finishedAt !== null) return step.finishedAt;
    const now = this.now();
    return now === null ? null : new Date(now).toISOString();
  }
  protected step(by: 1 | -1): void {
    const here = this.zoom();
    const next = by > 0 ? ZOOMS.find((zoom) => zoom > here) : ZOOMS.findLast((zoom) => zoom < here);
    if (next !== undefined) this.chosenZoom.set(next);
  }
  protected onZoomKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '=') this.step(1);
    else if (event.key === '-') this.step(-1);
    else if (event.key === '0') this.chosenZoom.set('fit');
    else return;
    event.preventDefault();
    const focused = event.target;
    afterNextRender(
      () => {
        if (focused instanceof HTMLElement)
          focused.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      },
      { injector: this.injector },
    );
  }

  protected onKey(event: KeyboardEvent, id: string): void {
    const next = this.neighbour(event.key, id);
    if (next === undefined) return;
    event.preventDefault();
    this.host.nativeElement
      .querySelector<HTMLElement>(`[data-step="${CSS.escape(next)}"]`)
      ?.focus();
  }

  private neighbour(key: string, id: string): string | undefined {
    const nodes = this.layout().nodes;
    const here = nodes.find((node) => node.id === id)!;
    const column = nodes.filter(({ layer }) => layer === here.layer).sort((a, b) => a.y - b.y);
    const place = column.findIndex((node) => node.id === id);
    if (key === 'ArrowUp') return column[place - 1]?.id;
    if (key === 'ArrowDown') return column[place + 1]?.id;
    if (key === 'ArrowLeft') return this.byId().get(id)?.needs[0];
    if (key === 'ArrowRight') return this.steps().find(({ needs }) => needs.includes(id))?.id;
    return undefined;
  }
}
