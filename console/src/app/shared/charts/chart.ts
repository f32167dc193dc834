import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from '../ui/icon';
import { Preferences } from '../ui/preferences';
import { ChartCanvas } from './chart-canvas';
import {
  type ChartKind,
  type ChartSeries,
  type ChartSpec,
  isByName,
  isEmpty,
} from './chart-option';
import { type Unit, pointTime, withUnit, zoneName } from './units';

/** How many letters stand in one line under the title of a small chart: names, their numbers, and what is between. */
const MOST_BESIDE = 44;
const LETTERS_BETWEEN = 5;
const lettersOf: Partial<Record<Unit, number>> = { count: 3, percent: 6 };
const MOST_LETTERS = 8;
const wide = /\p{Script=Han}/gu;

/**
 * A chart over time or by name. Its head names every series with the value under the pointer, or else the last one;
 * charts of one `group` point together. Bars that count say how many there are in all of it, when nobody points. The same numbers stand behind it as a table. With `canRange`, dragging over
 * it asks for a stretch of time (`ranged`). ECharts comes when the first chart does, and not with the room.
 */
@Component({
  selector: 'aos-chart',
  imports: [ChartCanvas, Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './chart.html',
  styleUrl: './chart.css',
})
export class Chart {
  readonly label = input.required<string>();
  readonly series = input.required<readonly ChartSeries[]>();
  readonly unit = input<Unit>('count');
  readonly kind = input<ChartKind>('line');
  /** The ends of the time axis in milliseconds; without them, those of the data. */
  readonly from = input<number>();
  readonly to = input<number>();
  readonly height = input(140);
  readonly group = input<string>();
  readonly limit = input<{ value: number; name: string } | null>(null);
  /** What is said when there is nothing to draw. */
  readonly empty = input<string>();
  readonly canRange = input(false);
  readonly ranged = output<{ from: number; to: number }>();

  private readonly language = inject(Preferences).language;
  /** Taken from the picture, so that charts beside each other end at one height. */
  protected readonly secondLine = 14;
  protected readonly asTable = signal(false);
  protected readonly pointed = signal<number | null>(null);

  protected readonly isEmpty = computed(() => isEmpty(this.series()));
  protected readonly isByName = computed(() => isByName(this.series()));
  protected readonly zone = computed(() => zoneName(this.language()));
  protected readonly spec = computed((): ChartSpec => {
    const times = this.series().flatMap(({ points }) =>
      points.flatMap(([at]) => (typeof at === 'number' ? [at] : [])),
    );
    return {
      kind: this.kind(),
      unit: this.unit(),
      series: this.series(),
      from: this.from() ?? Math.min(...times),
      to: this.to() ?? Math.max(...times),
      language: this.language(),
      limit: this.limit(),
    };
  });

  private write(value: number | null): string {
    return value === null ? '–' : withUnit(value, this.unit(), this.language());
  }
  private when(at: number | string): string {
    const { from, to } = this.spec();
    return typeof at === 'string' ? at : pointTime(at, to - from, this.language());
  }

  /** The point that the pointer is nearest to; without a pointer, the last that has a value. */
  private readingOf({ points }: ChartSeries): ChartSeries['points'][number] | undefined {
    const at = this.pointed();
    if (at === null) return points.findLast(([, value]) => value !== null);
    if (this.isByName()) return points[at];
    return points.reduce<ChartSeries['points'][number] | undefined>(
      (best, point) =>
        best && Math.abs(Number(best[0]) - at) <= Math.abs(Number(point[0]) - at) ? best : point,
      undefined,
    );
  }

  /** What the last bar counts is the part of it that has passed: of how many ended, the sum says something. */
  private readonly addsUp = computed(
    () =>
      this.pointed() === null &&
      this.kind() === 'bar' &&
      this.unit() === 'count' &&
      !this.isByName(),
  );
  private valueOf(series: ChartSeries): number | null {
    return this.addsUp()
      ? series.points.reduce((sum, [, value]) => sum + (value ?? 0), 0)
      : (this.readingOf(series)?.[1] ?? null);
  }

  protected readonly readings = computed(() =>
    this.series().map((series, index) => ({
      name: series.name,
      swatch: series.tone ? `tone-${series.tone}` : `series-${(index % 5) + 1}`,
      text: this.write(this.valueOf(series)),
    })),
  );
  /**
   * More than stand beside each other under the title of a small chart: there they take a second line. By the names
   * and the unit alone, so that no line comes or goes while somebody points at one value after the other.
   */
  protected readonly areMany = computed(
    () =>
      this.series().reduce(
        (sum, { name }) =>
          sum +
          (name === this.label() ? 0 : name.replace(wide, 'mm').length) +
          (lettersOf[this.unit()] ?? MOST_LETTERS) +
          LETTERS_BETWEEN,
        0,
      ) > MOST_BESIDE,
  );
  protected readonly pointedAt = computed(() => {
    const first = this.series()[0];
    const at = this.pointed() === null || !first ? undefined : this.readingOf(first)?.[0];
    return at === undefined ? '' : this.when(at);
  });
  /** What the picture says to whoever cannot see it. */
  protected readonly spoken = computed(() =>
    [
      this.label(),
      ...this.readings().map(({ name, text }) =>
        name === this.label() ? text : `${name} ${text}`,
      ),
    ].join(', '),
  );
  /** The newest first; by name in their own order. */
  protected readonly rows = computed(() => {
    if (!this.asTable()) return [];
    const keys = [...new Set(this.series().flatMap(({ points }) => points.map(([at]) => at)))];
    const columns = this.series().map(({ points }) => new Map(points));
    const rows = keys.map((key) => ({
      key,
      at: this.when(key),
      values: columns.map((column) => this.write(column.get(key) ?? null)),
    }));
    return this.isByName() ? rows : rows.reverse();
  });
}
