import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  resource,
  untracked,
} from '@angular/core';
import { Router } from '@angular/router';
import type { MonitorLogLine } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { pointTime } from '../../shared/charts/units';
import { Sentences } from '../../shared/i18n/sentences';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { serverNow } from '../../shared/ui/clock';
import { Beside } from '../../shared/ui/beside';
import { FilterBar } from '../../shared/ui/filter-bar';
import type { Filter } from '../../shared/ui/filters';
import { Icon } from '../../shared/ui/icon';
import { Preferences } from '../../shared/ui/preferences';
import { logLevels } from './choices';
import { followSource } from './live-source';
import { LogDetail } from './log-detail';
import { LogsStore } from './logs-store';
import { type LogFilter, MonitorApi } from './monitor-api';
import { sinces, timeWindow } from './time-window';

const HOUR_MS = 3_600_000;

/** What was logged, the newest first, and what is being logged. All of it stands in the address. */
@Component({
  selector: 'aos-logs-page',
  imports: [Cell, DataTable, FilterBar, Icon, LogDetail, TranslocoDirective],
  providers: [LogsStore],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './logs-page.html',
  styleUrls: ['./list-page.css', './logs-page.css'],
})
export class LogsPage {
  readonly text = input<string>();
  readonly level = input<string>();
  readonly logger = input<string>();
  readonly traceId = input<string>();
  readonly job = input<string>();
  readonly agent = input<string>();
  readonly since = input<string>();
  readonly from = input<string>();
  readonly to = input<string>();
  readonly around = input<string>();
  /** The line whose detail is open. */
  readonly line = input<string>();

  private readonly api = inject(MonitorApi);
  private readonly shared = inject(AosApi);
  private readonly router = inject(Router);
  private readonly beside = inject(Beside);
  private readonly transloco = inject(TranslocoService);
  private readonly sentences = inject(Sentences);
  private readonly language = inject(Preferences).language;
  protected readonly store = inject(LogsStore);
  private readonly agents = resource({ loader: () => firstValueFrom(this.shared.agents()) });

  private readonly filter = computed(
    (): LogFilter => ({
      level:
        logLevels.filter((name) => this.level()?.split(',').includes(name)).join(',') || undefined,
      logger: this.logger()?.slice(0, 100) || undefined,
      traceId: this.traceId()?.slice(0, 64) || undefined,
      jobId: /^\d{1,18}$/.exec(this.job() ?? '')?.[0],
      agentId: /^\d{1,18}$/.exec(this.agent() ?? '')?.[0],
      text: this.text()?.slice(0, 200) || undefined,
    }),
    { equal: (a, b) => JSON.stringify(a) === JSON.stringify(b) },
  );
  private readonly wish = computed(() => ({
    ...this.filter(),
    ...timeWindow(this.since(), this.from(), this.to()),
    around: this.around() || undefined,
  }));
  protected readonly isFiltered = computed(() => Object.values(this.wish()).some(Boolean));
  /** Lines of the past do not grow. */
  protected readonly canFollow = computed(() => !this.around() && !this.to());
  protected readonly isLive = followSource<MonitorLogLine[]>(
    () => (this.canFollow() ? this.api.liveLogs(this.filter()) : null),
    'lines',
    (lines) => this.store.take(lines),
  );
  protected readonly opened = computed(
    () => this.store.lines().find(({ id }) => id === this.line()) ?? null,
  );
  protected readonly anchor = computed(() => this.line() ?? null);

  protected readonly filters = computed((): Filter[] => {
    this.language();
    const t = (key: string) => this.transloco.translate<string>(key);
    const agents = this.agents.hasValue() ? this.agents.value().items : [];
    return [
      {
        kind: 'choice',
        key: 'level',
        label: t('monitor.filter.level'),
        isMany: true,
        options: logLevels.map((value) => ({ value, label: t(`monitor.level.${value}`) })),
      },
      {
        kind: 'text',
        key: 'logger',
        label: t('monitor.filter.logger'),
        placeholder: t('monitor.filter.loggerHint'),
      },
      { kind: 'text', key: 'traceId', label: t('monitor.filter.trace') },
      { kind: 'text', key: 'job', label: t('monitor.filter.job'), isNumber: true },
      {
        kind: 'choice',
        key: 'agent',
        label: t('monitor.filter.agent'),
        options: agents.map(({ id, name }) => ({ value: id, label: name })),
      },
      {
        kind: 'choice',
        key: 'since',
        label: t('monitor.filter.since'),
        unsets: ['from', 'to'],
        options: Object.keys(sinces).map((value) => ({
          value,
          label: t(`monitor.since.${value}`),
        })),
      },
      { kind: 'span', key: 'from', toKey: 'to', label: t('filters.dates'), unsets: ['since'] },
    ];
  });

  private readonly all: readonly Column<MonitorLogLine>[] = [
    {
      id: 'time',
      header: 'monitor.logs.time',
      width: '104px',
      narrowWidth: '60px',
      isFixed: true,
      text: (line) => this.timeOf(line),
    },
    {
      id: 'level',
      header: 'monitor.logs.level',
      width: '84px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'logger',
      header: 'monitor.logs.logger',
      width: '168px',
      hideNarrow: true,
      text: ({ logger }) => logger,
    },
    {
      id: 'message',
      header: 'monitor.logs.message',
      width: '1fr',
      isFixed: true,
      isLink: true,
      text: (line) => this.sentences.ofLine(line),
    },
    {
      id: 'trace',
      header: 'monitor.logs.trace',
      width: '84px',
      hideNarrow: true,
      text: ({ traceId }) => traceId?.slice(0, 8) ?? '',
    },
  ];

  /** Beside an open line the message has the room. */
  protected readonly columns = computed(() =>
    this.opened() ? this.all.filter(({ isFixed }) => isFixed) : this.all,
  );
  protected readonly agentName = computed(() => {
    const agents = this.agents.hasValue() ? this.agents.value().items : [];
    return agents.find(({ id }) => id === this.opened()?.agentId)?.name ?? null;
  });

  constructor() {
    effect(() => {
      const wish = this.wish();
      untracked(() => void this.store.begin(wish));
    });
  }

  /** Today's lines by the clock; older ones with their day. */
  protected timeOf({ at }: MonitorLogLine): string {
    const moment = Date.parse(at);
    const isOld = serverNow() - moment > 20 * HOUR_MS;
    const text = pointTime(moment, isOld ? 48 * HOUR_MS : HOUR_MS, this.language());
    return isOld ? text : `${text}.${at.slice(20, 23)}`;
  }
  protected readonly idOf = ({ id }: MonitorLogLine) => id;
  protected open(line: MonitorLogLine): void {
    this.beside.show('line', line.id);
  }
  protected close(): void {
    this.beside.show('line', null);
  }
  protected onlyLogger(logger: string): void {
    this.go({ logger });
  }
  /** Everything that was logged about that moment, whatever one was looking for. */
  protected showAround(line: MonitorLogLine): void {
    void this.router.navigate([], { queryParams: { around: line.cursor, line: line.id } });
  }
  protected leaveAround(): void {
    void this.router.navigate([], { queryParams: {} });
  }
  protected reload(): void {
    void this.store.begin(this.wish());
  }
  private go(queryParams: Record<string, string | null>): void {
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl: true });
  }
}
