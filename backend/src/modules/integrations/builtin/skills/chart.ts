/**
 * The house's way of drawing: one theme, 1200 x 675, legible at half that size.
 *
 * ECharts lays out and writes SVG without a browser. It is loaded and works in a thread of its own (see drawing.ts),
 * which runs this very file: so this imports nothing of ours.
 * All text a caller or a file supplied goes through `plainText` and is escaped by ECharts; the SVG
 * holds no script, no link, no style sheet and no foreign content, which a test asserts.
 */
import type { EChartsCoreOption } from 'echarts/core';

export const WIDTH = 1200;
export const HEIGHT = 675;
const MARGIN = 40;

const INK = '#1c1c1a';
const MUTED = '#5f5f5a';
const LINE = '#e7e6e2';
export const PAPER = '#ffffff';
/** One hue in two depths: told apart by lightness alone, so by any eye and in print. */
const STRONG = '#3a45b8';
const SOFT = '#8d95e0';
const REST = '#b5b4ae';
// Without quotes: ECharts puts it into a double-quoted attribute as it is.
const FONT = 'Inter, system-ui, Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif';

const TITLE_SIZE = 32;
const TEXT_SIZE = 20;
const SOURCE_SIZE = 17;

export interface ChartFrame {
  title: string;
  subtitle: string;
  source: string;
  xTitle: string;
  yTitle: string;
}

export interface Bar {
  label: string;
  value: number;
  tone: 'soft' | 'strong' | 'rest';
}

export interface LinePoint {
  /** A bucket's label, or a number or time for a measured axis. */
  x: string | number;
  y: number;
}

/** What there is to draw; it can be sent to another thread. */
export type Chart = { frame: ChartFrame } & (
  | { kind: 'bar'; bars: Bar[]; isOrdered: boolean }
  | { kind: 'line'; points: LinePoint[]; axis: 'category' | 'value'; isFromZero: boolean }
  | { kind: 'scatter'; points: readonly (readonly [number, number])[]; xKind: 'value' | 'time' }
  | { kind: 'histogram'; bins: readonly { from: number; to: number; count: number }[] }
);

function optionOf(chart: Chart): EChartsCoreOption {
  switch (chart.kind) {
    case 'bar':
      return barChart(chart.frame, chart.bars, chart.isOrdered);
    case 'line':
      return lineChart(chart.frame, chart.points, chart.axis, chart.isFromZero);
    case 'scatter':
      return scatterChart(chart.frame, chart.points, chart.xKind);
    case 'histogram':
      return histogramChart(chart.frame, chart.bins);
  }
}

function barChart(frame: ChartFrame, bars: Bar[], isOrdered: boolean): EChartsCoreOption {
  const plotWidth = WIDTH - 2 * MARGIN - 90;
  const slot = plotWidth / Math.max(1, bars.length);
  const widest = Math.max(...bars.map((bar) => textWidth(bar.label, TEXT_SIZE)), 0);
  // Bars in an order of their own (time) stay upright and thin out their labels instead.
  return isOrdered || widest < slot - 12 ? uprightBars(frame, bars, slot) : lyingBars(frame, bars);
}

function uprightBars(frame: ChartFrame, bars: Bar[], slot: number): EChartsCoreOption {
  const widestValue = Math.max(
    ...bars.map((bar) => textWidth(shortNumber(bar.value), TEXT_SIZE)),
    0,
  );
  const allLabelled = widestValue < slot - 6;
  const widestName = Math.max(...bars.map((bar) => textWidth(bar.label, TEXT_SIZE)), 1);
  const every = Math.ceil((widestName + 16) / slot);
  return {
    ...page(frame),
    grid: { left: MARGIN + 84, right: MARGIN, top: topOf(frame), bottom: 130 },
    xAxis: {
      ...axis(frame.xTitle, 'x'),
      type: 'category',
      data: bars.map((bar) => plainText(bar.label)),
      axisLabel: { ...label(), interval: (i: number) => i % every === 0, hideOverlap: true },
    },
    yAxis: {
      ...axis(frame.yTitle, 'y'),
      type: 'value',
      minInterval: wholeSteps(bars),
      axisLabel: numberLabel(),
    },
    series: [
      {
        type: 'bar',
        barMaxWidth: 160,
        barCategoryGap: bars.length > 40 ? '10%' : '28%',
        data: bars.map((bar) => ({
          value: bar.value,
          itemStyle: { color: toneColor(bar.tone) },
          label: {
            ...directLabel(bar.tone === 'strong'),
            show: allLabelled || bar.tone === 'strong',
            position: bar.value < 0 ? 'bottom' : 'top',
            formatter: shortNumber(bar.value),
          },
        })),
      },
    ],
  };
}

function lyingBars(frame: ChartFrame, bars: Bar[]): EChartsCoreOption {
  const top = topOf(frame);
  const slot = (HEIGHT - top - 120) / Math.max(1, bars.length);
  const size = Math.max(12, Math.min(TEXT_SIZE, Math.floor(slot * 0.72)));
  const names = bars.map((bar) => shortened(plainText(bar.label), size, 360));
  const nameWidth = Math.max(...names.map((name) => textWidth(name, size)), 40);
  const valueWidth = Math.max(...bars.map((bar) => textWidth(shortNumber(bar.value), size)), 40);
  return {
    ...page(frame),
    grid: { left: MARGIN + nameWidth + 14, right: MARGIN + valueWidth, top, bottom: 120 },
    xAxis: {
      ...axis(frame.yTitle, 'x'),
      type: 'value',
      minInterval: wholeSteps(bars),
      axisLabel: numberLabel(),
      splitLine: { show: true, lineStyle: { color: LINE } },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: names,
      axisLine: { lineStyle: { color: MUTED } },
      axisTick: { show: false },
      axisLabel: { ...label(), fontSize: size, interval: 0, color: INK },
    },
    series: [
      {
        type: 'bar',
        barCategoryGap: '26%',
        data: bars.map((bar) => ({
          value: bar.value,
          itemStyle: { color: toneColor(bar.tone) },
          label: {
            ...directLabel(bar.tone === 'strong'),
            show: true,
            fontSize: size,
            position: bar.value < 0 ? 'left' : 'right',
            formatter: shortNumber(bar.value),
          },
        })),
      },
    ],
  };
}

/** Counts have no halves, so their axis shows none. */
function wholeSteps(bars: Bar[]): number {
  return bars.every(({ value }) => Number.isInteger(value)) ? 1 : 0;
}

function lineChart(
  frame: ChartFrame,
  points: LinePoint[],
  axisKind: 'category' | 'value',
  fromZero: boolean,
): EChartsCoreOption {
  const peak = points.reduce((best, point, i) => (point.y > points[best]!.y ? i : best), 0);
  const last = points.length - 1;
  // Two labels that would touch are one too many: the peak matters more.
  const lastIsFree = last !== peak && (last - peak) / Math.max(1, last) > 0.08;
  const widestName = Math.max(...points.map((point) => textWidth(String(point.x), TEXT_SIZE)), 1);
  const every = Math.ceil(((widestName + 24) * points.length) / (WIDTH - 220));
  return {
    ...page(frame),
    grid: { left: MARGIN + 84, right: MARGIN + 60, top: topOf(frame), bottom: 130 },
    xAxis: {
      ...axis(frame.xTitle, 'x'),
      type: axisKind,
      boundaryGap: false,
      ...(axisKind === 'category'
        ? {
            data: points.map((point) => plainText(String(point.x))),
            axisLabel: { ...label(), interval: (i: number) => i % every === 0 },
          }
        : { scale: true, axisLabel: axisKind === 'value' ? numberLabel() : label() }),
    },
    yAxis: {
      ...axis(frame.yTitle, 'y'),
      type: 'value',
      scale: !fromZero,
      axisLabel: numberLabel(),
    },
    series: [
      {
        type: 'line',
        lineStyle: { color: STRONG, width: 3 },
        itemStyle: { color: STRONG },
        symbol: 'circle',
        symbolSize: 9,
        showSymbol: true,
        data: points.map((point, i) => {
          const isLabelled = i === peak || (i === last && lastIsFree);
          return {
            value: axisKind === 'category' ? point.y : [point.x, point.y],
            symbolSize: isLabelled ? 11 : points.length <= 40 ? 7 : 0,
            label: {
              ...directLabel(i === peak),
              show: isLabelled,
              position: i === last ? 'right' : 'top',
              formatter: shortNumber(point.y),
            },
          };
        }),
      },
    ],
  };
}

function scatterChart(
  frame: ChartFrame,
  points: readonly (readonly [number, number])[],
  xKind: 'value' | 'time',
): EChartsCoreOption {
  return {
    ...page(frame),
    grid: { left: MARGIN + 100, right: MARGIN + 20, top: topOf(frame), bottom: 130 },
    xAxis: {
      ...axis(frame.xTitle, 'x'),
      type: xKind,
      scale: true,
      axisLabel: xKind === 'value' ? numberLabel() : label(),
      splitLine: { show: true, lineStyle: { color: LINE } },
    },
    yAxis: { ...axis(frame.yTitle, 'y'), type: 'value', scale: true, axisLabel: numberLabel() },
    series: [
      {
        type: 'scatter',
        symbolSize: points.length > 500 ? 7 : 11,
        itemStyle: { color: STRONG, opacity: points.length > 500 ? 0.4 : 0.7 },
        data: points,
      },
    ],
  };
}

function histogramChart(
  frame: ChartFrame,
  bins: readonly { from: number; to: number; count: number }[],
): EChartsCoreOption {
  const peak = bins.reduce((best, bin, i) => (bin.count > bins[best]!.count ? i : best), 0);
  const every = Math.ceil(bins.length / 9);
  return {
    ...page(frame),
    grid: { left: MARGIN + 84, right: MARGIN + 20, top: topOf(frame), bottom: 130 },
    xAxis: {
      ...axis(frame.xTitle, 'x'),
      type: 'value',
      min: bins[0]!.from,
      max: bins.at(-1)!.to,
      interval: every * (bins[0]!.to - bins[0]!.from),
      axisLabel: { ...numberLabel(), showMaxLabel: bins.length % every === 0 },
    },
    yAxis: { ...axis(frame.yTitle, 'y'), type: 'value', axisLabel: numberLabel() },
    series: [
      {
        type: 'custom',
        encode: { x: [0, 1], y: 2 },
        data: bins.map((bin) => [bin.from, bin.to, bin.count]),
        renderItem: (
          params: { dataIndex: number },
          api: { value(i: number): number; coord(at: [number, number]): [number, number] },
        ) => {
          const [left, top] = api.coord([api.value(0), api.value(2)]);
          const [right, bottom] = api.coord([api.value(1), 0]);
          const isPeak = params.dataIndex === peak;
          return {
            type: 'group',
            children: [
              {
                type: 'rect',
                shape: {
                  x: left + 1,
                  y: top,
                  width: Math.max(1, right - left - 2),
                  height: bottom - top,
                },
                style: { fill: isPeak ? STRONG : SOFT },
              },
              ...(isPeak
                ? [
                    {
                      type: 'text',
                      style: {
                        text: shortNumber(api.value(2)),
                        x: (left + right) / 2,
                        y: top - 8,
                        align: 'center',
                        verticalAlign: 'bottom',
                        fill: INK,
                        fontSize: TEXT_SIZE,
                        fontWeight: 600,
                        fontFamily: FONT,
                      },
                    },
                  ]
                : []),
            ],
          };
        },
      },
    ],
  };
}

// ---------------------------------------------------------------- the theme

function page(frame: ChartFrame): EChartsCoreOption {
  return {
    animation: false,
    useUTC: true,
    backgroundColor: PAPER,
    textStyle: { fontFamily: FONT, color: INK, fontSize: TEXT_SIZE },
    title: [
      {
        text: titleLines(frame.title).join('\n'),
        subtext: shortened(plainText(frame.subtitle), TEXT_SIZE, WIDTH - 2 * MARGIN),
        left: MARGIN,
        top: 30,
        padding: 0,
        itemGap: 12,
        textStyle: { fontSize: TITLE_SIZE, fontWeight: 600, color: INK, lineHeight: 40 },
        subtextStyle: { fontSize: TEXT_SIZE, color: MUTED },
      },
      {
        text: shortened(plainText(frame.source), SOURCE_SIZE, WIDTH - 2 * MARGIN),
        left: MARGIN,
        bottom: 22,
        padding: 0,
        textStyle: { fontSize: SOURCE_SIZE, fontWeight: 400, color: MUTED },
      },
    ],
  };
}

function topOf(frame: ChartFrame): number {
  return 30 + titleLines(frame.title).length * 40 + 12 + 24 + 44;
}

/** A picture cannot bring its font along: where Inter is not there, the bold letters of another are up to so much wider. */
const BOLD_WIDENS = 1.25;

export const titleLines = (title: string): string[] =>
  wrapped(plainText(title), TITLE_SIZE * BOLD_WIDENS, WIDTH - 2 * MARGIN, 2);

function axis(title: string, side: 'x' | 'y') {
  return {
    name: shortened(plainText(title), TEXT_SIZE, side === 'x' ? 1000 : 420),
    nameLocation: 'middle',
    nameGap: side === 'x' ? 44 : 82,
    nameTextStyle: { fontSize: TEXT_SIZE, color: MUTED },
    axisLine: { show: side === 'x', lineStyle: { color: MUTED } },
    axisTick: { show: false },
    splitLine: { show: side === 'y', lineStyle: { color: LINE } },
  };
}

function label() {
  return { fontSize: TEXT_SIZE, color: MUTED, margin: 12 };
}

function numberLabel() {
  return { ...label(), formatter: (value: number) => shortNumber(value) };
}

function directLabel(isStrong: boolean) {
  return { fontSize: TEXT_SIZE, color: INK, fontWeight: isStrong ? 600 : 400 };
}

function toneColor(tone: Bar['tone']): string {
  return tone === 'strong' ? STRONG : tone === 'rest' ? REST : SOFT;
}

/** Up to six digits whole, beyond that in millions and thousands of millions. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e15) return value.toExponential(2);
  if (size >= 1e9) return `${trimmedNumber(value / 1e9, 2)} bn`;
  if (size >= 1e6) return `${trimmedNumber(value / 1e6, 2)} M`;
  if (size >= 1000 || Number.isInteger(value)) return trimmedNumber(value, 0);
  if (size >= 100) return trimmedNumber(value, 1);
  return size >= 0.01 || size === 0 ? trimmedNumber(value, 2) : value.toPrecision(2);
}

function trimmedNumber(value: number, digits: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

/** Without control characters and half surrogates, which XML has no way to write. */
export function plainText(text: string): string {
  return text
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
    .replace(
      /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]+/g,
      ' ',
    )
    .replace(/[{}]/g, (brace) => (brace === '{' ? '(' : ')')) // ECharts reads {a|b} as markup
    .trim();
}

/** Inter's advance widths, roughly, in tenths of the font size; wide scripts take a full square. */
export function textWidth(text: string, size: number): number {
  let tenths = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code >= 0x1100) tenths += 10;
    else if (/[ijl.,:;'|!()[\] ftrI]/.test(character)) tenths += 3.4;
    else if (/[mwMW@%]/.test(character)) tenths += 9;
    else if (/[A-Z0-9]/.test(character)) tenths += 6.7;
    else tenths += 5.9;
  }
  return (tenths * size) / 10;
}

export function shortened(text: string, size: number, maxWidth: number): string {
  if (textWidth(text, size) <= maxWidth) return text;
  let cut = [...text];
  while (cut.length > 1 && textWidth(`${cut.join('')}…`, size) > maxWidth) cut = cut.slice(0, -1);
  return `${cut.join('').trimEnd()}…`;
}

export function wrapped(text: string, size: number, maxWidth: number, maxLines: number): string[] {
  const lines: string[] = [''];
  // Chinese and Japanese break between any two characters, other scripts at spaces.
  for (const piece of text.match(/[\u2e80-\uffdc]|[^\s\u2e80-\uffdc]+\s*|\s+/gu) ?? []) {
    const line = lines.at(-1)! + piece;
    if (lines.at(-1) === '' || textWidth(line.trimEnd(), size) <= maxWidth) {
      lines[lines.length - 1] = line;
    } else lines.push(piece);
  }
  const kept = lines.slice(0, maxLines);
  if (lines.length > maxLines) kept[maxLines - 1] = lines.slice(maxLines - 1).join('');
  return kept.map((line) => shortened(line.trim(), size, maxWidth));
}

// ---------------------------------------------------------------- rendering

async function loadECharts() {
  const [core, charts, components, renderers] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ]);
  core.use([charts.BarChart, charts.LineChart, charts.ScatterChart, charts.CustomChart]);
  core.use([components.GridComponent, components.TitleComponent, renderers.SVGRenderer]);
  const { default: Kept } = await import('zrender/lib/core/LRU.js');
  keepUnderOwnNames(Kept.prototype);
  return core;
}

interface Keeps {
  get(key: string | number): unknown;
  put(key: string | number, value: unknown): unknown;
}

/**
 * What ECharts keeps, widths of texts for one, lies in plain objects under the text itself. One that is called `__proto__` was
 * found there, as the prototype of all objects of its thread, and written to: no later chart could be trusted.
 */
function keepUnderOwnNames(kept: Keeps): void {
  const { get, put } = kept;
  kept.get = function (key) {
    return get.call(this, `:${key}`);
  };
  kept.put = function (key, value) {
    return put.call(this, `:${key}`, value);
  };
}

let echarts: ReturnType<typeof loadECharts> | undefined;

/** As SVG, which is named by the chart's title for those who cannot see it. */
export async function drawSvg(wanted: Chart): Promise<string> {
  const core = await (echarts ??= loadECharts());
  const chart = core.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption({ ...optionOf(wanted), aria: { enabled: false } });
    const svg = withoutInteraction(chart.renderToSVGString());
    const open = svg.indexOf('>') + 1;
    const title = `<title>${escapeXml(plainText(wanted.frame.title))}</title>`;
    return `${svg.slice(0, open)}${title}${svg.slice(open)}`;
  } finally {
    chart.dispose();
  }
}

/**
 * Takes off what ECharts adds for a page that would bring the chart to life: hover styles, and marks
 * by which a script finds its way about. Text cannot be hit, since every `<` in it is escaped.
 */
function withoutInteraction(svg: string): string {
  return svg
    .replace(/<style[^>]*>[\s\S]*?<\/style>\s*/g, '')
    .replace(/<([a-z]+)((?: [\w:-]+="[^"]*")*)/g, (_, tag: string, attributes: string) => {
      const kept = attributes.replace(/ (?:class|ecmeta_\w+|pointer-events)="[^"]*"/g, '');
      return `<${tag}${kept}`;
    });
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
