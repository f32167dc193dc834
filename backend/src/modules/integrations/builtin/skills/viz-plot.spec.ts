import { TestHost } from '../testing.js';
import {
  type Bar,
  type Chart,
  plainText,
  shortened,
  shortNumber,
  textWidth,
  titleLines,
  wrapped,
} from './chart.js';
import { renderSvg } from './drawing.js';
import { quantile, roundBins, Thinning } from './plot-data.js';
import { vizPlot } from './viz-plot.js';

interface Plotted {
  title: string;
  subtitle: string;
  svg: { artifactId: string; name: string; mediaType: string };
  png: { artifactId: string; name: string; mediaType: string };
  data: { x: string | number; y: number; count?: number }[];
  rows: number;
  skipped: number;
  points: number;
  notes: string[];
}

const SALES = [
  'day,shop,amount,items',
  '2024-01-01,North,10.5,1',
  '2024-01-02,North,20,2',
  '2024-03-15,South,5,1',
  '2024-03-16,East,,4',
  '2024-03-17,South,7,3',
].join('\n');

describe('viz.plot', () => {
  let host: TestHost;
  beforeEach(async () => {
    host = await TestHost.start();
    await host.put('sales.csv', SALES);
  });
  afterEach(async () => host.stop());

  const plot = (args: object) => host.call<Plotted>(vizPlot, { file: 'sales.csv', ...args });
  const points = ({ data }: Plotted) => data.map(({ x, y }) => [x, y]);

  it('draws a PNG of 1200 x 675 and an SVG', async () => {
    const { svg, png } = await plot({ kind: 'bar', x: 'shop' });
    const bytes = host.content(png.artifactId);
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1200, 675]);
    expect(host.text(svg.artifactId)).toMatch(/^<svg width="1200" height="675"/);
    expect(svg).toMatchObject({ name: 'sales-by-shop.svg', mediaType: 'image/svg+xml' });
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'draws a text that is called %s',
    async (name) => {
      await host.put('names.csv', `${name},n\n${name},1\nb,2\n`);
      const args = { file: 'names.csv', kind: 'bar', x: name, y: 'n', title: name };
      const { svg, data } = await plot(args);
      expect(data).toContainEqual({ x: name, y: 1, count: 1 });
      const drawn = host.text(svg.artifactId);
      expect(drawn).toContain(`>${name}</text>`);
      expect(drawn).not.toContain('NaN');
    },
  );

  it.each([
    [
      'count',
      [
        ['North', 2],
        ['South', 2],
        ['East', 1],
      ],
    ],
    [
      'sum',
      [
        ['North', 30.5],
        ['South', 12],
      ],
    ],
    [
      'mean',
      [
        ['North', 15.25],
        ['South', 6],
      ],
    ],
    [
      'min',
      [
        ['North', 10.5],
        ['South', 5],
      ],
    ],
    [
      'max',
      [
        ['North', 20],
        ['South', 7],
      ],
    ],
    [
      'median',
      [
        ['North', 15.25],
        ['South', 6],
      ],
    ],
  ] as const)('joins rows by %s', async (aggregate, expected) => {
    const drawn = await plot({ kind: 'bar', x: 'shop', y: 'amount', aggregate });
    expect(points(drawn)).toEqual(expected);
    expect(drawn.skipped).toBe(aggregate === 'count' ? 0 : 1);
  });

  it.each([
    ['month', ['Jan 2024', 'Feb 2024', 'Mar 2024'], [2, 0, 3]],
    ['quarter', ['Q1 2024'], [5]],
    ['year', ['2024'], [5]],
    ['day-of-week', ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'], [1, 1, 0, 0, 1, 1, 1]],
  ])('joins dates by %s, empty ones too', async (bucket, labels, counts) => {
    const { data } = await plot({ kind: 'bar', x: 'day', bucket });
    expect(data.map(({ x }) => x)).toEqual(labels);
    expect(data.map(({ y }) => y)).toEqual(counts);
  });

  it.each([
    { kind: 'bar', x: 'half', y: 'n' },
    { kind: 'bar', x: 'n', y: 'n', aggregate: 'max' },
    { kind: 'histogram', x: 'span' },
  ])('refuses numbers whose sum or difference is beyond all numbers: %o', async (args) => {
    await host.put('large.csv', 'half,n,span\na,1e308,-1e308\na,9e307,1e308\n');
    await expect(plot({ file: 'large.csv', ...args })).rejects.toMatchObject({
      code: 'not_finite',
    });
  });

  it('begins weeks on Monday', async () => {
    const { data } = await plot({ kind: 'line', x: 'day', bucket: 'week' });
    expect([data[0], data.at(-1)]).toMatchObject([
      { x: '2024-01-01', y: 2 },
      { x: '2024-03-11', y: 3 },
    ]);
  });

  it('says the finding', async () => {
    const title = async (args: object) => (await plot(args)).title;
    expect(await title({ kind: 'bar', x: 'day', bucket: 'month', noun: 'sales' })).toBe(
      'Sales peak in Mar 2024: 3 of 5',
    );
    expect(await title({ kind: 'bar', x: 'shop', y: 'amount' })).toBe(
      'North has the highest total amount: 30.5 of 42.5',
    );
    expect(await title({ kind: 'bar', x: 'shop' })).toBe('Rows are highest in 2 places: 2 each');
    expect(await title({ kind: 'scatter', x: 'items', y: 'amount' })).toMatch(/r = 0\.\d\d/);
    expect(await title({ kind: 'histogram', x: 'amount' })).toMatch(/^Half of the values lie/);
    expect(await title({ kind: 'bar', x: 'shop', title: 'Mine' })).toBe('Mine');
  });

  it('folds small categories into one that says how many they are', async () => {
    const lines = Array.from({ length: 20 }, (_, i) => `category ${i}\n`.repeat(20 - i)).join('');
    await host.put('many.csv', `name\n${lines}`);
    const drawn = await plot({ file: 'many.csv', kind: 'bar', x: 'name', top: 5 });
    expect(points(drawn).at(-1)).toEqual(['Other (15)', 120]);
    expect(drawn.notes.join()).toContain('15 further values');
    const means = await plot({
      ...{ file: 'many.csv', kind: 'histogram', x: 'name' },
    }).catch((error: unknown) => error);
    expect(means).toMatchObject({ code: 'not_a_number' });
  });

  it('counts a histogram into bins that hold every value', async () => {
    const values = Array.from({ length: 1_000 }, (_, i) => (i * 37) % 101);
    await host.put('n.csv', `n\n${values.join('\n')}\n`);
    const { data, rows } = await plot({ file: 'n.csv', kind: 'histogram', x: 'n' });
    expect(data.reduce((sum, { y }) => sum + y, 0)).toBe(rows);
    expect(data[0]).toMatchObject({
      x: '0 to 5',
      y: values.filter((value) => value < 5).length,
    });
  });

  it('thins only scatters, and says so', async () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => `${i},${i * 2}`);
    await host.put('xy.csv', `x,y\n${rows.join('\n')}\n`);
    const drawn = await plot({ file: 'xy.csv', kind: 'scatter', x: 'x', y: 'y' });
    expect(drawn.rows).toBe(5_000);
    expect(drawn.points).toBeLessThanOrEqual(2_000);
    expect(drawn.data).toHaveLength(200);
    expect(drawn.notes[0]).toMatch(/of 5000 points are drawn/);
    expect(drawn.title).toContain('rises strongly');
  });

  it('lets no text of a file or a caller become markup', async () => {
    const evil = '</text><script>alert(1)</script><image href="https://evil.example/x"/>';
    await host.put('evil.csv', `"${evil.replaceAll('"', '""')}",n\n"<b>&""'\u0007",1\n{x|y},2\n`);
    const { svg, png } = await plot({
      ...{ file: 'evil.csv', kind: 'bar', x: evil, title: evil, source: evil, yLabel: evil },
    });
    const text = host.text(svg.artifactId);

    expect(text).not.toMatch(
      /<script|<image|<foreignObject|<style|<a[\s>]|\son\w+=|[\u0000-\u0008]/,
    );
    const tags = text.match(/<[a-z][^>]*>/gi)!.join('');
    expect(tags).not.toMatch(/(href|src)=|url\((?!#)/);
    expect(text).toContain('&lt;script&gt;');
    expect(host.content(png.artifactId).length).toBeGreaterThan(5_000);
  });

  it.each([
    ['unknown_column', { kind: 'bar', x: 'nope' }],
    ['missing_column', { kind: 'scatter', x: 'items' }],
    ['missing_column', { kind: 'bar', x: 'shop', aggregate: 'mean' }],
    ['not_a_number', { kind: 'bar', x: 'day', y: 'shop' }],
    ['not_a_number', { kind: 'histogram', x: 'shop' }],
    ['not_a_date', { kind: 'bar', x: 'shop', bucket: 'month' }],
  ])('answers with %s when the columns do not suit', async (code, args) => {
    await expect(plot(args)).rejects.toMatchObject({ code });
  });

  it('says that there is nothing to draw', async () => {
    await host.put('empty.csv', 'a,b\n');
    await expect(plot({ file: 'empty.csv', kind: 'bar', x: 'a' })).rejects.toMatchObject({
      code: 'no_data',
    });
  });

  it('draws twice within one call of the host', async () => {
    await plot({ kind: 'bar', x: 'shop' });
    await plot({ kind: 'line', x: 'items', y: 'amount', aggregate: 'mean' });
  });
});

describe('drawing', () => {
  it('is done in a thread of its own: a cancel need not wait for it, and the next chart has another', async () => {
    const frame = { title: 'Few', subtitle: '', source: '', xTitle: 'x', yTitle: 'y' };
    const bars: Bar[] = [{ label: 'one', value: 1, tone: 'soft' }];
    const chart: Chart = { kind: 'bar', frame, bars, isOrdered: false };
    const cancel = new AbortController();
    const drawn = renderSvg(chart, cancel.signal);
    const reason = new Error('no longer wanted');
    cancel.abort(reason);
    await expect(drawn).rejects.toBe(reason);
    expect(await renderSvg(chart, new AbortController().signal)).toContain('<title>Few</title>');
  });

  it('writes numbers for people', () => {
    expect([0, 1234, 12.345, 1_500_000, 2.5e9, 0.00123].map(shortNumber)).toEqual([
      ...['0', '1,234', '12.35', '1.5 M', '2.5 bn', '0.0012'],
    ]);
  });

  it('fits text to a width', () => {
    expect(textWidth(shortened('a very long label indeed', 20, 100), 20)).toBeLessThanOrEqual(100);
    expect(wrapped('one two three four five six', 20, 120, 2)).toHaveLength(2);
    expect(wrapped('鸟击在十月达到高峰鸟击在十月达到高峰', 20, 200, 2)).toHaveLength(2);
    expect(plainText('a\u0000b\ud800{c|d}\u202e')).toBe('a b\ufffd(c|d)');
  });

  it('breaks a title early enough for the bold letters of a wider font', () => {
    const lines = titleLines(
      'Unknown bird - small is the most frequent Wildlife Species: 3,567 of 9,961',
    );
    expect(lines).toHaveLength(2);
    // At 32 pixels, in the 1,120 that there are between the margins.
    for (const line of lines) expect(textWidth(line, 32) * 1.22).toBeLessThan(1120);
  });

  it('chooses round bins, quartiles and an even thinning', () => {
    expect(roundBins(0, 97, true).width).toBe(5);
    expect(roundBins(3, 3, true).bins).toHaveLength(1);
    expect(roundBins(-1, 1, false, 10).bins[0]).toMatchObject({ from: -1 });
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    const thinning = new Thinning();
    for (let i = 0; i < 10_000; i += 1) thinning.add(i, i);
    const steps = thinning.points.slice(1).map(([x], i) => x - thinning.points[i]![0]);
    expect(new Set(steps).size).toBe(1);
  });
});
