export const ROW_PX = 36;
/** On a phone: as high as a finger needs, which is room for two lines. */
export const TALL_ROW_PX = 48;
const SPARE_ROWS = 10;
/** The window moves in steps, so that not every frame of a scroll renders. */
const STEP_ROWS = 4;
const UNMEASURED_PX = 720;

/** One place in the DOM that shows one row after another as the window moves over the rows. */
export interface Slot<Row> {
  readonly key: number;
  readonly index: number;
  readonly row: Row;
}

export const slotCount = (heightPx: number, rowPx: number): number =>
  Math.ceil((heightPx || UNMEASURED_PX) / rowPx) + 2 * SPARE_ROWS + STEP_ROWS;

/** The first row that has to exist when the list is scrolled that far. */
export function firstRow(scrolledPx: number, rowPx: number): number {
  const first = Math.floor(scrolledPx / rowPx) - SPARE_ROWS;
  return Math.max(0, first - (first % STEP_ROWS));
}

/**
 * The rows that exist in the DOM. A row keeps its key, and with it its elements, for as long as it is in the window;
 * what leaves at one end is used again at the other instead of being made anew, which is what keeps a frame short.
 */
export function rowsInSight<Row>(rows: readonly Row[], first: number, count: number): Slot<Row>[] {
  const from = Math.max(0, Math.min(first, rows.length - count));
  return rows.slice(from, from + count).map((row, n) => ({
    key: (from + n) % count,
    index: from + n,
    row,
  }));
}
