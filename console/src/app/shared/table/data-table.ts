import { Location, NgTemplateOutlet } from '@angular/common';
import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  Injector,
  afterNextRender,
  computed,
  contentChildren,
  effect,
  inject,
  input,
  linkedSignal,
  model,
  output,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import { Router, type UrlTree } from '@angular/router';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import { TranslocoDirective } from '@jsverse/transloco';
import { type Call, done } from '../api/problem';
import { Icon } from '../ui/icon';
import { stored } from '../ui/preferences';
import { ProblemNote } from '../ui/problem-note';
import { Cell, type CellContext, type Column } from './column';
import { ROW_PX, type Slot, TALL_ROW_PX, firstRow, rowsInSight, slotCount } from './rows-in-sight';
import { deedOf, isElsewhere } from './table-keys';

const NARROW_PX = 640;
/** Under this width of the screen the rail is a bar at the bottom, and the rows are for fingers. */
const PHONE_PX = 720;
/** A column that shares what is left keeps this much. */
const SHARE_PX = 120;
const GAP_PX = 12;
const SIDES_PX = 48;
const TICK_PX = 32;
/** The next page is asked for before the end of this one is in sight. */
const AHEAD_ROWS = 40;
let tables = 0;

interface ShownSlot<Row> extends Slot<Row> {
  readonly id: string;
  readonly href: string | null;
  readonly context: CellContext<Row>;
}

/**
 * Rows of which only those in sight exist, whatever their number.
 *
 *     <aos-data-table tableId="runs" [label]="t('runs.title')" [columns]="columns" [rows]="rows()" [rowId]="idOf"
 *       [call]="call()" [hasMore]="cursor() !== null" [link]="linkTo" [canSelect]="true" [(selected)]="chosen"
 *       (more)="loadMore()" (opened)="open($event)" (retry)="reload()">
 *       <aos-state *aosCell="let job of rows(); column: 'state'" … />
 *       <p aosEmpty>…</p>
 *       <ng-container aosBulk><button class="btn small">…</button></ng-container>
 *     </aos-data-table>
 *
 * Rows that arrive above what a person looks at do not push it away: the list stays where it is and says how many
 * are new. The focus stays on the grid and the row in hand is its active descendant, because a row's elements show
 * another row after a scroll.
 */
@Component({
  selector: 'aos-data-table',
  imports: [
    Icon,
    MatMenu,
    MatMenuItem,
    MatMenuTrigger,
    NgTemplateOutlet,
    ProblemNote,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './data-table.html',
  styleUrl: './data-table.css',
  host: { '(click)': 'onClick($event)', '(document:keydown)': 'onKey($event)' },
})
export class DataTable<Row> {
  /** Under this name the browser remembers which columns a person wants. */
  readonly tableId = input.required<string>();
  readonly label = input.required<string>();
  readonly columns = input.required<readonly Column<Row>[]>();
  readonly rows = input.required<readonly Row[]>();
  readonly rowId = input.required<(row: Row) => string>();
  readonly call = input<Call>(done);
  readonly hasMore = input(false);
  /** Where a row leads: a real link, so that it opens in a new tab too. A plain click is `opened`. */
  readonly link = input<((row: Row) => UrlTree | string) | null>(null);
  readonly canSelect = input(false);
  readonly selected = model<ReadonlySet<string>>(new Set());
  /** The row whose detail is open beside the list. */
  readonly openId = input<string | null>(null);
  /** Whether j, k, x and Enter work from anywhere on the page. Where two tables stand, only one may say yes. */
  readonly isMain = input(true);

  readonly more = output();
  readonly opened = output<Row>();
  readonly retry = output();

  private readonly router = inject(Router);
  private readonly location = inject(Location);
  private readonly cells = contentChildren<Cell<Row>>(Cell);
  private readonly scroller = viewChild<ElementRef<HTMLElement>>('scroller');
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  private readonly destroyed = inject(DestroyRef);
  private readonly injector = inject(Injector);

  protected readonly id = `table-${(tables += 1)}`;
  protected readonly skeletons = Array.from({ length: 8 }, (_, n) => n);
  private readonly height = signal(0);
  private readonly width = signal(0);
  /** By the screen and not by the room of the list: a panel that opens beside it moves no row. */
  protected readonly isTall = signal(false);
  protected readonly rowPx = computed(() => (this.isTall() ? TALL_ROW_PX : ROW_PX));
  private readonly first = signal(0);
  private readonly isUnderPointer = signal(false);
  protected readonly news = signal(0);
  /** What each slot shows, kept as it is while it shows that: a scroll renders only the rows that it brings. */
  private readonly shownSlots = new Map<number, ShownSlot<Row>>();
  private shownLink: ((row: Row) => UrlTree | string) | null = null;
  private readonly activeId = signal<string | null>(null);

  private readonly choice = linkedSignal(() => chosenColumns(this.tableId()));
  private readonly wanted = computed(() => {
    const choice = this.choice();
    return this.columns().filter(
      ({ id, isFixed, isHidden }) => isFixed || (choice[id] ?? !isHidden),
    );
  });
  protected readonly isNarrow = computed(() => {
    const width = this.width();
    return (
      width > 0 && (width < NARROW_PX || this.needs(this.wanted().filter(stays), false) > width)
    );
  });
  /** Where not all of them have room, those give way that can: on a phone all of these, else as many as it takes. */
  protected readonly shown = computed(() => {
    const [width, wanted] = [this.width(), this.wanted()];
    if (width === 0) return wanted;
    if (this.isTall()) return this.isNarrow() ? wanted.filter(stays) : wanted;
    return givingWay(wanted, (columns) => this.needs(columns, this.isNarrow()) <= width);
  });
  protected readonly optional = computed(() => this.columns().filter(({ isFixed }) => !isFixed));
  protected readonly tracks = computed(() =>
    [
      ...(this.canSelect() ? ['20px'] : []),
      ...this.shown().map((column) => trackOf(column, this.isNarrow())),
    ].join(' '),
  );
  /** Where the columns need more than there is, the list scrolls sideways, all rows alike. */
  protected readonly leastPx = computed(() => this.needs(this.shown(), this.isNarrow()));
  protected readonly linked = computed(
    () => (this.shown().find(({ isLink }) => isLink) ?? this.shown()[0])?.id,
  );
  protected readonly templates = computed(
    () => new Map(this.cells().map((cell) => [cell.aosCellColumn(), cell.template])),
  );
  protected readonly slots = computed(() => {
    const rowId = this.rowId();
    const link = this.link();
    if (link !== this.shownLink) this.shownSlots.clear();
    this.shownLink = link;
    return rowsInSight(this.rows(), this.first(), slotCount(this.height(), this.rowPx())).map(
      (slot) => {
        const before = this.shownSlots.get(slot.key);
        if (before?.index === slot.index && before.row === slot.row) return before;
        const shown = {
          ...slot,
          id: rowId(slot.row),
          href: link && this.hrefOf(link(slot.row)),
          context: { $implicit: slot.row },
        };
        this.shownSlots.set(slot.key, shown);
        return shown;
      },
    );
  });
  protected readonly activeIndex = computed(() => {
    const id = this.activeId();
    return id === null ? -1 : this.rows().findIndex((row) => this.rowId()(row) === id);
  });
  protected readonly isActiveInSight = computed(() =>
    this.slots().some(({ index }) => index === this.activeIndex()),
  );
  protected readonly areAllSelected = computed(
    () => this.rows().length > 0 && this.selected().size >= this.rows().length,
  );

  constructor() {
    afterNextRender(() => this.watchSize());
    this.keepInPlace();
    this.askAhead();
  }

  private needs(columns: readonly Column<Row>[], isNarrow: boolean): number {
    return leastOf(columns, isNarrow) + (this.canSelect() ? TICK_PX : 0);
  }

  protected isShown({ id, isHidden }: Column<Row>): boolean {
    return this.choice()[id] ?? !isHidden;
  }
  protected toggleColumn(column: Column<Row>): void {
    this.choice.update((choice) => ({ ...choice, [column.id]: !this.isShown(column) }));
    stored.set(`columns.${this.tableId()}`, JSON.stringify(this.choice()));
  }

  /** Listened to by hand: a scroll that does not move the window must not render anything. */
  protected onScroll(): void {
    const top = this.scroller()?.nativeElement.scrollTop ?? 0;
    this.first.set(firstRow(top, this.rowPx()));
    if (top < this.rowPx()) this.news.set(0);
  }

  private watchSize(): void {
    const measure = () => {
      const box = this.scroller()?.nativeElement;
      this.height.set(box?.clientHeight ?? 0);
      this.width.set(box?.clientWidth ?? 0);
      this.isTall.set(window.innerWidth < PHONE_PX);
    };
    const host = this.host.nativeElement;
    const pointer = (isOver: boolean) => () => this.isUnderPointer.set(isOver);
    const onScroll = (event: Event) => {
      if (event.target === this.scroller()?.nativeElement) this.onScroll();
    };
    host.addEventListener('scroll', onScroll, { passive: true, capture: true });
    host.addEventListener('pointerenter', pointer(true));
    host.addEventListener('pointerleave', pointer(false));
    measure();
    if (typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(measure);
    observer.observe(host);
    this.destroyed.onDestroy(() => observer.disconnect());
  }

  /** What arrives above the rows in sight moves the scroll by its height, and nothing under the pointer. */
  private keepInPlace(): void {
    let before: readonly Row[] = [];
    effect(() => {
      const rows = this.rows();
      untracked(() => {
        const box = this.scroller()?.nativeElement;
        const top = box?.scrollTop ?? 0;
        const rowPx = this.rowPx();
        const isLookedAt = top >= rowPx || this.isUnderPointer();
        const at = Math.floor(top / rowPx);
        const anchor = before[at];
        if (rows.length === 0) this.news.set(0);
        if (box && isLookedAt && anchor !== undefined) this.stayWith(box, anchor, at, rows);
        before = rows;
      });
    });
  }

  private stayWith(box: HTMLElement, anchor: Row, at: number, rows: readonly Row[]): void {
    const rowId = this.rowId();
    const id = rowId(anchor);
    if (rows[at] !== undefined && rowId(rows[at]) === id) return;
    const now = rows.findIndex((row) => rowId(row) === id);
    if (now < 0 || now === at) return;
    const rowPx = this.rowPx();
    this.first.set(firstRow(box.scrollTop + (now - at) * rowPx, rowPx));
    // After the taller list is in the document; before that the browser would cut the number down.
    const write = () => {
      box.scrollTop += (now - at) * rowPx;
      // A list that does not fill its box cannot scroll: what is new is in sight already.
      if (now > at && box.scrollTop >= rowPx) this.news.update((n) => n + now - at);
    };
    afterNextRender({ write }, { injector: this.injector });
  }

  private askAhead(): void {
    let askedAt = -1;
    effect(() => {
      const length = this.rows().length;
      const end = this.first() + slotCount(this.height(), this.rowPx()) + AHEAD_ROWS;
      const isFree = this.call().state !== 'loading' && this.call().state !== 'failed';
      if (!this.hasMore() || !isFree || length === 0 || end < length || askedAt === length) return;
      askedAt = length;
      untracked(() => this.more.emit());
    });
  }

  protected toTop(): void {
    this.scroller()?.nativeElement.scrollTo({ top: 0 });
    this.news.set(0);
  }

  private hrefOf(link: UrlTree | string): string {
    return this.location.prepareExternalUrl(
      typeof link === 'string' ? link : this.router.serializeUrl(link),
    );
  }

  private lastTouched = -1;

  /** One ear for all rows: they are made and moved all the time. */
  protected onClick(event: MouseEvent): void {
    const target = event.target as HTMLElement;
    const index = Number(target.closest<HTMLElement>('[data-index]')?.dataset['index'] ?? -1);
    const row = this.rows()[index];
    const control = target.closest('button, input, select, label, summary, a');
    if (row === undefined || (control && !control.matches('a.lead'))) return;
    this.activeId.set(this.rowId()(row));
    const isForBrowser = event.metaKey || event.ctrlKey || hasSelectedText();
    if (this.canSelect() && event.shiftKey) this.selectTo(index);
    else if (isForBrowser || event.shiftKey) return;
    else this.opened.emit(row);
    event.preventDefault();
  }

  protected onTick(event: MouseEvent, index: number): void {
    event.stopPropagation();
    if (event.shiftKey) this.selectTo(index);
    else this.toggle(index);
  }
  private toggle(index: number): void {
    const row = this.rows()[index];
    if (row === undefined) return;
    const id = this.rowId()(row);
    const next = new Set(this.selected());
    if (!next.delete(id)) next.add(id);
    this.selected.set(next);
    this.lastTouched = index;
  }
  /** From the row last touched to this one, as in a file manager. */
  private selectTo(index: number): void {
    const from = Math.max(0, Math.min(this.lastTouched, index));
    const ids = this.rows()
      .slice(from, Math.max(this.lastTouched, index) + 1)
      .map(this.rowId());
    this.selected.set(new Set([...this.selected(), ...ids]));
    this.lastTouched = index;
  }
  protected toggleAll(): void {
    this.selected.set(this.areAllSelected() ? new Set() : new Set(this.rows().map(this.rowId())));
  }
  protected clear(): void {
    this.selected.set(new Set());
  }

  protected onKey(event: KeyboardEvent): void {
    const grid = this.scroller()?.nativeElement;
    const isInside = grid !== undefined && event.target === grid;
    if (!grid || isElsewhere(event, this.host.nativeElement, this.isMain())) return;
    const deed = deedOf(event, isInside, Math.floor(this.height() / this.rowPx()) - 2);
    if (!deed) return;
    const { length } = this.rows();
    const index = this.activeIndex();
    if (deed.kind === 'move') this.activate(deed.to(index, length));
    else if (deed.kind === 'tick' && this.canSelect()) this.toggle(index);
    else if (deed.kind === 'clear' && this.selected().size > 0) this.clear();
    else if (deed.kind === 'open' && this.rows()[index] !== undefined)
      this.opened.emit(this.rows()[index] as Row);
    else return;
    event.preventDefault();
    // Escape means one thing at a time: the frame is not to close something as well.
    if (deed.kind === 'clear') event.stopImmediatePropagation();
  }

  private activate(index: number): void {
    const row = this.rows()[index];
    const box = this.scroller()?.nativeElement;
    if (row === undefined || !box) return;
    this.activeId.set(this.rowId()(row));
    const rowPx = this.rowPx();
    const top = index * rowPx;
    const room = box.clientHeight - ROW_PX - rowPx;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top > box.scrollTop + room) box.scrollTop = top - room;
    this.onScroll();
  }
}

type Sized = Pick<Column<unknown>, 'width' | 'narrowWidth'>;
/** `2fr` shares what is left, and keeps something in any case. */
function trackOf({ width, narrowWidth }: Sized, isNarrow: boolean): string {
  const wanted = (isNarrow && narrowWidth) || width;
  const shares = /^([\d.]+)fr$/.exec(wanted)?.[1];
  if (!shares) return wanted;
  return `minmax(${(isNarrow ? 1 : Math.min(2, Number(shares))) * SHARE_PX}px, ${wanted})`;
}
const leastOf = (columns: readonly Sized[], isNarrow: boolean): number =>
  columns.reduce(
    (sum, column) =>
      sum + GAP_PX + Number(/[\d.]+(?=px)/.exec(trackOf(column, isNarrow))?.[0] ?? 0),
    SIDES_PX,
  );

const stays = ({ hideNarrow }: Column<never>) => !hideNarrow;
/** Those that can give way do so from the right, one after the other, until the others have room. */
function givingWay<Row>(
  columns: readonly Column<Row>[],
  haveRoom: (columns: readonly Column<Row>[]) => boolean,
): readonly Column<Row>[] {
  let left = columns;
  while (!haveRoom(left)) {
    const next = left.findLast(({ hideNarrow }) => hideNarrow);
    if (!next) return left;
    left = left.filter((column) => column !== next);
  }
  return left;
}

const hasSelectedText = () => (document.getSelection()?.toString().length ?? 0) > 0;

function chosenColumns(tableId: string): Record<string, boolean> {
  try {
    const value: unknown = JSON.parse(stored.get(`columns.${tableId}`) ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, boolean>) : {};
  } catch {
    return {};
  }
}
