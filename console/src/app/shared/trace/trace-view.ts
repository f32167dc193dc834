/** The stretch of time that the lanes show, in microseconds from the start of the trace. */
export interface Stretch {
  fromUs: number;
  toUs: number;
}

export const ROW_PX = 28;
const SPARE_ROWS = 8;
const STEP_ROWS = 4;

/** The rows that exist: what is in sight, some more, and in steps, so that not every frame of a scroll renders. */
export function rowsInSight(scrolledPx: number, heightPx: number, count: number) {
  const number = Math.ceil((heightPx || 720) / ROW_PX) + 2 * SPARE_ROWS + STEP_ROWS;
  const wanted = Math.floor(scrolledPx / ROW_PX) - SPARE_ROWS;
  const stepped = wanted - (wanted % STEP_ROWS);
  return { first: Math.max(0, Math.min(stepped, count - number)), number };
}

/** Round numbers between the ends, about so many. */
export function ticksOf({ fromUs, toUs }: Stretch, about = 5): number[] {
  const rough = Math.max(1, (toUs - fromUs) / about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough) ?? rough;
  const ticks: number[] = [];
  for (let at = Math.ceil(fromUs / step) * step; at < toUs; at += step) ticks.push(at);
  return ticks;
}

/** Keeps a stretch within the trace, and no shorter than can be told apart. */
export function within({ fromUs, toUs }: Stretch, lengthUs: number): Stretch {
  const width = Math.max(Math.min(10, lengthUs), Math.min(lengthUs, toUs - fromUs));
  const from = Math.min(Math.max(0, fromUs), lengthUs - width);
  return { fromUs: from, toUs: from + width };
}
