import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  resource,
  signal,
  untracked,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { TraceSummary } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { withUnit } from '../../shared/charts/units';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { FilterBar } from '../../shared/ui/filter-bar';
import type { Filter } from '../../shared/ui/filters';
import { Icon } from '../../shared/ui/icon';
import { Preferences } from '../../shared/ui/preferences';
import { StateMark, type Tone } from '../../shared/ui/state-mark';
import { Age, duration } from '../../shared/ui/time';
import { traceStatuses } from './choices';
import { MonitorApi, type TraceFilter } from './monitor-api';
import { sinces, timeWindow } from './time-window';

const tones: Record<string, Tone> = {
  running: 'running',
  waiting: 'waiting',
  succeeded: 'done',
  failed: 'failed',
};

/** The runs, the newest first, by what one wants to find. All of it stands in the address. */
@Component({
  selector: 'aos-traces-page',
  imports: [Age, Cell, DataTable, FilterBar, Icon, RouterLink, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './traces-page.html',
  styleUrl: './list-page.css',
})
export class TracesPage {
  readonly status = input<string>();
  readonly text = input<string>();
  readonly agent = input<string>();
  readonly project = input<string>();
  readonly minMs = input<string>();
  readonly hasError = input<string>();
  readonly since = input<string>();
  readonly from = input<string>();
  readonly to = input<string>();

  private readonly api = inject(MonitorApi);
  private readonly shared = inject(AosApi);
  private readonly router = inject(Router);
  private readonly transloco = inject(TranslocoService);
  private readonly language = inject(Preferences).language;

  protected readonly traces = signal<TraceSummary[]>([]);
  protected readonly cursor = signal<string | null>(null);
  protected readonly call = signal<Call>(idle);
  protected readonly isFiltered = computed(() => Object.values(this.filter()).some(Boolean));
  private readonly agents = resource({ loader: () => firstValueFrom(this.shared.agents()) });
  private readonly projects = resource({ loader: () => firstValueFrom(this.api.projects()) });
  private readonly asked = signal(0);

  private readonly filter = computed((): TraceFilter => {
    const minMs = Number(this.minMs());
    return {
      status:
        traceStatuses.filter((name) => this.status()?.split(',').includes(name)).join(',') ||
        undefined,
      text: this.text()?.slice(0, 200) || undefined,
      agentId: /^\d{1,18}$/.exec(this.agent() ?? '')?.[0],
      projectId: this.project() || undefined,
      minMs: this.minMs() && Number.isInteger(minMs) && minMs >= 0 ? minMs : undefined,
      hasError: this.hasError() === 'true' ? 'true' : undefined,
      ...timeWindow(this.since(), this.from(), this.to()),
    };
  });

  protected readonly filters = computed((): Filter[] => {
    this.language();
    const t = (key: string) => this.transloco.translate<string>(key);
    const agents = this.agents.hasValue() ? this.agents.value().items : [];
    const projects = this.projects.hasValue() ? this.projects.value().items : [];
    return [
      {
        kind: 'choice',
        key: 'status',
        label: t('monitor.filter.status'),
        isMany: true,
        options: traceStatuses.map((value) => ({ value, label: t(`state.${value}`) })),
      },
      {
        kind: 'choice',
        key: 'agent',
        label: t('monitor.filter.agent'),
        options: agents.map(({ id, name }) => ({ value: id, label: name })),
      },
      {
        kind: 'choice',
        key: 'project',
        label: t('monitor.filter.project'),
        options: projects.map(({ id, name }) => ({ value: id, label: name })),
      },
      {
        kind: 'text',
        key: 'minMs',
        label: t('monitor.filter.minMs'),
        placeholder: t('monitor.filter.minMsHint'),
        isNumber: true,
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
      { kind: 'flag', key: 'hasError', label: t('monitor.filter.hasError') },
    ];
  });

  protected readonly columns: readonly Column<TraceSummary>[] = [
    {
      id: 'state',
      header: 'monitor.traces.state',
      width: '132px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'name',
      header: 'monitor.traces.name',
      width: '3fr',
      isFixed: true,
      isLink: true,
      text: ({ name, traceId }) => name || traceId,
    },
    {
      id: 'agent',
      header: 'monitor.traces.agent',
      width: '1fr',
      hideNarrow: true,
      text: ({ agentName }) => agentName ?? '',
    },
    {
      id: 'tokens',
      header: 'monitor.traces.tokens',
      width: '88px',
      align: 'end',
      hideNarrow: true,
      isHidden: true,
      text: ({ inputTokens, outputTokens }) =>
        inputTokens + outputTokens ? this.count(inputTokens + outputTokens) : '',
    },
    {
      id: 'cost',
      header: 'monitor.traces.cost',
      width: '88px',
      align: 'end',
      hideNarrow: true,
      text: ({ costCny }) => (costCny === null ? '' : withUnit(costCny, 'cny', this.language())),
    },
    {
      id: 'took',
      header: 'monitor.traces.took',
      width: '88px',
      narrowWidth: '52px',
      align: 'end',
      text: ({ latencyMs }) => (latencyMs === null ? '' : duration(latencyMs)),
    },
    {
      id: 'age',
      header: 'monitor.traces.age',
      width: '88px',
      narrowWidth: '72px',
      align: 'end',
      isFixed: true,
    },
  ];

  constructor() {
    effect(() => {
      this.filter();
      untracked(() => void this.load());
    });
  }

  private count(value: number): string {
    return withUnit(value, 'count', this.language());
  }
  protected readonly idOf = ({ traceId }: TraceSummary) => traceId;
  protected readonly linkOf = ({ traceId }: TraceSummary) =>
    this.router.createUrlTree(['/monitor/traces', traceId]);
  protected tone(trace: TraceSummary): Tone {
    return tones[trace.status] ?? 'idle';
  }
  protected open(trace: TraceSummary): void {
    void this.router.navigate(['/monitor/traces', trace.traceId]);
  }

  /** An answer to a question that has changed meanwhile is dropped. */
  protected async load(cursor?: string): Promise<void> {
    this.asked.update((n) => n + 1);
    const asked = this.asked();
    this.call.set(loading);
    try {
      const page = await firstValueFrom(this.api.traces(this.filter(), cursor));
      if (asked !== this.asked()) return;
      this.traces.update((known) => (cursor ? [...known, ...page.items] : page.items));
      this.cursor.set(page.nextCursor);
      this.call.set(done);
    } catch (error) {
      if (asked === this.asked()) this.call.set(failed(error));
    }
  }
  protected more(): void {
    const cursor = this.cursor();
    if (cursor) void this.load(cursor);
  }
}
