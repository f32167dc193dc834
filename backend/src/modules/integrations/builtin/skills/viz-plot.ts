import { parse as parsePath } from 'node:path';
import { type Said, say } from '@aos/contracts';
import { z } from 'zod';
import { tool, ToolFault, type ToolContext } from '../tool.js';
import { type Bar, type Chart, type ChartFrame, shortNumber } from './chart.js';
import { ColumnStats, distinctBudget } from './column-profile.js';
import { csvFileInput, fitWidth } from './csv-profile.js';
import { CsvSource } from './csv-source.js';
import { renderPng, renderSvg } from './drawing.js';
import {
  capital,
  groupedFinding,
  histogramFinding,
  measureName,
  scatterFinding,
} from './finding.js';
import {
  aggregates,
  bucketForSpan,
  bucketKey,
  bucketLabel,
  buckets,
  Correlation,
  eachPair,
  fillGaps,
  Grouping,
  isNumeric,
  isTime,
  roundBins,
  Thinning,
  timeOf,
  type Aggregate,
  type Axis,
  type Bucket,
  type Group,
} from './plot-data.js';

const DATA_POINTS = 200;

const inputSchema = z.strictObject({
  ...csvFileInput,
  kind: z.enum(['bar', 'line', 'scatter', 'histogram']),
  x: z.string().min(1).max(300).describe('Column for the horizontal axis or the categories'),
  y: z.string().min(1).max(300).optional().describe('Column that is measured'),
  aggregate: z
    .enum(aggregates)
    .optional()
    .describe('How rows with the same x are joined; count without y, otherwise sum'),
  bucket: z.enum(buckets).optional().describe('Joins dates; chosen from the span when absent'),
  title: z.string().max(200).optional().describe('Says the finding; computed when absent'),
  noun: z.string().max(40).optional().describe('What one row is, in the plural: "strikes"'),
  source: z.string().max(200).optional(),
  xLabel: z.string().max(100).optional(),
  yLabel: z.string().max(100).optional(),
  top: z.int().min(1).max(40).optional().describe('Categories shown; the rest become "Other"'),
  sort: z.enum(['value', 'label', 'none']).optional(),
});
type Args = z.infer<typeof inputSchema>;

const pictureSchema = z.object({
  artifactId: z.string(),
  name: z.string(),
  mediaType: z.string(),
  bytes: z.number().int(),
});

export const vizPlot = tool({
  name: 'viz.plot',
  title: 'Draw a chart',
  description:
    'Draws a bar, line or scatter chart or a histogram from a CSV file, as SVG and PNG, 1200 x 675. The title says the finding. Answers with the plotted numbers.',
  input: inputSchema,
  output: z.object({
    svg: pictureSchema,
    png: pictureSchema,
    artifacts: z.array(pictureSchema),
    title: z.string(),
    subtitle: z.string(),
    rows: z.number().int().describe('Rows that are in the chart'),
    skipped: z.number().int().describe('Rows left out: blank, unfit or ragged'),
    data: z
      .array(
        z.object({
          x: z.union([z.string(), z.number()]),
          y: z.number(),
          count: z.number().int().optional(),
        }),
      )
      .describe('The plotted points, at most 200'),
    points: z.number().int().describe('How many points the chart has'),
    notes: z.array(z.string()),
  }),
  idempotent: true,
  readOnly: false,
  async run(args, ctx) {
    const source = await CsvSource.open(ctx, args.file, args);
    const { x, y, span } = await surveyAxes(source, args, ctx);
    const read = (fraction: number) =>
      ctx.progress(0.35 + fraction * 0.4, `Counting ${source.name}`);
    const drawing =
      args.kind === 'scatter'
        ? await drawScatter(source, ctx, args, x, y, read)
        : args.kind === 'histogram'
          ? await drawHistogram(source, ctx, args, x, span, read)
          : await drawGroups(source, ctx, args, x, y, span, read);
    ctx.progress(0.8, 'Drawing');
    const svg = await renderSvg(drawing.chart, ctx.signal);
    const png = await renderPng(svg, ctx.signal);
    const stem = fileStem(args, source.name);
    const svgFile = await ctx.save({ name: `${stem}.svg`, mediaType: 'image/svg+xml', data: svg });
    const pngFile = await ctx.save({ name: `${stem}.png`, mediaType: 'image/png', data: png });
    ctx.progress(1, drawing.chart.frame.title);
    return {
      svg: svgFile,
      png: pngFile,
      artifacts: [svgFile, pngFile],
      title: drawing.chart.frame.title,
      subtitle: drawing.chart.frame.subtitle,
      rows: drawing.rows,
      skipped: drawing.skipped,
      data: drawing.data.slice(0, DATA_POINTS),
      points: drawing.data.length,
      notes: drawing.notes,
    };
  },
});

interface Drawing {
  chart: Chart;
  rows: number;
  skipped: number;
  data: { x: string | number; y: number; count?: number }[];
  notes: string[];
}

interface Span {
  min: string | number | null;
  max: string | number | null;
}

async function surveyAxes(source: CsvSource, args: Args, ctx: ToolContext) {
  const budget = distinctBudget(2);
  const names = args.y === undefined ? [args.x] : [args.x, args.y];
  const indexes = names.map((name) => source.columnIndex(name));
  const stats = indexes.map((i) => new ColumnStats(source.columns[i]!, budget));
  const read = (fraction: number) => ctx.progress(fraction * 0.35, `Reading ${source.name}`);
  for await (const records of source.batches(ctx.signal, read)) {
    for (const { cells, line, unclosedQuote } of records) {
      if (unclosedQuote || !fitWidth(cells, source.columns.length)) continue;
      indexes.forEach((column, i) => stats[i]!.add(cells[column]!, line));
    }
  }
  const axes: Axis[] = stats.map((column, i) => ({
    index: indexes[i]!,
    name: column.name,
    decision: column.decide(),
  }));
  const x = axes[0]!;
  return { x, y: axes[1], span: stats[0]!.range(x.decision) };
}

async function drawGroups(
  source: CsvSource,
  ctx: ToolContext,
  args: Args,
  x: Axis,
  y: Axis | undefined,
  span: Span,
  read: (fraction: number) => void,
): Promise<Drawing> {
  const aggregate: Aggregate = args.aggregate ?? (y ? 'sum' : 'count');
  if (aggregate !== 'count') requireNumeric(y, say('plot-aggregate', { aggregate }));
  const bucket = chosenBucket(args, x, span);
  const grouping = new Grouping(aggregate, bucket ? bucketKey(bucket) : (value) => value);
  const measured = aggregate === 'count' ? undefined : y;
  const { rows, ragged } = await eachPair(source, ctx, [x, measured], read, (xValue, yValue) =>
    grouping.add(xValue, yValue),
  );
  const found = grouping.result(bucket ? bucketLabel(bucket) : (key) => key);
  if (found.length === 0) throw nothingToPlot(source, x, y);
  requireFinite(
    found.reduce((sum, { value }) => sum + Math.abs(value), 0),
    measured ?? x,
  );
  const isCounted = aggregate === 'count' || aggregate === 'sum';
  const isOrdered = bucket !== undefined || (args.kind === 'line' && x.decision.type !== 'string');
  const ordered = bucket && isCounted ? fillGaps(found, bucket) : found.sort(byKey(x));
  const notes: string[] = [];
  const shown =
    args.kind === 'line' || isOrdered
      ? { groups: ordered, other: 0 }
      : topGroups(found, args, aggregate, x, notes);
  const noun = args.noun ?? 'rows';
  const finding = groupedFinding({
    ...{ groups: found, aggregate, bucket, noun },
    ...{ xName: x.name, yName: y?.name },
  });
  const skipped = grouping.blanks + ragged;
  const measure =
    aggregate === 'count' ? `Number of ${noun}` : capital(measureName(aggregate, y!.name));
  const by = bucket ? `${BUCKET_NAMES[bucket]} of ${x.name}` : x.name;
  const frame: ChartFrame = {
    title: args.title || finding,
    subtitle: [
      `${measure} by ${by}`,
      isTime(x.decision) && span.min !== span.max ? `${day(span.min)} to ${day(span.max)}` : '',
      skipped > 0 ? `${shortNumber(skipped)} rows without a value left out` : '',
    ]
      .filter((part) => part !== '')
      .join(' · '),
    source: sourceLine(args, source, rows),
    xTitle: args.xLabel ?? withUnit(capital(by), x),
    yTitle: args.yLabel ?? (aggregate === 'count' ? measure : withUnit(measure, y!)),
  };
  if (skipped > 0) notes.push(`${skipped} rows left out: blank or unfit in the columns drawn.`);
  if (x.decision.notes.length > 0) notes.push(...x.decision.notes.map((n) => `${x.name}: ${n}`));
  const { groups, other } = shown;
  const data = groups.map(({ label, value, count }) => ({ x: label, y: value, count }));
  if (args.kind === 'line') {
    const isMeasured = !bucket && isNumeric(x.decision);
    const points = groups.map(({ key, label, value }) => ({
      x: isMeasured ? Number(key) : label,
      y: value,
    }));
    if (points.length > 5_000) throw tooManyPoints(points.length);
    const axis = isMeasured ? 'value' : 'category';
    const chart: Chart = { kind: 'line', frame, points, axis, isFromZero: isCounted };
    return { chart, rows: rows - grouping.blanks, skipped, data, notes };
  }
  if (groups.length > 400) throw tooManyPoints(groups.length);
  const highest = Math.max(...groups.slice(0, groups.length - other).map(({ value }) => value));
  const bars: Bar[] = groups.map(({ label, value }, i) => ({
    ...{ label, value },
    tone: other > 0 && i === groups.length - 1 ? 'rest' : value === highest ? 'strong' : 'soft',
  }));
  const chart: Chart = { kind: 'bar', frame, bars, isOrdered };
  return { chart, rows: rows - grouping.blanks, skipped, data, notes };
}

const BUCKET_NAMES: Record<Bucket, string> = {
  ...{ day: 'day', week: 'week', month: 'month', quarter: 'quarter', year: 'year' },
  ...{ 'month-of-year': 'month', 'day-of-week': 'day of the week', hour: 'hour' },
};

function chosenBucket(args: Args, x: Axis, span: Span): Bucket | undefined {
  if (args.bucket !== undefined) {
    if (!isTime(x.decision)) {
      throw new ToolFault(
        'not_a_date',
        say('plot-no-dates', { column: x.name, type: x.decision.type, bucket: args.bucket }),
      );
    }
    return args.bucket;
  }
  if (!isTime(x.decision) || span.min === null) return undefined;
  return bucketForSpan(String(span.min), String(span.max));
}

/** The largest categories; the others are folded into one bar that says how many they are. */
function topGroups(
  groups: Group[],
  args: Args,
  aggregate: Aggregate,
  x: Axis,
  notes: string[],
): { groups: Group[]; other: number } {
  const sort = args.sort ?? (isNumeric(x.decision) && groups.length <= 40 ? 'label' : 'value');
  const byValue = [...groups].sort((a, b) => b.value - a.value || byKey(x)(a, b));
  const limit = args.top ?? (sort === 'value' ? 12 : 40);
  const kept = byValue.slice(0, limit);
  const rest = byValue.slice(limit);
  const shown = sort === 'value' ? kept : groups.filter((group) => kept.includes(group));
  if (sort === 'label') shown.sort(byKey(x));
  if (rest.length === 0) return { groups: shown, other: 0 };
  if (aggregate !== 'count' && aggregate !== 'sum') {
    // A mean of means or a largest of largest would be a number nobody asked for.
    notes.push(`${rest.length} more values of "${x.name}" are not shown.`);
    return { groups: shown, other: 0 };
  }
  const value = rest.reduce((sum, group) => sum + group.value, 0);
  const count = rest.reduce((sum, group) => sum + group.count, 0);
  const label = `Other (${rest.length})`;
  notes.push(`"${label}" stands for ${rest.length} further values of "${x.name}".`);
  return { groups: [...shown, { key: label, label, value, count }], other: 1 };
}

function byKey(x: Axis): (a: Group, b: Group) => number {
  if (isNumeric(x.decision)) return (a, b) => Number(a.key) - Number(b.key);
  return (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

async function drawScatter(
  source: CsvSource,
  ctx: ToolContext,
  args: Args,
  x: Axis,
  y: Axis | undefined,
  read: (fraction: number) => void,
): Promise<Drawing> {
  requireNumeric(y, say('plot-scatter'));
  if (!isTime(x.decision)) requireNumeric(x, say('plot-scatter'));
  const thinning = new Thinning();
  const correlation = new Correlation();
  const toNumber = isTime(x.decision) ? timeOf : Number;
  const { rows, ragged } = await eachPair(source, ctx, [x, y], read, (xText, yValue) => {
    if (xText === undefined || yValue === undefined) return;
    const xValue = toNumber(xText);
    thinning.add(xValue, yValue);
    correlation.add(xValue, yValue);
  });
  const { total, points } = thinning;
  if (total === 0) throw nothingToPlot(source, x, y);
  const skipped = rows - total + ragged;
  const notes: string[] = [];
  const isThinned = points.length < total;
  if (isThinned) notes.push(`${points.length} of ${total} points are drawn, evenly over the file.`);
  if (skipped > 0) notes.push(`${skipped} rows left out: blank or unfit in the columns drawn.`);
  const frame: ChartFrame = {
    title: args.title || scatterFinding(x.name, y!.name, correlation.r),
    subtitle: [
      isThinned
        ? `${shortNumber(points.length)} of ${shortNumber(total)} rows drawn`
        : `${shortNumber(total)} rows`,
      skipped > 0 ? `${shortNumber(skipped)} rows without a value left out` : '',
    ]
      .filter((part) => part !== '')
      .join(' · '),
    source: sourceLine(args, source, rows),
    xTitle: args.xLabel ?? withUnit(x.name, x),
    yTitle: args.yLabel ?? withUnit(y!.name, y!),
  };
  const xKind = isTime(x.decision) ? 'time' : 'value';
  const chart: Chart = { kind: 'scatter', frame, points, xKind };
  const data = points.map(([px, py]) => ({
    x: isTime(x.decision) ? new Date(px).toISOString() : px,
    y: py,
  }));
  return { chart, rows: total, skipped, data, notes };
}

/** Numbers close to the largest ones have sums and differences that are none. */
function requireFinite(value: number, { name }: Axis): void {
  if (Number.isFinite(value)) return;
  throw new ToolFault('not_finite', say('plot-not-finite', { column: name }));
}

const FINE_BINS = 4_096;

async function drawHistogram(
  source: CsvSource,
  ctx: ToolContext,
  args: Args,
  x: Axis,
  span: Span,
  read: (fraction: number) => void,
): Promise<Drawing> {
  requireNumeric(x, say('plot-histogram'));
  const [min, max] = [Number(span.min), Number(span.max)];
  requireFinite(max - min, x);
  const isWhole = x.decision.type === 'integer';
  const { bins, width } = roundBins(min, max, isWhole);
  // Quartiles come from finer bins, so that no value has to be kept: exact for whole numbers that
  // span no more than there are fine bins, otherwise within 1/4096 of the range.
  const fineWidth = isWhole && max - min < FINE_BINS ? 1 : (max - min) / FINE_BINS || 1;
  const fine = new Float64Array(FINE_BINS + 1);
  let total = 0;
  const { rows, ragged } = await eachPair(source, ctx, [x, undefined], read, (text) => {
    if (text === undefined) return;
    const value = Number(text);
    total += 1;
    bins[
      Math.min(bins.length - 1, Math.max(0, Math.floor((value - bins[0]!.from) / width + 1e-9)))
    ]!.count += 1;
    fine[Math.min(FINE_BINS, Math.max(0, Math.floor((value - min) / fineWidth)))]! += 1;
  });
  if (total === 0) throw nothingToPlot(source, x, undefined);
  const quartile = (q: number) => {
    let below = 0;
    const i = fine.findIndex((count) => (below += count) >= q * total);
    return min + i * fineWidth;
  };
  const skipped = rows - total + ragged;
  const noun = args.noun ?? 'rows';
  const quartiles = { low: quartile(0.25), median: quartile(0.5), high: quartile(0.75) };
  const frame: ChartFrame = {
    title: args.title || histogramFinding(quartiles),
    subtitle: [
      `Number of ${noun} by ${x.name}, in steps of ${shortNumber(width)}`,
      skipped > 0 ? `${shortNumber(skipped)} rows without a value left out` : '',
    ]
      .filter((part) => part !== '')
      .join(' · '),
    source: sourceLine(args, source, rows),
    xTitle: args.xLabel ?? withUnit(x.name, x),
    yTitle: args.yLabel ?? `Number of ${noun}`,
  };
  const notes =
    skipped > 0 ? [`${skipped} rows left out: blank or unfit in the column drawn.`] : [];
  const data = bins.map(({ from, to, count }) => ({
    ...{ x: `${shortNumber(from)} to ${shortNumber(to)}`, y: count, count },
  }));
  const chart: Chart = { kind: 'histogram', frame, bins };
  return { chart, rows: total, skipped, data, notes };
}

function requireNumeric(axis: Axis | undefined, what: Said): void {
  if (axis === undefined) {
    throw new ToolFault('missing_column', say('plot-needs-y', { what }));
  }
  if (!isNumeric(axis.decision)) {
    throw new ToolFault(
      'not_a_number',
      say('plot-not-numbers', { what, column: axis.name, type: axis.decision.type }),
    );
  }
}

function nothingToPlot(source: CsvSource, x: Axis, y: Axis | undefined): ToolFault {
  const columns = (y ? [x, y] : [x]).map(({ name }) => `"${name}"`);
  return new ToolFault('no_data', say('plot-nothing', { file: source.name, columns }));
}

function tooManyPoints(points: number): ToolFault {
  return new ToolFault('too_many_groups', say('plot-many-points', { points }));
}

/** Says what the chart shows, so that two charts of one file are told apart: `strikes-by-month`. */
function fileStem(args: { noun?: string; x: string; bucket?: Bucket }, sourceName: string): string {
  const by = args.bucket ? BUCKET_NAMES[args.bucket] : args.x;
  const slug = (text: string) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
      .replaceAll(/^-|-$/g, '')
      .slice(0, 60);
  return `${slug(args.noun ?? parsePath(sourceName).name) || 'rows'}-by-${slug(by) || 'column'}`;
}

function withUnit(title: string, { decision, name }: Axis): string {
  return decision.unit && !name.includes(decision.unit) ? `${title} (${decision.unit})` : title;
}

function sourceLine(args: Args, source: CsvSource, rows: number): string {
  const count = `${rows.toLocaleString('en-US')} rows`;
  return `Source: ${args.source ?? source.name}, ${count}`;
}

function day(value: string | number | null): string {
  return String(value).slice(0, 10);
}
