import { Directive, TemplateRef, inject, input } from '@angular/core';

/** What one column is. A cell shows its template (`*aosCell`), and where there is none the text of the row. */
export interface Column<Row> {
  readonly id: string;
  /** The key of the word above it. */
  readonly header: string;
  /** A track of a CSS grid: `120px`, `1fr`, `minmax(160px, 2fr)`. */
  readonly width: string;
  /** Where there is little room; a state is its icon alone at `16px`, its word is still said aloud. */
  readonly narrowWidth?: string;
  readonly align?: 'start' | 'end';
  /** What a cell says. Beside a template it is the whole on hover. */
  readonly text?: (row: Row) => string;
  /** The cell that is a link where the table has a `link`; the first column when none says so. */
  readonly isLink?: boolean;
  /** Gives way where there is little room, the last of them first. */
  readonly hideNarrow?: boolean;
  /** Takes part in the column chooser, and is not shown until somebody asks for it. */
  readonly isHidden?: boolean;
  /** A column nobody may hide. */
  readonly isFixed?: boolean;
}

export interface CellContext<Row> {
  $implicit: Row;
}

/** `<span *aosCell="let job of rows(); column: 'state'">`: how the cells of a column look. */
@Directive({ selector: '[aosCell]' })
export class Cell<Row> {
  /** Gives the row its type; the table brings the rows themselves. */
  readonly aosCellOf = input.required<readonly Row[]>();
  readonly aosCellColumn = input.required<string>();
  readonly template = inject<TemplateRef<CellContext<Row>>>(TemplateRef);

  static ngTemplateContextGuard<Row>(_: Cell<Row>, context: unknown): context is CellContext<Row> {
    return context !== null;
  }
}
