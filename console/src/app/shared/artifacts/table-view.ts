import { ScrollingModule } from '@angular/cdk/scrolling';
import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { dsvFormat } from 'd3-dsv';

const MAX_COLUMN_CH = 36;
const isNumber = (text: string) => /^-?[\d,]*\.?\d+(e[+-]?\d+)?%?$/i.test(text);

/** A CSV file as a table of which only the rows in sight exist. */
@Component({
  selector: 'aos-table-view',
  imports: [ScrollingModule],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div
      class="scroller"
      cdkVirtualScrollingElement
      tabindex="0"
      role="table"
      [attr.aria-rowcount]="rows().length + 1"
      [attr.aria-label]="name()"
    >
      <div class="row head" role="row" [style.grid-template-columns]="columns()">
        <span role="columnheader" class="no">#</span>
        @for (title of header(); track $index) {
          <span
            role="columnheader"
            class="cut"
            [class.number]="numeric()[$index]"
            [title]="title"
            >{{ title }}</span
          >
        }
      </div>
      <cdk-virtual-scroll-viewport
        itemSize="30"
        minBufferPx="600"
        maxBufferPx="1200"
        role="rowgroup"
        [style.width]="'max-content'"
      >
        <div
          *cdkVirtualFor="let row of rows(); let index = index; templateCacheSize: 60"
          class="row"
          role="row"
          [style.grid-template-columns]="columns()"
        >
          <span class="no num" role="cell">{{ index + 1 }}</span>
          @for (cell of row; track $index) {
            <span role="cell" class="cut" [class.number]="numeric()[$index]" [title]="cell">{{
              cell
            }}</span>
          }
        </div>
      </cdk-virtual-scroll-viewport>
    </div>
  `,
  styles: `
    :host {
      display: block;
      height: 100%;
    }
    .scroller {
      height: 100%;
      overflow: auto;
    }
    cdk-virtual-scroll-viewport,
    :host ::ng-deep .cdk-virtual-scroll-content-wrapper {
      min-width: 100%;
    }
    /* A row longer than the header goes on to the right instead of breaking into a second line. */
    .row {
      display: grid;
      grid-auto-flow: column;
      grid-auto-columns: max-content;
      align-items: center;
      width: max-content;
      min-width: 100%;
      height: 30px;
      border-bottom: 1px solid var(--line);
    }
    .row:hover:not(.head) {
      background: var(--hover);
    }
    .row > span {
      padding: 0 12px;
    }
    .head {
      position: sticky;
      top: 0;
      z-index: 1;
      background: var(--sunken);
      color: var(--muted);
    }
    /* On the cells and not on the row: a bolder row would have wider columns than those below it. */
    .head > span {
      font-weight: 550;
    }
    .number {
      text-align: right;
      font-variant-numeric: tabular-nums;
    }
    .no {
      color: var(--muted);
      text-align: right;
    }
  `,
})
export class TableView {
  readonly text = input.required<string>();
  readonly name = input.required<string>();
  /** Commas or tabs, by what the first line has more of: names lie, and so do media types. */
  private readonly parsed = computed(() => {
    const text = this.text().replace(/^\ufeff/, '');
    const first = text.slice(0, text.indexOf('\n') + 1 || undefined);
    const marks = [',', '\t', ';'].map((mark) => ({ mark, n: first.split(mark).length }));
    const { mark } = marks.reduce((best, next) => (next.n > best.n ? next : best));
    return dsvFormat(mark).parseRows(text);
  });
  protected readonly header = computed(() => this.parsed()[0] ?? []);
  protected readonly rows = computed(() => this.parsed().slice(1));
  private readonly sample = computed(() => this.rows().slice(0, 200));
  protected readonly numeric = computed(() =>
    this.header().map((_, column) => {
      const cells = this.sample()
        .map((row) => row[column] ?? '')
        .filter((cell) => cell !== '');
      return cells.length > 0 && cells.every(isNumber);
    }),
  );
  /** Wide enough for what stands in the first rows, so that columns do not jump while scrolling. */
  protected readonly columns = computed(() => {
    const widths = this.header().map((title, column) => {
      const longest = this.sample().reduce(
        (length, row) => Math.max(length, (row[column] ?? '').length),
        title.length,
      );
      return `calc(${Math.min(MAX_COLUMN_CH, longest + 1)}ch + 24px)`;
    });
    return ['64px', ...widths].join(' ');
  });
}
