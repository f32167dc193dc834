import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  linkedSignal,
  resource,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { MetricRange, Metrics, MetricsNow } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { toProblem } from '../../shared/api/problem';
import { Chart } from '../../shared/charts/chart';
import { withUnit, type Unit } from '../../shared/charts/units';
import { session } from '../../shared/state/session';
import { serverNow } from '../../shared/ui/clock';
import { Preferences } from '../../shared/ui/preferences';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { followSource } from './live-source';
import { groups, seriesOf } from './metric-charts';
import { MonitorApi } from './monitor-api';
import { metricRanges, topologyRanges } from './choices';
import { RangePicker, toRange } from './range-picker';

/** A lag that a person would notice. */
const LATE_MS = 5_000;

/**
 * How the installation does: what waits, and the curves. The numbers of now are pushed every five seconds; the curves
 * are asked for again when a step of theirs is over.
 */
/** Than Postgres keeps measurements. */
const isLong = (range: MetricRange) => range === '30d' || range === '90d';

@Component({
  selector: 'aos-overview-page',
  imports: [Age, Chart, ProblemNote, RangePicker, RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './overview-page.html',
  styleUrl: './overview-page.css',
})
export class OverviewPage {
  /** From the address. */
  readonly range = input<string>();

  private readonly api = inject(MonitorApi);
  private readonly router = inject(Router);
  private readonly transloco = inject(TranslocoService);
  private readonly language = inject(Preferences).language;
  /** What waits for others does not wait for whoever may only look at it. */
  protected readonly mayDecide = inject(Store).selectSignal(session.selectMay('approval.decide'));
  protected readonly chosen = computed(() => toRange(this.range()));
  protected readonly groups = groups;

  protected readonly metrics = resource({
    params: () => this.chosen(),
    loader: ({ params }) => firstValueFrom(this.api.metrics(params)),
  });
  protected readonly problem = computed(() => {
    const error = this.metrics.error();
    return error ? toProblem(error.cause ?? error) : null;
  });
  /** What is shown stays while it is asked for again, also after a failure. */
  protected readonly shown = linkedSignal<Metrics | undefined, Metrics | undefined>({
    source: () => (this.metrics.hasValue() ? this.metrics.value() : undefined),
    computation: (metrics, before) => metrics ?? before?.value,
  });
  /** Longer ones where there is a copy of what is not kept, and where the address wants one. */
  protected readonly ranges = computed(() =>
    (this.shown()?.history ?? 'off') === 'off' && !isLong(this.chosen())
      ? topologyRanges
      : metricRanges,
  );
  /** Why the curves begin later than the range. */
  protected readonly isShort = computed(() => {
    const { range, history } = this.shown() ?? {};
    return range && isLong(range) && history !== 'there' ? history : undefined;
  });
  protected readonly now = linkedSignal<MetricsNow | undefined>(() => this.shown()?.now);
  protected readonly isLive = followSource<MetricsNow>(
    () => this.api.liveMetrics,
    'now',
    (now) => {
      this.now.set(now);
      const shown = this.shown();
      if (shown && Date.parse(now.at) >= Date.parse(shown.to) && !this.metrics.isLoading())
        this.metrics.reload();
    },
  );

  protected readonly charts = computed(() => {
    const metrics = this.shown();
    this.transloco.activeLang();
    this.language();
    if (!metrics) return [];
    const word = (key: string) => this.transloco.translate<string>(`monitor.${key}`);
    return groups.map(({ key, charts }) => ({
      key,
      charts: charts.map((chart) => ({ ...chart, series: seriesOf(chart, metrics, word) })),
    }));
  });
  protected readonly from = computed(() => Date.parse(this.shown()?.from ?? ''));
  protected readonly to = computed(() => Date.parse(this.shown()?.to ?? ''));
  protected readonly totals = computed(() => {
    const processes = this.now()?.processes ?? [];
    return {
      cpu: processes.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0),
      memory: processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
      clients: processes.reduce((sum, { clients }) => sum + clients, 0),
    };
  });
  protected readonly isLate = computed(() => (this.now()?.relayLagMs ?? 0) > LATE_MS);

  constructor() {
    // A tab that comes back after a while shows what was, until the curves are there again.
    effect(() => {
      if (this.isLive() && this.shown() && serverNow() > Date.parse(this.shown()!.to))
        this.metrics.reload();
    });
  }

  protected write(value: number, unit: Unit): string {
    return withUnit(value, unit, this.language());
  }
  protected toTraces({ from, to }: { from: number; to: number }): void {
    void this.router.navigate(['/monitor/traces'], {
      queryParams: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
    });
  }
}
