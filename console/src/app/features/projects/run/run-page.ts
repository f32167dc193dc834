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
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../../shared/api/problem';
import { Workspace } from '../../../shared/artifacts/workspace';
import { JobsEvents, hasEnded } from '../../../shared/state/jobs';
import { session } from '../../../shared/state/session';
import { ValueStream } from '../../../shared/stream/value-stream';
import { Waterfall } from '../../../shared/trace/waterfall';
import { CopyButton } from '../../../shared/ui/copy-button';
import { Icon } from '../../../shared/ui/icon';
import { ProblemNote } from '../../../shared/ui/problem-note';
import { StateMark, toneOf, wordOf } from '../../../shared/ui/state-mark';
import { Age, Elapsed } from '../../../shared/ui/time';
import { PlanGraph } from './plan-graph';
import { PlanList } from './plan-list';
import { ReplayBar } from './replay-bar';
import { RunAudit } from './run-audit';
import { RunCalls } from './run-calls';
import { RunEvents } from './run-events';
import { RunLog } from './run-log';
import { RunStore } from './run-store';
import { StepPanel } from './step-panel';
import { TimelineView } from './timeline-view';
import { Sentences } from '../../../shared/i18n/sentences';
import { Tabs } from '../../../shared/ui/tabs';

const tabs = [
  'plan',
  'timeline',
  'artifacts',
  'trace',
  'events',
  'logs',
  'calls',
  'audit',
] as const;
type Tab = (typeof tabs)[number];

/** One run: what was asked, what was planned, what happened, what came of it; now, or at any moment of it. */
@Component({
  selector: 'aos-run-page',
  imports: [
    Tabs,
    Age,
    CopyButton,
    Elapsed,
    Icon,
    PlanGraph,
    PlanList,
    ProblemNote,
    ReplayBar,
    RouterLink,
    RunAudit,
    RunCalls,
    RunEvents,
    RunLog,
    StateMark,
    StepPanel,
    TimelineView,
    TranslocoDirective,
    ValueStream,
    Waterfall,
    Workspace,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './run-page.html',
  styleUrl: './run-page.css',
  providers: [RunStore],
})
export class RunPage {
  protected readonly sentences = inject(Sentences);
  readonly traceId = input.required<string>();
  readonly tab = input<string>();
  readonly artifact = input<string>();
  readonly step = input<string>();
  /** Which row of a tab is open beside its list. */
  readonly open = input<string>();
  readonly view = input<string>();
  /** The moment of the replay, in milliseconds from the beginning. */
  readonly at = input<string>();

  private readonly api = inject(AosApi);
  private readonly store = inject(Store);
  private readonly router = inject(Router);
  protected readonly run = inject(RunStore);
  protected readonly sentence = computed(() => {
    const { told } = this.run.moment();
    return told ? this.sentences.ofEvent(told) : '';
  });
  private readonly begin = computed(() => this.run.span().from);
  /** Moments on their way to the address, and the last one that was sent there. */
  private underWay = 0;
  private rested: string | null = null;
  private readonly mayCancel = this.store.selectSignal(session.selectMay('task.cancel'));
  private readonly mayCreate = this.store.selectSignal(session.selectMay('task.create'));

  protected readonly tabs = tabs;
  protected readonly toneOf = toneOf;
  protected readonly wordOf = wordOf;
  protected readonly action = signal<Call>(idle);

  protected readonly shown = computed<Tab>(
    () => tabs.find((name) => name === this.tab()) ?? 'plan',
  );
  protected readonly isOver = computed(() => {
    const job = this.run.job();
    return job !== undefined && hasEnded(job);
  });
  protected readonly canCancel = computed(
    () => !this.isOver() && !!this.run.job() && this.mayCancel(),
  );
  protected readonly canRerun = computed(() => this.isOver() && this.mayCreate());
  /** The head says how the run stood at the moment that is shown. */
  protected readonly state = computed(() => {
    const job = this.run.job();
    const { status, isRecovering } = this.run.moment();
    return this.run.isReplay() ? { status, isRecovering } : job;
  });
  protected readonly chosenStep = computed(() =>
    this.run.steps().find(({ id }) => id === this.step()),
  );
  protected readonly callsOfStep = computed(() =>
    this.run.calls().filter(({ stepId }) => stepId === this.step()),
  );
  protected readonly approvalIds = computed(
    () => this.run.episode()?.approvals.map(({ id }) => id) ?? [],
  );
  protected readonly stepsDone = computed(
    () => this.run.steps().filter(({ state }) => state === 'done' || state === 'skipped').length,
  );
  protected readonly canReplay = computed(() => this.run.events().length > 1);

  constructor() {
    effect(() => {
      const traceId = this.traceId();
      untracked(() => {
        this.rested = null;
        this.action.set(idle);
        void this.run.open(traceId);
      });
    });
    // The address names the moment once it has come to rest; while it plays, or is on its way to the address, the
    // store runs ahead of it, and what the address says then is old.
    effect(() => {
      const at = this.at();
      const from = this.begin();
      if (this.underWay > 0 || at === this.rested) return;
      this.rested = null;
      const offset = at === undefined ? Number.NaN : Number(at);
      untracked(() =>
        this.run.at.set(Number.isFinite(offset) && !Number.isNaN(from) ? from + offset : null),
      );
    });
  }

  protected show(params: Record<string, string | null>): Promise<boolean> {
    return this.router.navigate([], {
      queryParams: params,
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
  protected showTab(tab: Tab): void {
    void this.show({ tab: tab === 'plan' ? null : tab, open: null, step: null });
  }

  protected startReplay(): void {
    void this.show({ at: '0' });
  }
  protected async rest(at: number): Promise<void> {
    this.rested = String(Math.round(at - this.begin()));
    this.underWay += 1;
    try {
      await this.show({ at: this.rested });
    } finally {
      this.underWay -= 1;
    }
  }

  protected async cancel(): Promise<void> {
    const job = this.run.job();
    if (!job) return;
    await this.act(async () => {
      this.store.dispatch(
        JobsEvents.loaded({ job: await firstValueFrom(this.api.cancelJob(job.id)) }),
      );
    });
  }
  protected async rerun(): Promise<void> {
    const job = this.run.job();
    if (!job) return;
    await this.act(async () => {
      const { jobId, traceId } = await firstValueFrom(this.api.rerunJob(job.id));
      this.store.dispatch(
        JobsEvents.accepted({
          id: jobId,
          traceId,
          goal: job.goal,
          conversationId: job.conversationId,
        }),
      );
      await this.router.navigate(['/projects', 'runs', traceId]);
    });
  }

  private async act(work: () => Promise<void>): Promise<void> {
    this.action.set(loading);
    try {
      await work();
      this.action.set(done);
    } catch (error) {
      this.action.set(failed(error));
    }
  }
}
