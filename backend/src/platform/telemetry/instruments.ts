import { Injectable } from '@nestjs/common';

const durationSeconds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800,
];

type Labels = Record<string, string>;

interface Series {
  value: number;
  sum: number;
  buckets: number[];
}

interface Instrument {
  kind: 'counter' | 'histogram' | 'gauge';
  help: string;
  series: Map<string, Series>;
  read?: () => number;
}

/** Labels come from our own enumerations; should one not, the number of series is bounded all the same. */
const MOST_SERIES = 500;

/**
 * Counters, gauges and histograms that modules make once and `/metrics` writes out for Prometheus. Kept in this
 * process and lost with it, as Prometheus expects.
 */
@Injectable()
export class Instruments {
  private readonly instruments = new Map<string, Instrument>();

  counter(name: string, help: string): (labels: Labels, by?: number) => void {
    const instrument = this.make(name, { kind: 'counter', help, series: new Map() });
    return (labels, by = 1) => {
      const series = seriesOf(instrument, labels);
      if (series) series.value += by;
    };
  }

  /** Of durations in seconds. */
  histogram(name: string, help: string): (labels: Labels, seconds: number) => void {
    const instrument = this.make(name, { kind: 'histogram', help, series: new Map() });
    return (labels, seconds) => {
      const series = seriesOf(instrument, labels);
      if (!series) return;
      series.value += 1;
      series.sum += seconds;
      durationSeconds.forEach((bound, index) => {
        if (seconds <= bound) series.buckets[index]! += 1;
      });
    };
  }

  gauge(name: string, help: string, read: () => number): void {
    this.make(name, { kind: 'gauge', help, series: new Map(), read });
  }

  render(): string[] {
    return [...this.instruments].flatMap(([name, instrument]) => [
      `# HELP ${name} ${instrument.help}`,
      `# TYPE ${name} ${instrument.kind}`,
      ...(instrument.read ? [`${name} ${instrument.read()}`] : []),
      ...[...instrument.series].flatMap(([labels, series]) =>
        instrument.kind === 'histogram'
          ? histogramLines(name, labels, series)
          : [`${name}${labels && `{${labels}}`} ${series.value}`],
      ),
    ]);
  }

  private make(name: string, instrument: Instrument): Instrument {
    this.instruments.set(name, instrument);
    return instrument;
  }
}

function seriesOf(instrument: Instrument, labels: Labels): Series | undefined {
  const key = Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, '_')}"`)
    .join(',');
  const known = instrument.series.get(key);
  if (known || instrument.series.size >= MOST_SERIES) return known;
  const series = { value: 0, sum: 0, buckets: durationSeconds.map(() => 0) };
  instrument.series.set(key, series);
  return series;
}

function histogramLines(name: string, labels: string, series: Series): string[] {
  const before = labels && `${labels},`;
  const behind = labels && `{${labels}}`;
  return [
    ...durationSeconds.map((le, n) => `${name}_bucket{${before}le="${le}"} ${series.buckets[n]}`),
    `${name}_bucket{${before}le="+Inf"} ${series.value}`,
    `${name}_sum${behind} ${series.sum}`,
    `${name}_count${behind} ${series.value}`,
  ];
}
