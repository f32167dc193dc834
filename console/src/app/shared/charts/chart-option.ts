import type { EChartsCoreOption } from 'echarts/core';
import type { Language } from '../ui/preferences';
import type { Inks, SeriesTone } from './palette';
import { timeTicks } from './time-ticks';
import { type Unit, axisTime, withUnit } from './units';

/** When (milliseconds) or which (a name), and how much; null where nothing is known. */
export type ChartPoint = readonly [at: number | string, value: number | null];

export interface ChartSeries {
  name: string;
  points: readonly ChartPoint[];
  /** Only for a series that is a state. */
  tone?: SeriesTone;
}

export type ChartKind = 'line' | 'area' | 'bar';

export interface ChartSpec {
  kind: ChartKind;
  unit: Unit;
  series: readonly ChartSeries[];
  from: number;
  to: number;
  language: Language;
  /** A hairline at a value, with its name: a limit, a target. */
  limit: { value: number; name: string } | null;
}

export const isByName = (series: readonly ChartSeries[]): boolean =>
  typeof series[0]?.points[0]?.[0] === 'string';

export const isEmpty = (series: readonly ChartSeries[]): boolean =>
  series.every(({ points }) => points.every(([, value]) => value === null));

/** Up to three lines are named where they end; more than that would write over one another. */
const DIRECT_LABELS = 3;
/** How far apart two of them have to be, as a part of the height. */
const LABEL_ROOM = 0.13;

const hairline = (colour: string) => ({ lineStyle: { color: colour, width: 1 } });

function xAxis(spec: ChartSpec, inks: Inks) {
  const spanMs = spec.to - spec.from;
  const look = {
    axisLine: { show: true, ...hairline(inks.line) },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: { color: inks.muted, fontSize: 11, hideOverlap: true },
    axisPointer: {
      show: true,
      type: 'line',
      snap: false,
      lineStyle: { color: inks.muted, width: 1, type: 'solid' },
      label: { show: false },
    },
  };
  if (isByName(spec.series))
    return {
      ...look,
      type: 'category',
      data: [...new Set(spec.series.flatMap(({ points }) => points.map(([name]) => name)))],
    };
  return {
    ...look,
    type: 'time',
    min: spec.from,
    max: spec.to,
    axisLabel: {
      ...look.axisLabel,
      formatter: (at: number) => axisTime(at, spanMs, spec.language),
      customValues: timeTicks(spec.from, spec.to),
    },
  };
}

function yAxis(spec: ChartSpec, inks: Inks) {
  const whole = spec.unit === 'count';
  const most = mostOf(spec);
  return {
    type: 'value',
    min: 0,
    // Round steps would end at 120 %.
    ...(spec.unit === 'percent' && most > 75 && most <= 100 && { max: 100, interval: 25 }),
    minInterval: whole ? 1 : 0,
    splitNumber: 3,
    axisLabel: {
      color: inks.muted,
      fontSize: 11,
      formatter: (value: number) => withUnit(value, spec.unit, spec.language),
    },
    splitLine: { show: true, ...hairline(inks.line) },
    axisPointer: { show: false },
  };
}

const mostOf = ({ series }: ChartSpec) =>
  Math.max(...series.flatMap(({ points }) => points.map(([, value]) => value ?? 0)));

/** Names at the ends of lines that lie on one another would be read as none: the upper one stands, the head has all. */
function namedAtEnd(spec: ChartSpec): ReadonlySet<string> {
  if (spec.kind === 'bar' || spec.series.length < 2 || spec.series.length > DIRECT_LABELS)
    return new Set();
  const ends = spec.series
    .map(({ name, points }) => ({
      name,
      end: points.findLast(([, value]) => value !== null)?.[1] ?? null,
    }))
    .filter((line): line is { name: string; end: number } => line.end !== null)
    .sort((a, b) => b.end - a.end);
  const most = mostOf(spec);
  let last = Infinity;
  return new Set(
    ends.flatMap(({ name, end }) => {
      if (last - end <= most * LABEL_ROOM) return [];
      last = end;
      return [name];
    }),
  );
}

/** Between two gaps there is no line to be seen, only a dot. */
function isAlone(points: ChartSeries['points'], place: number): boolean {
  const has = (at: number) => (points[at]?.[1] ?? null) !== null;
  return has(place) && !has(place - 1) && !has(place + 1);
}

function oneSeries(spec: ChartSpec, inks: Inks, index: number) {
  const { name, points } = spec.series[index]!;
  const colour = inks.series[index]!;
  const isLine = spec.kind !== 'bar';
  const isNamed = namedAtEnd(spec).has(name);
  const stack = spec.kind === 'line' ? {} : { stack: 'all' };
  const limit =
    index === 0 && spec.limit
      ? {
          markLine: {
            silent: true,
            symbol: 'none',
            animation: false,
            lineStyle: { color: inks.muted, width: 1, type: 'dashed' },
            label: {
              color: inks.muted,
              fontSize: 11,
              position: 'insideStartTop',
              formatter: spec.limit.name,
            },
            data: [{ yAxis: spec.limit.value }],
          },
        }
      : {};
  return {
    name,
    type: isLine ? 'line' : 'bar',
    // A bar of nothing is no bar, and not one of a pixel.
    data: points.map(([at, value], place) =>
      isLine && isAlone(points, place)
        ? { value: [at, value], symbol: 'circle' }
        : [at, isLine || value !== 0 ? value : null],
    ),
    color: colour,
    animation: false,
    ...stack,
    ...limit,
    ...(isLine
      ? {
          showSymbol: true,
          symbol: 'none',
          symbolSize: 5,
          lineStyle: { width: spec.kind === 'area' ? 0 : 1.5 },
          connectNulls: false,
          ...(spec.kind === 'area' ? { areaStyle: { opacity: 0.6 } } : {}),
        }
      : {
          barMaxWidth: 18,
          barMinHeight: 1,
          barCategoryGap: '20%',
          itemStyle: { borderRadius: 0 },
        }),
    endLabel: {
      show: isNamed,
      formatter: name,
      color: colour,
      fontSize: 11,
      distance: 4,
    },
    emphasis: { disabled: true },
    silent: true,
  };
}

/** The room that the longest name at the end of a line takes. */
function endRoom(spec: ChartSpec): number {
  const names = spec.series.map(({ name }) => name);
  if (spec.kind === 'bar' || names.length < 2 || names.length > DIRECT_LABELS) return 8;
  return (
    12 + Math.max(...names.map((name) => name.length * (/[^\u0020-\u024f]/.test(name) ? 12 : 6.5)))
  );
}

/** What ECharts draws: hairline grid, no gradients, no legend, zero always in sight. */
export function chartOption(spec: ChartSpec, inks: Inks, font: string): EChartsCoreOption {
  return {
    animation: false,
    textStyle: { fontFamily: font },
    grid: { left: 4, right: endRoom(spec), top: 10, bottom: 2, containLabel: true },
    xAxis: xAxis(spec, inks),
    yAxis: yAxis(spec, inks),
    series: spec.series.map((_, index) => oneSeries(spec, inks, index)),
  };
}
