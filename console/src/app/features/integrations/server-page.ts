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
import type {
  McpServerInfo,
  McpTool,
  PatchServer,
  RecentCall,
  ServerTrial,
  ToolActivity,
} from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { type Subscription, forkJoin } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { keepFresh } from '../../shared/realtime/keep-fresh';
import { isProposal } from '../../shared/proposals/is-proposal';
import { Proposals } from '../../shared/proposals/proposals';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { session } from '../../shared/state/session';
import { Beside } from '../../shared/ui/beside';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { Dialog } from '../../shared/ui/dialog';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { SidePanel } from '../../shared/ui/side-panel';
import { StateMark } from '../../shared/ui/state-mark';
import { Tabs } from '../../shared/ui/tabs';
import { CallDetail } from './call-detail';
import { CallsStore } from './calls-store';
import { IntegrationsApi } from './integrations-api';
import { RecentCalls } from './recent-calls';
import { ServerFacts } from './server-facts';
import { ServerSettings } from './server-settings';
import { HeldTools } from './held-tools';
import { LiveGauges, type Pace } from './live-gauges';
import { ServerTools } from './server-tools';
import { icons, stateOf, tones } from './server-state';
import { TrialNote } from './trial-note';
import { LeftOutTools } from './left-out-tools';

const tabs = ['tools', 'calls', 'settings'] as const;

/** One tool server: how it does, its tools, its recent calls, its settings. */
@Component({
  selector: 'aos-server-page',
  imports: [
    Tabs,
    CallDetail,
    ConfirmDialog,
    Dialog,
    HeldTools,
    LeftOutTools,
    Icon,
    LiveGauges,
    ProblemNote,
    Proposals,
    RecentCalls,
    RouterLink,
    SecondPersonNote,
    ServerFacts,
    ServerSettings,
    ServerTools,
    SidePanel,
    StateMark,
    TranslocoDirective,
    TrialNote,
  ],
  providers: [CallsStore],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './server-page.html',
  styleUrl: './server-page.css',
})
export class ServerPage {
  readonly server = input.required<string>();
  readonly tab = input<string>();
  /** The call whose detail is open. */
  readonly at = input<string>();

  private readonly api = inject(IntegrationsApi);
  private readonly router = inject(Router);
  private readonly beside = inject(Beside);
  private readonly transloco = inject(TranslocoService);
  private readonly store = inject(Store);
  protected readonly calls = inject(CallsStore);
  protected readonly mayWrite = this.store.selectSignal(session.selectMay('tool.write'));
  protected readonly mayReadCalls = this.store.selectSignal(session.selectMay('task.read'));

  protected readonly info = signal<McpServerInfo | null>(null);
  protected readonly tools = signal<readonly McpTool[]>([]);
  protected readonly activity = signal<ReadonlyMap<string, ToolActivity>>(new Map());
  protected readonly whole = signal<ToolActivity | undefined>(undefined);
  protected readonly call = signal<Call>(loading);
  protected readonly toolsCall = signal<Call>(loading);
  protected readonly trial = signal<ServerTrial | null>(null);
  protected readonly trying = signal<Call>(idle);
  protected readonly switching = signal<Call>(idle);
  protected readonly saving = signal<Call>(idle);
  protected readonly removing = signal<Call>(idle);
  protected readonly isRemoving = signal(false);
  /** By its name in the template: by its class, its part would be fetched with the page. */
  private readonly settings = viewChild<{ undo(): void }>('settings');

  protected readonly tones = tones;
  protected readonly icons = icons;
  protected readonly tabs = computed(() =>
    tabs.filter((name) => name !== 'calls' || this.mayReadCalls()),
  );
  protected readonly shown = computed(
    () => this.tabs().find((name) => name === this.tab()) ?? 'tools',
  );
  protected readonly state = computed(() => {
    const info = this.info();
    return info ? stateOf(info, this.whole()) : 'unknown';
  });
  protected readonly pace = computed((): Pace => {
    const { calls = 0, errors = 0, p50Ms = null, p95Ms = null } = this.info()?.stats ?? {};
    return { calls, failed: errors, p50Ms, p95Ms, window: 'quarter' };
  });
  protected readonly isOwn = computed(() => this.info()?.transport === 'builtin');
  protected readonly openCall = computed(
    () => this.calls.rows().find(({ id }) => id === this.at()) ?? null,
  );
  protected readonly changes = computed(() => {
    this.transloco.activeLang();
    const trial = this.trial();
    const changed = trial?.tools.filter(({ state }) => state !== 'same').length ?? 0;
    return trial?.ok && changed > 0
      ? this.transloco.translate<string>('integrations.changed', { n: changed })
      : '';
  });

  constructor() {
    effect(() => {
      const server = this.server();
      untracked(() => {
        this.info.set(null);
        this.tools.set([]);
        this.call.set(loading);
        this.toolsCall.set(loading);
        this.trial.set(null);
        this.load();
        if (this.mayReadCalls()) this.calls.show(server);
      });
    });
    keepFresh(() => {
      if (this.shown() === 'calls') this.calls.refresh();
      return this.load();
    });
  }

  protected load(): Subscription[] {
    const server = this.server();
    const info = this.api.server(server).subscribe({
      next: (info) => {
        if (server !== this.server()) return;
        const before = this.info();
        // Asked before a change and answered after it.
        if (before && before.version > info.version) return;
        this.info.set(info);
        this.call.set(done);
        if (before?.version !== info.version || before.tools !== info.tools) this.loadTools();
      },
      error: (error: unknown) => this.call.set(failed(error)),
    });
    const asked = { tools: this.api.activity(server), all: this.api.activity() };
    const activity = forkJoin(asked).subscribe({
      next: ({ tools, all }) => {
        this.activity.set(new Map(tools.map((each) => [each.tool ?? '', each])));
        this.whole.set(all.find((each) => each.server === server));
      },
      error: (error: unknown) => this.call.set(failed(error)),
    });
    return [info, activity];
  }

  /** A definition was approved: its tool is there now. */
  protected reload(): void {
    this.load();
    this.loadTools();
  }

  private loadTools(): void {
    this.api.tools(this.server()).subscribe({
      next: (tools) => {
        this.tools.set(tools);
        this.toolsCall.set(done);
      },
      error: (error: unknown) => this.toolsCall.set(failed(error)),
    });
  }

  protected show(tab: (typeof tabs)[number]): void {
    void this.router.navigate([], {
      queryParams: { tab: tab === 'tools' ? null : tab, at: null },
      replaceUrl: true,
    });
  }
  protected openDetail(row: RecentCall | null): void {
    this.beside.show('at', row?.id ?? null);
  }

  // A button is off only once it is drawn anew: the second press of two may come before that.

  protected test(): void {
    if (this.trying().state === 'loading') return;
    this.trying.set(loading);
    this.trial.set(null);
    this.api.try(this.server()).subscribe({
      next: (trial) => {
        this.trial.set(trial);
        this.trying.set(done);
        this.load();
      },
      error: (error: unknown) => this.trying.set(failed(error)),
    });
  }

  protected closeTrial(): void {
    this.trial.set(null);
    this.trying.set(idle);
  }

  protected toggle(): void {
    const info = this.info();
    if (!info || this.switching().state === 'loading') return;
    this.switching.set(loading);
    this.api.change(info, { enabled: !info.enabled }).subscribe({
      next: (changed) => {
        this.switching.set(done);
        if (isProposal(changed)) return; // it waits above
        this.info.set(changed);
        this.trial.set(null);
        this.loadTools();
      },
      error: (error: unknown) => {
        this.switching.set(failed(error));
        this.load();
      },
    });
  }

  protected save(change: PatchServer): void {
    const info = this.info();
    if (!info || this.saving().state === 'loading') return;
    this.saving.set(loading);
    this.api.change(info, change).subscribe({
      next: (changed) => {
        this.saving.set(done);
        // The draft is in the proposal, and not here any more.
        if (isProposal(changed)) return this.settings()?.undo();
        this.info.set(changed);
        this.loadTools();
      },
      error: (error: unknown) => {
        this.saving.set(failed(error));
        this.load();
      },
    });
  }

  protected remove(): void {
    const info = this.info();
    if (!info || this.removing().state === 'loading') return;
    this.removing.set(loading);
    this.api.remove(info).subscribe({
      next: (answer) => {
        if (!isProposal(answer)) return void this.router.navigate(['/integrations']);
        this.removing.set(idle);
        this.isRemoving.set(false);
      },
      error: (error: unknown) => this.removing.set(failed(error)),
    });
  }
}
