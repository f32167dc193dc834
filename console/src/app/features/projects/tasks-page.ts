import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { Agent, Job, Project, SavedView } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { JobsEvents, type LiveJob, hasEnded } from '../../shared/state/jobs';
import { session } from '../../shared/state/session';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { serverNow } from '../../shared/ui/clock';
import { Beside } from '../../shared/ui/beside';
import { FilterBar } from '../../shared/ui/filter-bar';
import type { Filter } from '../../shared/ui/filters';
import { Icon } from '../../shared/ui/icon';
import { StateMark, toneOf, wordOf } from '../../shared/ui/state-mark';
import { Age, Elapsed } from '../../shared/ui/time';
import { Bulk } from './bulk';
import { BulkDialog } from './bulk-dialog';
import { ProjectHead } from './project-head';
import { ProjectsApi } from './projects-api';
import { RoomTabs } from './room-tabs';
import { RunPeek } from './run-peek';
import { type TaskParams, filterOf, groups, lengths, sinceMs } from './task-filter';
import { TasksStore } from './tasks-store';
import { ViewsMenu } from './views-menu';

const keys = ['project', 'status', 'agent', 'text', 'since', 'from', 'to', 'took'] as const;
type Group = keyof typeof groups;

/** Tasks of one project or of all, the newest first, live. Scope, filters and the open task are in the address. */
@Component({
  selector: 'aos-tasks-page',
  imports: [
    Age,
    BulkDialog,
    Cell,
    DataTable,
    Elapsed,
    FilterBar,
    Icon,
    ProjectHead,
    RoomTabs,
    RouterLink,
    RunPeek,
    StateMark,
    TranslocoDirective,
    ViewsMenu,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './tasks-page.html',
  styleUrl: './tasks-page.css',
  providers: [TasksStore],
})
export class TasksPage {
  readonly project = input<string>();
  readonly status = input<string>();
  readonly agent = input<string>();
  readonly text = input<string>();
  readonly since = input<string>();
  readonly from = input<string>();
  readonly to = input<string>();
  readonly took = input<string>();
  /** The trace of the run that is open beside the list. */
  readonly run = input<string>();

  private readonly api = inject(AosApi);
  private readonly projectsApi = inject(ProjectsApi);
  private readonly store = inject(Store);
  private readonly router = inject(Router);
  private readonly beside = inject(Beside);
  private readonly transloco = inject(TranslocoService);
  protected readonly tasks = inject(TasksStore);
  private readonly menu = viewChild(ViewsMenu);

  protected readonly mayCreate = this.store.selectSignal(session.selectMay('task.create'));
  protected readonly mayCancel = this.store.selectSignal(session.selectMay('task.cancel'));
  protected readonly toneOf = toneOf;
  protected readonly wordOf = wordOf;
  protected readonly groups = Object.keys(groups) as Group[];
  protected readonly emptySet: ReadonlySet<string> = new Set();
  protected readonly selected = signal(this.emptySet);
  protected readonly bulk = signal<{ deed: 'cancel' | 'rerun'; work: Bulk<Job> } | null>(null);
  protected readonly views = signal<readonly SavedView[]>([]);
  protected readonly viewCall = signal<Call>(idle);
  protected readonly scope = signal<Project | null>(null);
  private readonly agents = signal<readonly Agent[]>([]);

  protected readonly columns: Column<LiveJob>[] = [
    {
      id: 'state',
      header: 'projects.col.state',
      width: '128px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'goal',
      header: 'projects.col.goal',
      width: '3fr',
      text: ({ goal }) => goal,
      isLink: true,
      isFixed: true,
    },
    {
      id: 'project',
      header: 'projects.col.project',
      width: '1fr',
      text: ({ projectId }) => projectId ?? '',
      hideNarrow: true,
    },
    {
      id: 'agent',
      header: 'projects.col.agent',
      width: '1fr',
      text: ({ agentName }) => agentName ?? '',
      hideNarrow: true,
    },
    {
      id: 'steps',
      header: 'projects.col.steps',
      width: '64px',
      align: 'end',
      text: ({ progress: { done: n, total } }) => (total ? `${n}/${total}` : ''),
      hideNarrow: true,
    },
    {
      id: 'attempts',
      header: 'projects.col.attempts',
      width: '72px',
      align: 'end',
      text: ({ attempts }) => String(attempts),
      isHidden: true,
      hideNarrow: true,
    },
    {
      id: 'number',
      header: 'projects.col.number',
      width: '80px',
      align: 'end',
      text: ({ id }) => id,
      isHidden: true,
      hideNarrow: true,
    },
    { id: 'took', header: 'projects.col.took', width: '76px', align: 'end', hideNarrow: true },
    { id: 'age', header: 'projects.col.age', width: '84px', narrowWidth: '72px', align: 'end' },
  ];
  protected readonly idOf = ({ id }: LiveJob) => id;
  protected readonly linkOf = ({ traceId }: LiveJob) =>
    this.router.createUrlTree(['/projects', 'runs', traceId]);

  private readonly params = computed((): TaskParams => ({
    project: this.project(),
    status: this.status(),
    agent: this.agent(),
    text: this.text(),
    since: this.since(),
    from: this.from(),
    to: this.to(),
    took: this.took(),
  }));
  /** What of the address is a filter: this is what a saved view keeps. */
  protected readonly query = computed((): Record<string, string> => {
    const params = this.params();
    return Object.fromEntries(keys.flatMap((key) => (params[key] ? [[key, params[key]]] : [])));
  });
  protected readonly group = computed((): Group | null => {
    const statuses = filterOf(this.params(), 0).statuses;
    return (
      this.groups.find(
        (name) =>
          groups[name].length === statuses.length &&
          groups[name].every((status) => statuses.includes(status)),
      ) ?? null
    );
  });
  protected readonly isFiltered = computed(
    () => Object.keys(this.query()).filter((key) => key !== 'project').length > 0,
  );
  protected readonly filters = computed((): Filter[] => {
    this.transloco.activeLang();
    const t = (key: string) => this.transloco.translate<string>(key);
    return [
      {
        kind: 'choice',
        key: 'status',
        label: t('projects.filter.status'),
        isMany: true,
        options: Object.values(groups)
          .flat()
          .map((value) => ({ value, label: t(`state.${value}`) })),
      },
      {
        kind: 'choice',
        key: 'agent',
        label: t('projects.filter.agent'),
        options: this.agents().map(({ id, name }) => ({ value: id, label: name })),
      },
      {
        kind: 'choice',
        key: 'since',
        label: t('projects.filter.since'),
        unsets: ['from', 'to'],
        options: Object.keys(sinceMs).map((value) => ({
          value,
          label: t(`projects.since.${value}`),
        })),
      },
      { kind: 'span', key: 'from', toKey: 'to', label: t('filters.dates'), unsets: ['since'] },
      {
        kind: 'choice',
        key: 'took',
        label: t('projects.filter.took'),
        options: lengths.map((value) => ({ value, label: t(`projects.took.${value}`) })),
      },
    ];
  });

  private readonly chosen = computed(() =>
    this.tasks.rows().filter(({ id }) => this.selected().has(id)),
  );
  /** Of two, the earlier one first: what differs is what has changed since. */
  protected readonly pair = computed(() => {
    const [after, before, ...more] = this.chosen();
    return after && before && more.length === 0 ? { before, after } : null;
  });
  protected readonly cancellable = computed(() => this.chosen().filter((job) => !hasEnded(job)));
  protected readonly rerunnable = computed(() => this.chosen().filter(hasEnded));

  constructor() {
    effect(() => {
      const filter = filterOf(this.params(), serverNow());
      untracked(() => {
        this.selected.set(new Set());
        void this.tasks.start(filter);
      });
    });
    effect(() => {
      const id = this.project();
      untracked(() => void this.loadScope(id));
    });
    void this.loadViews();
    void this.loadAgents();
  }

  protected groupStatus(name: Group): string | null {
    return groups[name].join(',') || null;
  }
  protected openRun(traceId: string | null): void {
    this.beside.show('run', traceId);
  }
  protected openStep(traceId: string, step: string): void {
    void this.router.navigate(['/projects', 'runs', traceId], { queryParams: { step } });
  }
  protected openIdOf(traceId: string | undefined): string | null {
    return this.tasks.rows().find((job) => job.traceId === traceId)?.id ?? null;
  }

  protected ask(deed: 'cancel' | 'rerun'): void {
    const rows: readonly Job[] = deed === 'cancel' ? this.cancellable() : this.rerunnable();
    const work = deed === 'cancel' ? this.cancelOne : this.rerunOne;
    this.bulk.set({ deed, work: new Bulk<Job>(rows, work) });
  }
  private readonly cancelOne = async (job: Job): Promise<void> => {
    const changed = await firstValueFrom(this.api.cancelJob(job.id));
    this.store.dispatch(JobsEvents.loaded({ job: changed }));
  };
  private readonly rerunOne = async (job: Job): Promise<void> => {
    const { jobId: id, traceId } = await firstValueFrom(this.api.rerunJob(job.id));
    this.store.dispatch(
      JobsEvents.accepted({ id, traceId, goal: job.goal, conversationId: job.conversationId }),
    );
  };

  protected async saveView(name: string): Promise<void> {
    this.viewCall.set(loading);
    try {
      await firstValueFrom(this.projectsApi.saveView({ room: 'tasks', name, query: this.query() }));
      await this.loadViews();
      this.viewCall.set(done);
      this.menu()?.end();
    } catch (error) {
      this.viewCall.set(failed(error));
    }
  }
  protected async dropView(view: SavedView): Promise<void> {
    await firstValueFrom(this.projectsApi.deleteView(view.id)).catch(() => undefined);
    await this.loadViews();
  }

  /** Views and agents only help to filter: without them the list stands all the same. */
  private async loadViews(): Promise<void> {
    await firstValueFrom(this.projectsApi.views()).then(
      ({ items }) => this.views.set(items),
      () => undefined,
    );
  }
  private async loadAgents(): Promise<void> {
    await firstValueFrom(this.api.agents()).then(
      ({ items }) => this.agents.set(items),
      () => undefined,
    );
  }
  private async loadScope(id: string | undefined): Promise<void> {
    this.scope.set(null);
    if (!id) return;
    await firstValueFrom(this.projectsApi.project(id)).then(
      (project) => this.project() === id && this.scope.set(project),
      () => undefined,
    );
  }
}
