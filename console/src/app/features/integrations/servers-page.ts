import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  signal,
} from '@angular/core';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import { Router } from '@angular/router';
import type { McpServerInfo, McpTool, Proposal, ToolActivity } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { type Observer, type Subscription, forkJoin, map, of, switchMap } from 'rxjs';
import { type Call, done, failed, loading } from '../../shared/api/problem';
import { Sentences } from '../../shared/i18n/sentences';
import { Unsent } from '../../shared/forms/unsent';
import { keepFresh } from '../../shared/realtime/keep-fresh';
import { isProposal } from '../../shared/proposals/is-proposal';
import { Proposals } from '../../shared/proposals/proposals';
import { session } from '../../shared/state/session';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { Beside } from '../../shared/ui/beside';
import { FilterBar } from '../../shared/ui/filter-bar';
import type { Filter } from '../../shared/ui/filters';
import { Icon } from '../../shared/ui/icon';
import { StateMark } from '../../shared/ui/state-mark';
import { Age, duration } from '../../shared/ui/time';
import { ImportOpenApiDialog } from './imports/import-openapi';
import { ImportServersDialog } from './imports/import-servers';
import { IntegrationsApi } from './integrations-api';
import { PinsView } from './pins-view';
import { PoliciesView } from './policies/policies-view';
import { RegisterDialog } from './register-dialog';
import {
  type ServerState,
  asTheyDo,
  errorShare,
  failsOften,
  icons,
  placeOf,
  serverStates,
  stateOf,
  tones,
} from './server-state';

interface ServerRow {
  server: McpServerInfo;
  activity: ToolActivity | undefined;
  state: ServerState;
}

const views = ['servers', 'tools', 'policies', 'pins'] as const;
type View = (typeof views)[number];

const finds = (query: string, ...texts: (string | null)[]) => {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const all = texts.join(' ').toLowerCase();
  return words.every((word) => all.includes(word));
};

/** The tool servers behind the gateway and how they do; and a search over the tools of all of them. */
@Component({
  selector: 'aos-servers-page',
  imports: [
    Age,
    Cell,
    DataTable,
    FilterBar,
    Icon,
    ImportOpenApiDialog,
    ImportServersDialog,
    MatMenu,
    MatMenuItem,
    MatMenuTrigger,
    PinsView,
    PoliciesView,
    Proposals,
    RegisterDialog,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './servers-page.html',
  styleUrl: './servers-page.css',
})
export class ServersPage {
  private readonly sentences = inject(Sentences);
  protected readonly errorOf = ({ server: { health }, activity }: ServerRow): string =>
    health.error === null
      ? this.sentences.alone(activity?.lastErrorSaid, activity?.lastError ?? '')
      : this.sentences.of(health.said, health.error);
  private readonly saysOf = ({ title, description }: McpTool): [string, string] => [
    this.sentences.ofTool(title ?? ''),
    this.sentences.ofTool(description),
  ];
  readonly view = input<string>();
  readonly q = input<string>();
  /** In the address, so that a command or a link can lead to the form, and a reload back to it. */
  readonly register = input<string>();
  readonly import = input<string>();
  /** What the view of the definitions keeps in the address. */
  readonly state = input<string>();
  readonly server = input<string>();
  readonly at = input<string>();
  /** What the view of the policies keeps in the address. */
  readonly effect = input<string>();
  readonly rule = input<string>();
  readonly tool = input<string>();
  readonly caller = input<string>();
  readonly project = input<string>();

  private readonly api = inject(IntegrationsApi);
  private readonly router = inject(Router);
  private readonly beside = inject(Beside);
  private readonly unsent = inject(Unsent);
  private readonly transloco = inject(TranslocoService);
  protected readonly mayWrite = inject(Store).selectSignal(session.selectMay('tool.write'));

  private readonly servers = signal<readonly McpServerInfo[]>([]);
  private readonly activity = signal<ReadonlyMap<string, ToolActivity>>(new Map());
  private readonly allTools = signal<readonly McpTool[]>([]);
  protected readonly call = signal<Call>(loading);
  protected readonly toolsCall = signal<Call>(loading);
  protected readonly isRegistering = linkedSignal(
    () => this.mayWrite() && (this.register() !== undefined || this.unsent.has('register')),
  );

  protected readonly views = views;
  protected readonly shows = computed(
    (): View => views.find((view) => view === this.view()) ?? 'servers',
  );
  /** The other views have a first button of their own. */
  protected readonly hasServers = computed(
    () => this.shows() === 'servers' || this.shows() === 'tools',
  );
  private readonly all = computed((): ServerRow[] =>
    this.servers().map((server) => {
      const activity = this.activity().get(server.name);
      return { server, activity, state: stateOf(server, activity) };
    }),
  );
  protected readonly rows = computed(() => {
    const states = this.state()?.split(',') ?? [];
    const named = serverStates.filter((state) => states.includes(state));
    return this.all().filter(
      ({ server, state }) =>
        (named.length === 0 || named.includes(state)) &&
        finds(this.q() ?? '', server.name, server.description, server.transport, placeOf(server)),
    );
  });
  /** With how many there are of each: among a thousand servers, the few that do not answer are looked for. */
  protected readonly filters = computed((): readonly Filter[] => {
    this.transloco.activeLang();
    if (this.shows() !== 'servers') return [];
    const word = (key: string) => this.transloco.translate<string>(`integrations.${key}`);
    const count = (state: ServerState) => this.all().filter((row) => row.state === state).length;
    return [
      {
        kind: 'choice',
        key: 'state',
        label: word('col.state'),
        isMany: true,
        options: serverStates.map((value) => ({
          value,
          label: `${word(`state.${value}`)} ${count(value)}`,
        })),
      },
    ];
  });
  protected readonly tools = computed(() =>
    this.allTools().filter((tool) =>
      finds(this.q() ?? '', tool.tool, ...this.saysOf(tool), tool.title, tool.description),
    ),
  );
  protected readonly countOf = computed((): Partial<Record<View, number>> => ({
    servers: this.servers().length,
    tools: this.allTools().length,
    pins: this.servers().reduce((sum, { pins }) => sum + pins.changed + pins.quarantined, 0),
  }));

  protected readonly tones = tones;
  protected readonly icons = icons;
  protected readonly errorShare = errorShare;
  protected readonly failsOften = failsOften;
  private readonly allColumns: readonly Column<ServerRow>[] = [
    {
      id: 'state',
      header: 'integrations.col.state',
      width: '100px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'name',
      header: 'integrations.col.name',
      width: '1.4fr',
      isFixed: true,
      isLink: true,
      text: ({ server }) => server.name,
    },
    {
      id: 'transport',
      header: 'integrations.col.transport',
      width: '84px',
      hideNarrow: true,
    },
    {
      id: 'tools',
      header: 'integrations.col.tools',
      width: '60px',
      align: 'end',
      text: ({ server }) => String(server.tools),
      hideNarrow: true,
    },
    {
      id: 'calls',
      header: 'integrations.col.calls',
      width: '72px',
      align: 'end',
      text: ({ activity }) => (activity ? String(activity.calls) : ''),
      hideNarrow: true,
    },
    {
      id: 'p50',
      isHidden: true,
      header: 'integrations.col.p50',
      width: '76px',
      align: 'end',
      text: ({ activity }) => (activity?.p50Ms == null ? '' : duration(activity.p50Ms)),
      hideNarrow: true,
    },
    {
      id: 'p95',
      header: 'integrations.col.p95',
      width: '76px',
      align: 'end',
      text: ({ activity }) => (activity?.p95Ms == null ? '' : duration(activity.p95Ms)),
      hideNarrow: true,
    },
    {
      id: 'minute',
      header: 'integrations.col.minute',
      width: '92px',
      align: 'end',
      text: ({ server: { quota } }) =>
        quota.perMinute ? `${quota.perMinute.used} / ${quota.perMinute.limit}` : '',
      hideNarrow: true,
    },
    {
      id: 'errors',
      header: 'integrations.col.errors',
      width: '72px',
      align: 'end',
      text: ({ activity }) => errorShare(activity),
    },
    {
      id: 'error',
      header: 'integrations.col.lastError',
      width: '1fr',
      text: (row) => this.errorOf(row),
      hideNarrow: true,
    },
    {
      id: 'age',
      header: 'integrations.col.lastCall',
      width: '80px',
      align: 'end',
      hideNarrow: true,
    },
  ];
  /** Where no server has a limit, there is nothing to say of it. */
  protected readonly columns = computed(() =>
    this.servers().some(({ quota }) => quota.perMinute)
      ? this.allColumns
      : this.allColumns.filter(({ id }) => id !== 'minute'),
  );
  protected readonly toolColumns: readonly Column<McpTool>[] = [
    {
      id: 'tool',
      header: 'integrations.col.tool',
      width: '1.2fr',
      isFixed: true,
      isLink: true,
      text: ({ tool }) => tool,
    },
    {
      id: 'title',
      header: 'integrations.col.title',
      width: '1fr',
      text: (tool) => this.saysOf(tool)[0],
      hideNarrow: true,
    },
    {
      id: 'description',
      header: 'integrations.col.description',
      width: '2.4fr',
      text: (tool) => this.saysOf(tool)[1],
      hideNarrow: true,
    },
    { id: 'marks', header: 'integrations.col.marks', width: '192px', hideNarrow: true },
  ];

  constructor() {
    this.load();
    this.loadTools();
    keepFresh(() => [this.call().state === 'done' ? this.refresh() : this.load()]);
  }

  /** What they were registered as is a megabyte of a thousand servers, and changes seldom. */
  private refresh(): Subscription {
    return forkJoin({ now: this.api.standings(), activity: this.api.activity() })
      .pipe(
        switchMap(({ now, activity }) => {
          const servers = asTheyDo(this.servers(), now);
          return servers
            ? of({ servers, activity })
            : this.api.servers().pipe(map((anew) => ({ servers: anew, activity })));
        }),
      )
      .subscribe(this.taken);
  }

  protected load(): Subscription {
    return forkJoin({ servers: this.api.servers(), activity: this.api.activity() }).subscribe(
      this.taken,
    );
  }
  private readonly taken: Partial<
    Observer<{ servers: readonly McpServerInfo[]; activity: readonly ToolActivity[] }>
  > = {
    next: ({ servers, activity }) => {
      const changed = servers.length !== this.servers().length;
      this.servers.set(servers);
      this.activity.set(new Map(activity.map((each) => [each.server, each])));
      if (changed && this.call().state === 'done') this.loadTools();
      this.call.set(done);
    },
    error: (error: unknown) => this.call.set(failed(error)),
  };
  protected loadTools(): void {
    this.api.tools().subscribe({
      next: (tools) => {
        this.allTools.set(tools);
        this.toolsCall.set(done);
      },
      error: (error: unknown) => this.toolsCall.set(failed(error)),
    });
  }

  /** What one view looks for says nothing in another. */
  protected show(view: View): void {
    void this.router.navigate([], {
      queryParams: { view: view === 'servers' ? null : view },
      replaceUrl: true,
    });
  }

  protected importFrom(source: 'mcp' | 'openapi' | null): void {
    void this.router.navigate([], {
      queryParams: { import: source },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }

  protected readonly idOf = ({ server }: ServerRow) => server.name;
  protected readonly linkTo = ({ server }: ServerRow) =>
    this.router.createUrlTree(['/integrations', server.name]);
  protected open(row: ServerRow): void {
    void this.router.navigateByUrl(this.linkTo(row));
  }
  protected readonly toolId = ({ tool }: McpTool) => tool;
  protected readonly toolLink = ({ server, name }: McpTool) =>
    this.router.createUrlTree(['/integrations', server, name]);
  protected openTool(tool: McpTool): void {
    void this.router.navigateByUrl(this.toolLink(tool));
  }

  protected openForm(): void {
    this.isRegistering.set(true);
    this.beside.show('register', '');
  }
  protected closeForm(): void {
    this.isRegistering.set(false);
    this.beside.show('register', null);
  }
  protected onRegistered(server: McpServerInfo | Proposal): void {
    if (isProposal(server)) {
      this.isRegistering.set(false);
      // It waits above the list.
      return void this.router.navigate([], {
        queryParams: { register: null, import: null },
        queryParamsHandling: 'merge',
        replaceUrl: true,
      });
    }
    this.isRegistering.set(false);
    // In place of the form: nobody means to go back to it.
    void this.router.navigate(['/integrations', server.name], { replaceUrl: true });
  }
}
