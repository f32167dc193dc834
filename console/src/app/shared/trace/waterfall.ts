import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  afterRenderEffect,
  computed,
  effect,
  inject,
  input,
  linkedSignal,
  model,
  resource,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import type { Span } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { TraceApi } from './trace-api';
import { toProblem } from '../api/problem';
import { Icon } from '../ui/icon';
import { ProblemNote } from '../ui/problem-note';
import { isOverlaid, isTyping } from '../ui/typing';
import { Minimap } from './minimap';
import { SpanDetail, lengthOf } from './span-detail';
import { type SpanRow, type TraceLayout, layOutAside, parentRow, visible } from './span-tree';
import { ROW_PX, type Stretch, marksOf, rowsInSight, within } from './trace-view';

const SHORTEST_DRAG_PX = 5;
const nothing: TraceLayout = { rows: [], lengthUs: 1 };
const kinds = ['http', 'job', 'node', 'tool', 'model', 'database', 'internal'] as const;
let waterfalls = 0;

/** The time stands behind the bar, before it where there is no room, and on it where it takes all. */
function placeOfTime(left: number, right: number) {
  if (right <= 82) return { timeAt: 'behind', timeLeft: right, timeRight: null };
  return left >= 18
    ? { timeAt: 'before', timeLeft: null, timeRight: 100 - left }
    : { timeAt: 'on', timeLeft: null, timeRight: 100 - right };
}

/** What tells one of many spans of the same name from the others. */
function hintOf({ kind, attributes }: Span): string {
  const hint =
    kind === 'database'
      ? attributes['db.query.text']
      : kind === 'tool'
        ? attributes['aos.step.id']
        : kind === 'model'
          ? attributes['gen_ai.request.model']
          : undefined;
  return typeof hint === 'string' ? hint.slice(0, 160) : '';
}

/**
 * The spans of one trace as a tree at the left and bars on one time axis at the right, the whole in small above.
 * Only the rows in sight exist, so that ten thousand spans scroll; above five thousand the layout is made in a
 * worker. The focus stays on the tree, and the row in hand is its active descendant.
 */
@Component({
  selector: 'aos-waterfall',
  imports: [Icon, Minimap, ProblemNote, SpanDetail, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './waterfall.html',
  styleUrl: './waterfall.css',
  host: { '(document:keydown)': 'onKey($event)' },
})
export class Waterfall {
  readonly traceId = input.required<string>();
  /** The span whose details are open. */
  readonly chosenId = model<string | null>(null);

  private readonly api = inject(TraceApi);
  private readonly tree = viewChild<ElementRef<HTMLElement>>('tree');
  private readonly lanes = viewChild<ElementRef<HTMLElement>>('lanes');
  private readonly find = viewChild<ElementRef<HTMLInputElement>>('find');
  protected readonly id = `waterfall-${(waterfalls += 1)}`;
  protected readonly rowPx = ROW_PX;
  protected readonly kinds = kinds;

  protected readonly trace = resource({
    params: () => this.traceId(),
    loader: async ({ params, abortSignal }) => {
      const trace = await firstValueFrom(this.api.trace(params));
      const isAway = trace.history === 'away';
      const layout = await layOutAside(trace.spans, abortSignal);
      return { ...layout, isTruncated: trace.truncated, isAway };
    },
  });
  protected readonly problem = computed(() => {
    const error = this.trace.error();
    return error ? toProblem(error.cause ?? error) : null;
  });
  protected readonly layout = computed<TraceLayout & { isTruncated?: boolean; isAway?: boolean }>(
    () => (this.trace.hasValue() ? this.trace.value() : nothing),
  );

  // --- what is shown ---
  protected readonly folded = linkedSignal<string, ReadonlySet<string>>({
    source: this.traceId,
    computation: () => new Set(),
  });
  protected readonly rows = computed(() => visible(this.layout().rows, this.folded()));
  protected readonly stretch = linkedSignal(() => ({ fromUs: 0, toUs: this.layout().lengthUs }));
  protected readonly isZoomed = computed(
    () => this.stretch().toUs - this.stretch().fromUs < this.layout().lengthUs,
  );
  protected readonly hasCritical = signal(true);
  protected readonly ticks = computed(() => {
    return marksOf(this.stretch(), this.laneWidth() || 720).map((mark) => ({
      ...mark,
      text: mark.atUs === 0 ? '0' : lengthOf({ durationUs: Math.round(mark.atUs) }),
    }));
  });

  // --- the window on the rows ---
  private readonly scrolled = signal(0);
  private readonly height = signal(0);
  private readonly laneWidth = signal(0);
  private readonly sight = computed(
    () => rowsInSight(this.scrolled(), this.height(), this.rows().length),
    { equal: (a, b) => a.first === b.first && a.number === b.number },
  );
  protected readonly slots = computed(() => {
    const { first, number } = this.sight();
    const { fromUs, toUs } = this.stretch();
    const perUs = 100 / (toUs - fromUs);
    return this.rows()
      .slice(first, first + number)
      .map((row, n) => {
        const left = (row.offsetUs - fromUs) * perUs;
        const right = left + row.span.durationUs * perUs;
        return {
          key: (first + n) % number,
          index: first + n,
          row,
          left: Math.max(0, left),
          width: Math.max(0, Math.min(100, right) - Math.max(0, left)),
          ...placeOfTime(Math.max(0, left), Math.min(100, Math.max(0, right))),
          isOut: right < 0 || left > 100,
          took: lengthOf(row.span),
          hint: hintOf(row.span),
        };
      });
  });

  // --- the row in hand ---
  private readonly activeId = signal<string | null>(null);
  protected readonly active = computed(() => {
    const id = this.activeId() ?? this.chosenId();
    return id === null ? -1 : this.rows().findIndex(({ span }) => span.spanId === id);
  });
  protected readonly chosen = computed(() => {
    const id = this.chosenId();
    return id === null ? null : (this.layout().rows.find(({ span }) => span.spanId === id) ?? null);
  });

  // --- the search ---
  protected readonly wanted = signal('');
  protected readonly hits = computed(() => {
    const wanted = this.wanted().trim().toLowerCase();
    if (wanted === '') return [];
    return this.layout().rows.filter(
      ({ span }) =>
        span.name.toLowerCase().includes(wanted) ||
        (span.statusMessage?.toLowerCase().includes(wanted) ?? false) ||
        (wanted === 'error' && span.status === 'error'),
    );
  });
  private readonly hitIds = computed(() => new Set(this.hits().map(({ span }) => span.spanId)));
  protected readonly hitAt = computed(() =>
    this.hits().findIndex(({ span }) => span.spanId === this.activeId()),
  );

  protected readonly drag = signal<{ from: number; to: number } | null>(null);

  constructor() {
    this.watchSize();
    // A link to a span begins where it is.
    effect(() => {
      if (!this.trace.hasValue()) return;
      untracked(() => {
        const index = this.active();
        if (index > 0) setTimeout(() => this.reveal(index, 'middle'));
      });
    });
  }

  private watchSize(): void {
    const destroyed = inject(DestroyRef);
    let observer: ResizeObserver | undefined;
    destroyed.onDestroy(() => observer?.disconnect());
    afterRenderEffect(() => {
      const tree = this.tree()?.nativeElement;
      observer?.disconnect();
      if (!tree) return;
      const measure = () => {
        this.height.set(tree.clientHeight);
        this.laneWidth.set(this.lanes()?.nativeElement.clientWidth ?? 0);
      };
      measure();
      // By hand: a scroll that does not move the window must not render anything.
      tree.addEventListener('scroll', () => this.scrolled.set(tree.scrollTop), { passive: true });
      if (typeof ResizeObserver === 'undefined') return;
      observer = new ResizeObserver(measure);
      observer.observe(tree);
    });
  }

  protected isHit(row: SpanRow): boolean {
    return this.hitIds().has(row.span.spanId);
  }
  protected isFolded(row: SpanRow): boolean {
    return this.folded().has(row.span.spanId);
  }

  // --- deeds ---
  protected choose(row: SpanRow): void {
    this.activeId.set(row.span.spanId);
    this.chosenId.set(row.span.spanId);
  }
  protected close(): void {
    this.chosenId.set(null);
  }
  protected fold(row: SpanRow, isFolded = !this.isFolded(row)): void {
    if (row.descendants === 0) return;
    this.folded.update((folded) => {
      const next = new Set(folded);
      if (isFolded) next.add(row.span.spanId);
      else next.delete(row.span.spanId);
      return next;
    });
  }
  protected foldAll(isFolded: boolean): void {
    const parents = this.layout().rows.filter(({ descendants, depth }) => descendants && depth > 0);
    this.folded.set(new Set(isFolded ? parents.map(({ span }) => span.spanId) : []));
  }
  protected zoom(stretch: Stretch): void {
    this.stretch.set(within(stretch, this.layout().lengthUs));
  }
  protected unzoom(): void {
    this.stretch.set({ fromUs: 0, toUs: this.layout().lengthUs });
  }

  private activate(index: number): void {
    const row = this.rows()[Math.max(0, Math.min(this.rows().length - 1, index))];
    if (!row) return;
    this.activeId.set(row.span.spanId);
    if (this.chosenId() !== null) this.chosenId.set(row.span.spanId);
    this.reveal(this.rows().indexOf(row), 'near');
  }

  private reveal(index: number, where: 'near' | 'middle'): void {
    const tree = this.tree()?.nativeElement;
    if (!tree) return;
    const top = index * ROW_PX;
    const room = tree.clientHeight - 2 * ROW_PX;
    if (where === 'middle') tree.scrollTop = top - room / 2;
    else if (top < tree.scrollTop + ROW_PX) tree.scrollTop = top - ROW_PX;
    else if (top > tree.scrollTop + room) tree.scrollTop = top - room;
    this.scrolled.set(tree.scrollTop);
  }

  /** The next hit, in the order of the tree, round and round; what is folded over it opens. */
  protected toHit(by: 1 | -1): void {
    const hits = this.hits();
    if (hits.length === 0) return;
    const at = this.hitAt();
    const hit = hits[(at < 0 && by < 0 ? hits.length - 1 : at + by + hits.length) % hits.length]!;
    const { rows } = this.layout();
    const open = new Set(this.folded());
    for (let n = parentRow(rows, rows.indexOf(hit)); n >= 0; n = parentRow(rows, n))
      open.delete(rows[n]!.span.spanId);
    if (open.size !== this.folded().size) this.folded.set(open);
    this.activate(this.rows().indexOf(hit));
  }

  // --- drag to zoom ---
  private partAt(event: PointerEvent): number {
    const box = this.lanes()!.nativeElement.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  }
  protected beginDrag(event: PointerEvent): void {
    const isLane = (event.target as HTMLElement).closest('.lane, .ticks') !== null;
    if (!isLane || event.button !== 0 || event.pointerType === 'touch') return;
    const part = this.partAt(event);
    this.drag.set({ from: part, to: part });
  }
  protected followDrag(event: PointerEvent): void {
    if (this.drag()) this.drag.update((drag) => drag && { ...drag, to: this.partAt(event) });
  }
  private hasDragged = false;
  protected endDrag(): void {
    const drag = this.drag();
    this.hasDragged = false;
    this.drag.set(null);
    const width = this.lanes()?.nativeElement.clientWidth ?? 0;
    if (!drag || Math.abs(drag.to - drag.from) * width < SHORTEST_DRAG_PX) return;
    const { fromUs, toUs } = this.stretch();
    // The click that comes behind it means no row.
    this.hasDragged = true;
    const at = (part: number) => fromUs + part * (toUs - fromUs);
    this.zoom({
      fromUs: at(Math.min(drag.from, drag.to)),
      toUs: at(Math.max(drag.from, drag.to)),
    });
  }

  /** One ear for all rows: their elements show another row after a scroll. */
  protected press(event: MouseEvent): void {
    const target = event.target as HTMLElement;
    const place = target.closest<HTMLElement>('[data-index]')?.dataset['index'];
    const row = this.rows()[Number(place ?? -1)];
    if (!row || this.hasDragged) return;
    if (target.closest('.fold.has')) this.fold(row);
    else this.choose(row);
  }

  // --- keys ---
  private lastKey = '';
  protected onKey(event: KeyboardEvent): void {
    const isAfterG = this.lastKey === 'g';
    this.lastKey = event.key;
    if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
    if (isAfterG || isTyping(event) || isOverlaid() || this.rows().length === 0) return;
    this.do(event, this.deeds[event.key]);
  }
  protected onTreeKey(event: KeyboardEvent): void {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    this.do(event, this.treeDeeds[event.key]);
  }
  private do(event: KeyboardEvent, deed: (() => void) | undefined): void {
    if (!deed) return;
    event.preventDefault();
    deed();
  }
  private readonly deeds: Record<string, () => void> = {
    j: () => this.activate(this.active() + 1),
    k: () => this.activate(this.active() - 1),
    e: () => this.foldAll(false),
    w: () => this.foldAll(true),
    t: () => this.activate(0),
    p: () => this.activate(parentRow(this.rows(), this.active())),
    f: () => this.find()?.nativeElement.select(),
    n: () => this.toHit(1),
    N: () => this.toHit(-1),
    z: () => this.unzoom(),
  };
  private readonly treeDeeds: Record<string, () => void> = {
    ArrowDown: this.deeds['j']!,
    ArrowUp: this.deeds['k']!,
    ArrowRight: () => this.unfoldOrDown(),
    ArrowLeft: () => this.foldOrUp(),
    Enter: () => {
      const row = this.rows()[this.active()];
      if (row) this.choose(row);
    },
    Home: () => this.activate(0),
    End: () => this.activate(this.rows().length - 1),
    PageDown: () => this.activate(this.active() + Math.floor(this.height() / ROW_PX) - 1),
    PageUp: () => this.activate(this.active() - Math.floor(this.height() / ROW_PX) + 1),
  };
  private unfoldOrDown(): void {
    const row = this.rows()[this.active()];
    if (row && this.isFolded(row)) this.fold(row, false);
    else if (row?.descendants) this.activate(this.active() + 1);
  }
  private foldOrUp(): void {
    const row = this.rows()[this.active()];
    if (row && row.descendants > 0 && !this.isFolded(row)) this.fold(row, true);
    else this.activate(parentRow(this.rows(), this.active()));
  }
  protected onFindKey(event: KeyboardEvent): void {
    if (event.key === 'Enter') this.toHit(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') {
      this.wanted.set('');
      this.tree()?.nativeElement.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
