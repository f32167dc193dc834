const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const steps = [
  ...[1, 5, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90].map((n) => n * DAY),
];
/** So many have room under the smallest chart. */
const MOST = 4;

/**
 * The moments that an axis names, in milliseconds: alike far apart, round in the time of this browser, and the same
 * under charts that show the same stretch, however wide each of them is drawn.
 */
export function timeTicks(from: number, to: number): number[] {
  if (!(to > from)) return [];
  const step = steps.find((each) => (to - from) / each <= MOST) ?? 365 * DAY;
  const midnight = new Date(from).setHours(0, 0, 0, 0);
  const ticks: number[] = [];
  // Days by the calendar: one of them may have 23 hours.
  for (let n = step < DAY ? Math.ceil((from - midnight) / step) : 0; ; n += 1) {
    const at = step < DAY ? midnight + n * step : nthDay(midnight, (n * step) / DAY);
    if (at > to) return ticks;
    if (at >= from) ticks.push(at);
  }
}

const nthDay = (midnight: number, n: number) => {
  const day = new Date(midnight);
  return day.setDate(day.getDate() + n);
};
