import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { AgentStats, Job, McpTool } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import type { Subscription } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, type Problem, done, failed, loading } from '../../shared/api/problem';
import { keepFresh } from '../../shared/realtime/keep-fresh';
import { Proposals } from '../../shared/proposals/proposals';
import { session } from '../../shared/state/session';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark } from '../../shared/ui/state-mark';
import { Tabs } from '../../shared/ui/tabs';
import { UnsavedBar } from '../../shared/ui/unsaved-bar';
import { VersionDialog } from '../../shared/ui/version-dialog';
import { AgentLogs } from './agent-logs';
import { AgentOverview } from './agent-overview';
import { AgentPrompt } from './agent-prompt';
import { tones } from './agent-state';
import { AgentStore } from './agent-store';
import { AgentVersions } from './agent-versions';
import { AgentsApi } from './agents-api';
import { NamePicker } from './name-picker';
import { Sentences } from '../../shared/i18n/sentences';
import { sopFaults } from './sop';
import { ToolPicker } from './tool-picker';

const tabs = ['overview', 'prompt', 'tools', 'environment', 'versions', 'logs'] as const;
type Tab = (typeof tabs)[number];

/** One agent: how it does, what it is made of, how it came to be so, and what it says while it works. */
@Component({
  selector: 'aos-agent-page',
  imports: [
    AgentLogs,
    AgentOverview,
    AgentPrompt,
    AgentVersions,
    Icon,
    NamePicker,
    ProblemNote,
    Proposals,
    RouterLink,
    StateMark,
    Tabs,
    ToolPicker,
    TranslocoDirective,
    UnsavedBar,
    VersionDialog,
  ],
  providers: [AgentStore],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './agent-page.html',
  styleUrl: './agent-page.css',
})
export class AgentPage {
  readonly id = input.required<string>();
  readonly tab = input<string>();

  private readonly api = inject(AgentsApi);
  private readonly shared = inject(AosApi);
  private readonly router = inject(Router);
  private readonly session = inject(Store);
  protected readonly store = inject(AgentStore);
  private readonly may = (permission: Parameters<typeof session.selectMay>[0]) =>
    this.session.selectSignal(session.selectMay(permission));
  protected readonly mayOperate = this.may('agent.operate');
  protected readonly mayWrite = this.may('agent.write');
  protected readonly mayRegister = this.may('tool.write');
  protected readonly mayReadLogs = this.may('monitor.read');
  private readonly mayReadSecrets = this.may('secret.read');

  protected readonly stats = signal<AgentStats | null>(null);
  protected readonly runs = signal<readonly Job[]>([]);
  protected readonly runsCall = signal<Call>(loading);
  protected readonly tools = signal<readonly McpTool[]>([]);
  protected readonly secrets = signal<readonly string[] | null>(null);
  protected readonly isReviewing = signal(false);

  private readonly sentences = inject(Sentences);
  protected readonly tones = tones;
  protected readonly tabs = computed(() =>
    tabs.filter((name) => name !== 'logs' || this.mayReadLogs()),
  );
  protected readonly shown = computed<Tab>(
    () => this.tabs().find((name) => name === this.tab()) ?? 'overview',
  );
  protected readonly savingProblem = computed((): Problem | null => {
    const call = this.store.saving();
    return call.state === 'failed' ? call.problem : null;
  });
  protected readonly sopFaults = computed(() => sopFaults(this.savingProblem(), this.sentences));
  protected readonly hasFailed = computed(() => {
    const call = this.store.ordering();
    return call.state === 'failed' ? call.problem : null;
  });

  protected readonly isBusy = computed(() => this.store.ordering().state === 'loading');

  constructor() {
    effect(() => {
      const id = this.id();
      untracked(() => {
        this.store.show(id);
        this.stats.set(null);
        this.runs.set([]);
        this.loadRuns();
      });
    });
    keepFresh(() => [
      this.store.refresh(),
      ...(this.shown() === 'overview' ? this.loadRuns() : []),
    ]);
    this.api.tools().subscribe({
      next: (tools) => this.tools.set(tools),
      error: () => this.tools.set([]),
    });
    if (this.mayReadSecrets())
      this.shared.secretNames().subscribe({
        next: (names) => this.secrets.set(names),
        error: () => this.secrets.set(null),
      });
  }

  protected loadRuns(): Subscription[] {
    const id = this.id();
    const stats = this.api.stats(id).subscribe({
      next: (stats) => this.stats.set(stats),
      error: (error: unknown) => this.runsCall.set(failed(error)),
    });
    const runs = this.api.runs(id).subscribe({
      next: (runs) => {
        if (id !== this.id()) return;
        this.runs.set(runs);
        this.runsCall.set(done);
      },
      error: (error: unknown) => this.runsCall.set(failed(error)),
    });
    return [stats, runs];
  }

  protected show(tab: Tab): void {
    void this.router.navigate([], {
      queryParams: { tab: tab === 'overview' ? null : tab },
      replaceUrl: true,
    });
  }

  protected clone(): void {
    void this.router.navigate(['/agents'], { queryParams: { new: this.store.agent()?.name } });
  }
  protected save(comment: string): void {
    this.store.save(comment, () => this.isReviewing.set(false));
  }
}
