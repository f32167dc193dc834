/**
 * From rows to the points of a chart, in one pass and bounded memory.
 *
 * Groups, points and the values kept for a median have ceilings; past a ceiling the call fails with
 * what to do, rather than drawing part of the truth. Only a scatter may be thinned, evenly and by a
 * fixed rule, since a cloud of 2,000 looks like one of 2,000,000; the thinning is told.
 */
import { say } from '@aos/contracts';
import { ToolFault, type ToolContext } from '../tool.js';
import { convertCell, type ColumnDecision } from './column-profile.js';
import { fitWidth } from './csv-profile.js';
import type { CsvSource } from './csv-source.js';

export const aggregates = ['count', 'sum', 'mean', 'min', 'max', 'median'] as const;
export type Aggregate = (typeof aggregates)[number];

export const buckets = [
  ...['day', 'week', 'month', 'quarter', 'year'],
  ...['month-of-year', 'day-of-week', 'hour'],
] as const as readonly [
  'day',
  'week',
  'month',
  'quarter',
  'year',
  'month-of-year',
  'day-of-week',
  'hour',
];
export type Bucket = (typeof buckets)[number];

export interface Group {
  /** Sorts in the natural order of the axis. */
  key: string;
  label: string;
  value: number;
  count: number;
}

export interface Axis {
  index: number;
  name: string;
  decision: ColumnDecision;
}

const MAX_GROUPS = 50_000;
const MAX_KEPT_VALUES = 1_000_000;

const MONTH_NAMES = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const DAY_NAMES = 'Mon Tue Wed Thu Fri Sat Sun'.split(' ');

export function isTime({ type }: ColumnDecision): boolean {
  return type === 'date' || type === 'datetime';
}

export function isNumeric({ type }: ColumnDecision): boolean {
  return type === 'integer' || type === 'number';
}

/** Calls `each` with the two cells of every row; undefined stands for blank or unfit. */
export async function eachPair(
  source: CsvSource,
  ctx: ToolContext,
  [x, y]: [Axis, Axis | undefined],
  onRead: (fraction: number) => void,
  each: (x: string | undefined, y: number | undefined) => void,
): Promise<{ rows: number; ragged: number }> {
  const read = (axis: Axis, cells: string[]) => {
    const converted = convertCell(cells[axis.index]!.trim(), axis.decision);
    return 'value' in converted ? converted.value : undefined;
  };
  let rows = 0;
  let ragged = 0;
  for await (const records of source.batches(ctx.signal, onRead)) {
    for (const { cells, unclosedQuote } of records) {
      if (unclosedQuote || !fitWidth(cells, source.columns.length)) {
        ragged += 1;
        continue;
      }
      rows += 1;
      const yText = y && read(y, cells);
      const yValue = yText === undefined ? undefined : asNumber(yText, y!.decision);
      each(read(x, cells), yValue);
    }
  }
  return { rows, ragged };
}

function asNumber(text: string, decision: ColumnDecision): number {
  return isTime(decision) ? timeOf(text) : Number(text);
}

/** Local times are placed as if they were UTC: nothing is shifted, and the axis names no zone. */
export function timeOf(iso: string): number {
  return Date.parse(iso.length === 10 || /(Z|[+-]\d\d:\d\d)$/.test(iso) ? iso : `${iso}Z`);
}

export class Grouping {
  private readonly groups = new Map<string, GroupSum>();
  private kept = 0;
  blanks = 0;

  constructor(
    private readonly aggregate: Aggregate,
    private readonly keyOf: (x: string) => string,
  ) {}

  add(x: string | undefined, y: number | undefined): void {
    if (x === undefined || (this.aggregate !== 'count' && y === undefined)) {
      this.blanks += 1;
      return;
    }
    const key = this.keyOf(x);
    let group = this.groups.get(key);
    if (!group) {
      if (this.groups.size >= MAX_GROUPS) {
        throw new ToolFault('too_many_groups', say('plot-many-values', { most: MAX_GROUPS }));
      }
      group = { count: 0, sum: 0, min: Infinity, max: -Infinity, values: [] };
      this.groups.set(key, group);
    }
    group.count += 1;
    if (y === undefined) return;
    group.sum += y;
    group.min = Math.min(group.min, y);
    group.max = Math.max(group.max, y);
    if (this.aggregate === 'median') this.keep(group, y);
  }

  private keep(group: GroupSum, y: number): void {
    if ((this.kept += 1) > MAX_KEPT_VALUES) {
      throw new ToolFault('too_many_rows', say('plot-median-large', { most: MAX_KEPT_VALUES }));
    }
    group.values.push(y);
  }

  result(labelOf: (key: string) => string): Group[] {
    return [...this.groups].map(([key, group]) => ({
      ...{ key, label: labelOf(key), count: group.count },
      value: tidy(aggregated(group, this.aggregate)),
    }));
  }
}

interface GroupSum {
  count: number;
  sum: number;
  min: number;
  max: number;
  values: number[];
}

function aggregated(group: GroupSum, aggregate: Aggregate): number {
  switch (aggregate) {
    case 'count':
      return group.count;
    case 'sum':
      return group.sum;
    case 'mean':
      return group.sum / group.count;
    case 'min':
      return group.min;
    case 'max':
      return group.max;
    case 'median':
      return quantile(
        group.values.sort((a, b) => a - b),
        0.5,
      );
  }
}

export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)]!;
  const high = sorted[Math.ceil(at)]!;
  return low + (high - low) * (at - Math.floor(at));
}

/** 0.1 + 0.2 is 0.3 to a reader. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

// ---------------------------------------------------------------- time

export function bucketKey(bucket: Bucket): (iso: string) => string {
  switch (bucket) {
    case 'year':
      return (iso) => iso.slice(0, 4);
    case 'quarter':
      return (iso) => `${iso.slice(0, 4)}-Q${Math.ceil(+iso.slice(5, 7) / 3)}`;
    case 'month':
      return (iso) => iso.slice(0, 7);
    case 'week':
      return (iso) => dayText(mondayOf(iso));
    case 'day':
      return (iso) => iso.slice(0, 10);
    case 'month-of-year':
      return (iso) => iso.slice(5, 7);
    case 'day-of-week':
      return (iso) => String(weekday(iso));
    case 'hour':
      return (iso) => iso.slice(11, 13) || '00';
  }
}

export function bucketLabel(bucket: Bucket): (key: string) => string {
  switch (bucket) {
    case 'month-of-year':
      return (key) => MONTH_NAMES[+key - 1]!;
    case 'day-of-week':
      return (key) => DAY_NAMES[+key]!;
    case 'month':
      return (key) => `${MONTH_NAMES[+key.slice(5, 7) - 1]} ${key.slice(0, 4)}`;
    case 'quarter':
      return (key) => `${key.slice(5)} ${key.slice(0, 4)}`;
    case 'hour':
      return (key) => `${key}:00`;
    default:
      return (key) => key;
  }
}

/** Buckets between the first and the last that no row fell into: a gap is a zero, and is drawn. */
export function fillGaps(groups: Group[], bucket: Bucket): Group[] {
  const known = new Map(groups.map((group) => [group.key, group]));
  const keys = allKeys([...known.keys()].sort(), bucket);
  const labelOf = bucketLabel(bucket);
  return keys.map((key) => known.get(key) ?? { key, label: labelOf(key), value: 0, count: 0 });
}

function allKeys(sorted: string[], bucket: Bucket): string[] {
  const two = (n: number) => String(n).padStart(2, '0');
  if (bucket === 'month-of-year') return MONTH_NAMES.map((_, i) => two(i + 1));
  if (bucket === 'day-of-week') return DAY_NAMES.map((_, i) => String(i));
  if (bucket === 'hour') return Array.from({ length: 24 }, (_, i) => two(i));
  const keys: string[] = [];
  const last = sorted.at(-1);
  for (let key = sorted[0]; key !== undefined && last !== undefined && key <= last;) {
    keys.push(key);
    if (keys.length > 5_000) return sorted; // a stray year 0203 must not draw two thousand bars
    key = keyAfter(key, bucket);
  }
  return keys;
}

function keyAfter(key: string, bucket: Bucket): string {
  const year = +key.slice(0, 4);
  const pad = (n: number) => String(n).padStart(4, '0');
  if (bucket === 'year') return pad(year + 1);
  if (bucket === 'quarter') {
    const quarter = +key.slice(6);
    return quarter === 4 ? `${pad(year + 1)}-Q1` : `${pad(year)}-Q${quarter + 1}`;
  }
  if (bucket === 'month') {
    const month = +key.slice(5, 7);
    return month === 12
      ? `${pad(year + 1)}-01`
      : `${pad(year)}-${String(month + 1).padStart(2, '0')}`;
  }
  const days = bucket === 'week' ? 7 : 1;
  return dayText(Date.parse(key) + days * DAY_MS);
}

const DAY_MS = 86_400_000;

/** 0 is Monday. */
function weekday(iso: string): number {
  return (new Date(Date.parse(iso.slice(0, 10))).getUTCDay() + 6) % 7;
}

function mondayOf(iso: string): number {
  return Date.parse(iso.slice(0, 10)) - weekday(iso) * DAY_MS;
}

function dayText(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The bucket that gives a readable number of points for a span of time. */
export function bucketForSpan(min: string, max: string): Bucket {
  const days = (timeOf(max) - timeOf(min)) / DAY_MS;
  if (days <= 45) return 'day';
  if (days <= 366) return 'week';
  return days <= 366 * 4 ? 'month' : 'year';
}

// ---------------------------------------------------------------- points and bins

const MAX_POINTS = 2_000;

/** Keeps at most MAX_POINTS, evenly over the file: every second, then every fourth point, and so on. */
export class Thinning {
  readonly points: [number, number][] = [];
  total = 0;
  private step = 1;

  add(x: number, y: number): void {
    if (this.total % this.step === 0) this.points.push([x, y]);
    this.total += 1;
    if (this.points.length <= MAX_POINTS) return;
    this.step *= 2;
    for (let i = 0; i * 2 < this.points.length; i += 1) this.points[i] = this.points[i * 2]!;
    this.points.length = Math.ceil(this.points.length / 2);
  }
}

/** Pearson's r and the moments it needs, by Welford's method, over all points and not the thinned. */
export class Correlation {
  private n = 0;
  private meanX = 0;
  private meanY = 0;
  private xx = 0;
  private yy = 0;
  private xy = 0;

  add(x: number, y: number): void {
    this.n += 1;
    const dx = x - this.meanX;
    this.meanX += dx / this.n;
    const dy = y - this.meanY;
    this.meanY += dy / this.n;
    this.xx += dx * (x - this.meanX);
    this.yy += dy * (y - this.meanY);
    this.xy += dx * (y - this.meanY);
  }

  get r(): number {
    return this.xx === 0 || this.yy === 0 ? NaN : this.xy / Math.sqrt(this.xx * this.yy);
  }
}

export interface Bins {
  width: number;
  bins: { from: number; to: number; count: number }[];
}

/** Bins of a round width (1, 2, 2.5 or 5 times a power of ten), whole for whole numbers. */
export function roundBins(min: number, max: number, isWhole: boolean, wanted = 20): Bins {
  const span = max - min || 1;
  const raw = span / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  let width = ([1, 2, 2.5, 5, 10].find((m) => m * power >= raw) ?? 10) * power;
  if (isWhole) width = Math.max(1, Math.round(width));
  const start = Math.floor(min / width) * width;
  const count = Math.max(1, Math.floor((max - start) / width + 1e-9) + 1);
  const at = (i: number) => Number((start + i * width).toPrecision(12));
  return {
    width,
    bins: Array.from({ length: count }, (_, i) => ({ from: at(i), to: at(i + 1), count: 0 })),
  };
}
