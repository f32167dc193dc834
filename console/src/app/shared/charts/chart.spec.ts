import { TestBed } from '@angular/core/testing';
import { provideWords } from '../../../testing/transloco';
import { Chart } from './chart';
import { type ChartSeries, chartOption } from './chart-option';
import { withUnit } from './units';

const at = Date.UTC(2026, 10, 26, 10, 0);
const latency: ChartSeries[] = [
  {
    name: 'p50',
    points: [
      [at, 12],
      [at + 60_000, 14],
      [at + 120_000, null],
    ],
  },
  {
    name: 'p95',
    points: [
      [at, 80],
      [at + 60_000, 2_400],
      [at + 120_000, null],
    ],
  },
];

async function show(series: ChartSeries[], unit = 'ms', kind = 'line') {
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const fixture = TestBed.createComponent(Chart);
  fixture.componentRef.setInput('label', 'Latency');
  fixture.componentRef.setInput('series', series);
  fixture.componentRef.setInput('unit', unit);
  fixture.componentRef.setInput('kind', kind);
  await fixture.whenStable();
  return { fixture, host: fixture.nativeElement as HTMLElement };
}

describe('the chart', () => {
  it('says the last known value of every series, also to whoever cannot see the picture', async () => {
    const { host } = await show(latency);
    expect(host.querySelector('.readings')?.textContent).toContain('2.4 s');
    expect(host.querySelector('[role=img]')?.getAttribute('aria-label')).toBe(
      'Latency, p50 14 ms, p95 2.4 s',
    );
  });

  it('has its numbers behind it as a table, the newest first, with units and the time zone', async () => {
    const { fixture, host } = await show(latency);
    host.querySelector<HTMLButtonElement>('header button')!.click();
    await fixture.whenStable();
    const rows = [...host.querySelectorAll('tbody tr')].map((row) =>
      [...row.children].slice(1).map((cell) => cell.textContent?.trim()),
    );
    expect(rows).toEqual([
      ['–', '–'],
      ['14 ms', '2.4 s'],
      ['12 ms', '80 ms'],
    ]);
    expect(host.querySelector('thead')?.textContent).toMatch(/Time \((UTC|GMT|[A-Z]{3,5})/);
  });

  it('says of bars how many there are in all of the range, and not in its last moment', async () => {
    const counts: ChartSeries['points'] = [
      [at, 3],
      [at + 60_000, null],
      [at + 120_000, 0],
    ];
    const { fixture, host } = await show([{ name: 'Done', points: counts }], 'count', 'bar');
    const reading = () => host.querySelector('.readings .num')?.textContent;
    expect(reading()).toBe('3');
    fixture.componentRef.setInput('kind', 'line');
    await fixture.whenStable();
    expect(reading()).toBe('0');
  });

  it('gives the names a second line before it cuts one of them', async () => {
    const lines = (...names: string[]): ChartSeries[] =>
      names.map((name) => ({ name, points: [[at, 932]] }));
    const { fixture, host } = await show(lines('p50', 'p95', 'p99'), 'ms');
    const areMany = () => host.querySelector('.readings')!.classList.contains('many');
    expect(areMany()).toBe(true);
    fixture.componentRef.setInput('series', lines('Done', 'Failed', 'Cancelled'));
    fixture.componentRef.setInput('unit', 'count');
    await fixture.whenStable();
    expect(areMany()).toBe(false);
  });

  it('says in words that a range is empty', async () => {
    const { host } = await show([{ name: 'p50', points: [[at, null]] }]);
    expect(host.textContent).toContain('Nothing happened in this time.');
    expect(host.querySelector('[role=img], table')).toBeNull();
  });
});

describe('what is drawn', () => {
  const inks = { ink: '', muted: '', line: '', surface: '', series: ['red', 'blue'] };
  const spec = { series: latency, from: at, to: at + 1, language: 'en', limit: null } as const;

  it('starts at zero, and names two lines where they end', () => {
    const option = chartOption({ ...spec, kind: 'line', unit: 'ms' }, inks, '') as {
      yAxis: { min: number };
      series: { endLabel: { show: boolean }; stack?: string }[];
    };
    expect(option.yAxis.min).toBe(0);
    expect(option.series.map(({ endLabel }) => endLabel.show)).toEqual([true, true]);
    expect(option.series[0]).not.toHaveProperty('stack');
  });

  it('shows as a dot what stands between gaps, where a line has nothing to join', () => {
    const points = [1, null, 2, 3, null, 4].map((value, n) => [at + n, value] as const);
    const option = chartOption(
      { ...spec, series: [{ name: 'p50', points }], kind: 'line', unit: 'ms' },
      inks,
      '',
    ) as { series: { data: (unknown[] | { value: unknown[]; symbol: string })[] }[] };
    const dots = option.series[0]!.data.flatMap((each) => ('symbol' in each ? [each] : []));
    expect(dots).toEqual([
      { value: [at, 1], symbol: 'circle' },
      { value: [at + 5, 4], symbol: 'circle' },
    ]);
  });

  it('names one of several lines that end at the same height, also at zero, and draws no bar of nothing', () => {
    const flat = latency.map((line) => ({ ...line, points: [[at, 0]] as const }));
    const draw = (kind: 'line' | 'bar') =>
      chartOption({ ...spec, series: flat, kind, unit: 'ms' }, inks, '') as {
        series: { endLabel: { show: boolean }; data: unknown[][] }[];
      };
    expect(draw('line').series.filter(({ endLabel }) => endLabel.show)).toHaveLength(1);
    expect(draw('bar').series[0]?.data).toEqual([[at, null]]);
  });
});

describe('the axis of percents', () => {
  const inks = { ink: '', muted: '', line: '', surface: '', series: ['red'] };
  it.each([
    [96, 100],
    [40, undefined],
    [140, undefined],
  ])('ends at the whole where it comes near to it: %d', (value, max) => {
    const series = [{ name: 'jobs', points: [[at, value]] as const }];
    const spec = { series, from: at, to: at + 1, language: 'en', limit: null } as const;
    const option = chartOption({ ...spec, kind: 'line', unit: 'percent' }, inks, '') as {
      yAxis: { max?: number };
    };
    expect(option.yAxis.max).toBe(max);
  });
});

describe('units', () => {
  it.each([
    [0.05, 'cny', '¥0.05'],
    [1_234_567, 'bytes', '1.2 MB'],
    [0, 'bytes', '0 B'],
    [3.25, 'perSecond', '3.3/s'],
    [0.125, 'percent', '0.13 %'],
    [12_345, 'count', '12k'],
    [2.5, 'ms', '2.5 ms'],
    [90_000, 'ms', '1:30'],
  ] as const)('writes %d %s as %s', (value, unit, text) => {
    expect(withUnit(value, unit, 'en')).toBe(text);
  });
});
