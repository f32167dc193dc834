import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from '../ui/icon';
import { Preferences } from '../ui/preferences';
import { ProblemNote } from '../ui/problem-note';
import type { Sorting } from './table-file';
import { MAX_ROWS, TableSource } from './table-source';

const MAX_COLUMN_CH = 36;
const ROW_PX = 30;
const AROUND = 12;
const TYPING_MS = 200;

/**
 * A CSV file as a table of which only the rows in sight exist. It is read, ordered and searched in a worker, so that
 * a hundred thousand rows never hold up the page.
 */
@Component({
  selector: 'aos-table-view',
  imports: [Icon, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './table-view.html',
  styleUrl: './table-view.css',
})
export class TableView {
  readonly url = input.required<string>();
  readonly name = input.required<string>();

  protected readonly maxRows = MAX_ROWS;
  protected readonly rowPx = ROW_PX;
  private readonly scroller = viewChild<ElementRef<HTMLElement>>('scroller');
  private readonly source = signal<TableSource | null>(null);
  private readonly tries = signal(0);
  protected readonly words = signal('');
  protected readonly sorting = signal<Sorting | null>(null);
  private readonly top = signal(0);
  private readonly height = signal(600);
  private typing: ReturnType<typeof setTimeout> | undefined;

  protected readonly columns = computed(() => this.source()?.columns() ?? []);
  protected readonly rows = computed(() => this.source()?.rows() ?? 0);
  protected readonly found = computed(() => this.source()?.found() ?? 0);
  protected readonly isDone = computed(() => this.source()?.isDone() ?? false);
  protected readonly isPartial = computed(() => this.source()?.isPartial() ?? false);
  protected readonly problem = computed(() => this.source()?.problem() ?? null);
  protected readonly first = computed(() =>
    Math.max(0, Math.min(Math.floor(this.top() / ROW_PX) - AROUND, this.found() - 1)),
  );
  protected readonly shown = computed(() => {
    const source = this.source();
    if (!source) return [];
    source.come();
    const last = Math.min(
      source.found(),
      this.first() + Math.ceil(this.height() / ROW_PX) + 2 * AROUND,
    );
    return Array.from({ length: Math.max(0, last - this.first()) }, (_, n) => {
      const at = this.first() + n;
      const row = source.at(at);
      return { at, no: row?.no ?? null, cells: row?.cells ?? [] };
    });
  });
  /** Wide enough for what stands in the first rows, so that columns do not jump while scrolling. */
  protected readonly grid = computed(() =>
    [
      '64px',
      ...this.columns().map(
        ({ widest }) => `calc(${Math.min(MAX_COLUMN_CH, widest + 1)}ch + 40px)`,
      ),
    ].join(' '),
  );

  constructor() {
    effect(() => {
      const url = this.url();
      this.tries();
      untracked(() => {
        this.source()?.close();
        this.words.set('');
        this.sorting.set(null);
        this.source.set(new TableSource(url));
      });
    });
    effect((onCleanup) => {
      const element = this.scroller()?.nativeElement;
      if (!element || typeof ResizeObserver === 'undefined') return;
      const watch = new ResizeObserver(() => this.height.set(element.clientHeight));
      watch.observe(element);
      onCleanup(() => watch.disconnect());
    });
    inject(DestroyRef).onDestroy(() => {
      clearTimeout(this.typing);
      this.source()?.close();
    });
  }

  private readonly preferences = inject(Preferences);
  protected readonly n = (count: number): string =>
    count.toLocaleString(this.preferences.language() === 'zh' ? 'zh-CN' : 'en-GB');

  protected retry(): void {
    this.tries.update((n) => n + 1);
  }
  protected onScroll({ target }: Event): void {
    this.top.set((target as HTMLElement).scrollTop);
  }
  protected find(words: string): void {
    this.words.set(words);
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.look(), TYPING_MS);
  }
  /** Up, then down, then as it stands in the file. */
  protected sortBy(column: number): void {
    const now = this.sorting();
    if (now?.column !== column) this.sorting.set({ column, by: 1 });
    else this.sorting.set(now.by === 1 ? { column, by: -1 } : null);
    this.look();
  }
  protected order(column: number): 'ascending' | 'descending' | 'none' {
    const now = this.sorting();
    if (now?.column !== column) return 'none';
    return now.by === 1 ? 'ascending' : 'descending';
  }

  private look(): void {
    this.source()?.look(this.words().trim(), this.sorting());
    const element = this.scroller()?.nativeElement;
    if (element) element.scrollTop = 0;
    this.top.set(0);
  }
}
