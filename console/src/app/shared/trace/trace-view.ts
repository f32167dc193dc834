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

/** A mark of the axis. Its text stands to the right of it, to its left at the end of the axis, or has no room. */
export interface Mark {
  atUs: number;
  /** In percent of the axis. */
  left: number;
  side: 'right' | 'left' | null;
}

/** The widest that a text on the axis gets, with the room that it keeps on both sides. */
const TEXT_PX = 68;

/**
 * About five marks, or as many as have room for their texts; no two texts lie over each other. One text alone tells no
 * length: then there are marks without a text as well.
 */
export function marksOf(stretch: Stretch, widthPx: number): Mark[] {
  const choices = [5, 4, 3, 2, 1].map((about) => placed(ticksOf(stretch, about), stretch, widthPx));
  const texts = (marks: readonly Mark[]) => marks.filter(({ side }) => side !== null).length;
  return (
    choices.find((marks) => marks.length > 1 && texts(marks) === marks.length) ??
    choices.reduce((best, marks) => (texts(marks) > texts(best) ? marks : best))
  );
}

function placed(ticks: readonly number[], { fromUs, toUs }: Stretch, widthPx: number): Mark[] {
  let free = 0;
  return ticks.map((atUs): Mark => {
    const part = (atUs - fromUs) / (toUs - fromUs);
    const px = part * widthPx;
    const side =
      px >= free && px + TEXT_PX <= widthPx ? 'right' : px - TEXT_PX >= free ? 'left' : null;
    if (side !== null) free = side === 'right' ? px + TEXT_PX : px;
    return { atUs, left: 100 * part, side };
  });
}

/** Keeps a stretch within the trace, and no shorter than can be told apart. */
export function within({ fromUs, toUs }: Stretch, lengthUs: number): Stretch {
  const width = Math.max(Math.min(10, lengthUs), Math.min(lengthUs, toUs - fromUs));
  const from = Math.min(Math.max(0, fromUs), lengthUs - width);
  return { fromUs: from, toUs: from + width };
}
