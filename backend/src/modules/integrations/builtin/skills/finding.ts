/** The sentence over a chart: what it shows, with the number that proves it. */
import { shortNumber } from './chart.js';
import type { Aggregate, Bucket, Group } from './plot-data.js';

const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
];
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

export interface GroupedChart {
  groups: Group[];
  aggregate: Aggregate;
  bucket?: Bucket;
  /** What one row is, in the plural: "strikes". */
  noun: string;
  xName: string;
  yName?: string;
}

export function groupedFinding(chart: GroupedChart): string {
  const { groups, aggregate, bucket, noun, xName, yName } = chart;
  if (groups.length === 0) return `No ${noun} to show`;
  const best = groups.reduce((a, b) => (b.value > a.value ? b : a));
  const ties = groups.filter((group) => group.value === best.value);
  const total = groups.reduce((sum, group) => sum + group.value, 0);
  const shown = shortNumber(best.value);
  const share =
    (aggregate === 'count' || aggregate === 'sum') && groups.every(({ value }) => value >= 0);
  const ofTotal = share && groups.length > 1 ? `${shown} of ${shortNumber(total)}` : shown;
  const what = aggregate === 'count' ? noun : measureName(aggregate, yName!);
  if (groups.length === 1) {
    return `${capital(what)} ${aggregate === 'count' ? 'are all in' : 'of'} ${quoted(best.label)}: ${shown}`;
  }
  if (ties.length > 1) {
    const others = ties.length === groups.length ? 'everywhere' : `in ${ties.length} places`;
    const verb = aggregate === 'count' ? 'are' : 'is';
    return `${capital(what)} ${verb} highest ${others}: ${shown} each`;
  }
  if (bucket) {
    const verb = aggregate === 'count' ? 'peak' : 'peaks';
    return `${capital(what)} ${verb} ${whenText(best, bucket)}: ${ofTotal}`;
  }
  return aggregate === 'count'
    ? `${quoted(best.label)} is the most frequent ${xName}: ${ofTotal}`
    : `${quoted(best.label)} has the highest ${what}: ${ofTotal}`;
}

export function measureName(aggregate: Aggregate, yName: string): string {
  switch (aggregate) {
    case 'count':
      return 'count';
    case 'sum':
      return `total ${yName}`;
    case 'min':
      return `smallest ${yName}`;
    case 'max':
      return `largest ${yName}`;
    default:
      return `${aggregate} ${yName}`;
  }
}

function whenText({ key, label }: Group, bucket: Bucket): string {
  switch (bucket) {
    case 'month-of-year':
      return `in ${MONTHS[+key - 1]}`;
    case 'day-of-week':
      return `on ${DAYS[+key]}`;
    case 'hour':
      return `at ${label}`;
    case 'day':
      return `on ${label}`;
    case 'week':
      return `in the week of ${label}`;
    default:
      return `in ${label}`;
  }
}

export function scatterFinding(xName: string, yName: string, r: number): string {
  if (!Number.isFinite(r)) return `${capital(yName)} against ${xName}`;
  const size = Math.abs(r);
  const evidence = `(r = ${r.toFixed(2)})`;
  if (size < 0.1) return `${capital(yName)} shows no linear relation to ${xName} ${evidence}`;
  const strength = size < 0.3 ? 'slightly' : size < 0.7 ? 'moderately' : 'strongly';
  const direction = r > 0 ? 'rises' : 'falls';
  return `${capital(yName)} ${direction} ${strength} with ${xName} ${evidence}`;
}

export function histogramFinding({ low, median, high }: Quartiles): string {
  const [from, middle, to] = [low, median, high].map(shortNumber);
  return `Half of the values lie between ${from} and ${to}, median ${middle}`;
}

export interface Quartiles {
  low: number;
  median: number;
  high: number;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function quoted(label: string): string {
  return label.length > 60 ? `${label.slice(0, 59)}…` : label;
}
