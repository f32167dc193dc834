import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
} from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { Router, RouterLink } from '@angular/router';
import type { Episode } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Actions, ofType } from '@ngrx/effects';
import { Store } from '@ngrx/store';
import { Subject, debounceTime, firstValueFrom } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Workspace } from '../../shared/artifacts/workspace';
import { Waterfall } from '../../shared/trace/waterfall';
import { ApprovalsEvents } from '../../shared/state/approvals';
import { StreamEvents } from '../../shared/state/connection';
import { JobsEvents, hasEnded, jobs } from '../../shared/state/jobs';
import { session } from '../../shared/state/session';
import { EventCard } from '../../shared/stream/event-card';
import { ValueStream } from '../../shared/stream/value-stream';
import { CopyButton } from '../../shared/ui/copy-button';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark, toneOf, toneOfStep, wordOf } from '../../shared/ui/state-mark';
import { Age, Elapsed, duration } from '../../shared/ui/time';
import { Verbatim } from '../../shared/ui/verbatim';

const tabs = ['plan', 'events', 'artifacts', 'calls', 'trace'] as const;
type Tab = (typeof tabs)[number];
const SETTLE_MS = 600;

/** One run: what was asked, what was planned, what happened, what came of it. */
@Component({
  selector: 'aos-run-page',
  imports: [
    Age,
    CopyButton,
    Elapsed,
    EventCard,
    Icon,
    ProblemNote,
    RouterLink,
    StateMark,
    TranslocoDirective,
    ValueStream,
    Verbatim,
    Waterfall,
    Workspace,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './run-page.html',
  styleUrl: './run-page.css',
})
export class RunPage {
  readonly traceId = input.required<string>();
  readonly tab = input<string>();
  readonly artifact = input<string>();

  private readonly api = inject(AosApi);
  private readonly store = inject(Store);
  private readonly router = inject(Router);
  private readonly byTrace = this.store.selectSignal(jobs.selectByTrace);
  private readonly mayCancel = this.store.selectSignal(session.selectMay('task.cancel'));
  private readonly mayCreate = this.store.selectSignal(session.selectMay('task.create'));

  protected readonly tabs = tabs;
  protected readonly toneOf = toneOf;
  protected readonly toneOfStep = toneOfStep;
  protected readonly wordOf = wordOf;
  protected readonly duration = duration;

  protected readonly episode = signal<Episode | null>(null);
  protected readonly call = signal<Call>(idle);
  protected readonly action = signal<Call>(idle);
  protected readonly opened = signal<string | null>(null);

  protected readonly shown = computed<Tab>(
    () => tabs.find((name) => name === this.tab()) ?? 'plan',
  );
  /** The row of the stream where there is one: it is the fresher. */
  protected readonly job = computed(() => this.byTrace().get(this.traceId()));
  protected readonly canCancel = computed(() => {
    const job = this.job();
    return job !== undefined && !hasEnded(job) && this.mayCancel();
  });
  protected readonly canRerun = computed(() => {
    const job = this.job();
    return job !== undefined && hasEnded(job) && this.mayCreate();
  });
  protected readonly steps = computed(() => {
    const episode = this.episode();
    if (!episode) return [];
    const state = new Map(episode.steps.map((step) => [step.id, step]));
    return episode.plan.length > 0
      ? episode.plan.map((step) => state.get(step.id) ?? step)
      : episode.steps;
  });
  protected readonly events = computed(() => [...(this.episode()?.events ?? [])].reverse());
  protected readonly artifacts = computed(() => this.episode()?.artifacts ?? []);

  private readonly moved = new Subject<void>();

  constructor() {
    effect(() => {
      this.traceId();
      untracked(() => {
        this.episode.set(null);
        this.action.set(idle);
        void this.load();
      });
    });
    inject(Actions)
      .pipe(ofType(StreamEvents.received, ApprovalsEvents.decided), takeUntilDestroyed())
      .subscribe((action) => {
        const traces =
          action.type === StreamEvents.received.type
            ? action.events.map(({ traceId }) => traceId)
            : [action.approval.traceId];
        if (traces.includes(this.traceId())) this.moved.next();
      });
    this.moved
      .pipe(debounceTime(SETTLE_MS), takeUntilDestroyed(inject(DestroyRef)))
      .subscribe(() => void this.load());
  }

  protected async load(): Promise<void> {
    const traceId = this.traceId();
    this.call.set(loading);
    try {
      const episode = await firstValueFrom(this.api.episode(traceId));
      if (traceId !== this.traceId()) return;
      this.episode.set(episode);
      this.store.dispatch(JobsEvents.loaded({ job: episode.job }));
      this.call.set(done);
    } catch (error) {
      if (traceId === this.traceId()) this.call.set(failed(error));
    }
  }

  protected async cancel(): Promise<void> {
    const job = this.job();
    if (!job) return;
    await this.act(async () => {
      this.store.dispatch(
        JobsEvents.loaded({ job: await firstValueFrom(this.api.cancelJob(job.id)) }),
      );
    });
  }

  protected async rerun(): Promise<void> {
    const job = this.job();
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

  protected show(queryParams: { tab?: Tab; artifact?: string }): void {
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl: true });
  }
  protected toggle(id: string): void {
    this.opened.update((open) => (open === id ? null : id));
  }
}
