import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import type { AosEvent, Episode, LogLine, StepState } from '@aos/contracts';
import { Store } from '@ngrx/store';
import { Subject, auditTime, firstValueFrom } from 'rxjs';
import { AosApi } from '../../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../../shared/api/problem';
import { ServerEvents } from '../../../shared/realtime/server-events';
import { JobsEvents, hasEnded, jobs } from '../../../shared/state/jobs';
import { ProjectsApi } from '../projects-api';
import { momentOf } from './run-moment';

const SETTLE_MS = 700;
/** More events or lines than this are on the server and in Monitor; here they would only be in the way. */
const MOST_PAGES = 25;
const telling = /^(run\.(plan|step|review)|tool\.call|approval\.|task\.|artifact\.|recovery\.)/;

/** One run: what the server keeps of it, every event as it comes, and the moment that is looked at. */
@Injectable()
export class RunStore {
  private readonly api = inject(AosApi);
  private readonly projectsApi = inject(ProjectsApi);
  private readonly store = inject(Store);
  private readonly byTrace = this.store.selectSignal(jobs.selectByTrace);

  private readonly traceId = signal('');
  readonly call = signal<Call>(idle);
  readonly episode = signal<Episode | null>(null);
  readonly events = signal<readonly AosEvent[]>([]);
  readonly logs = signal<readonly LogLine[]>([]);
  /** Why the log is not whole: there is more of it than is read here, or it could not be read. */
  readonly logGap = signal<'cut' | 'failed' | null>(null);
  readonly isCut = signal(false);
  /** The moment of a replay, in time since 1970; null is now. */
  readonly at = signal<number | null>(null);

  /** The row of the stream where there is one: it is the fresher. */
  readonly job = computed(() => this.byTrace().get(this.traceId()) ?? this.episode()?.job);
  readonly moment = computed(() => momentOf(this.episode()?.steps ?? [], this.events(), this.at()));
  readonly isReplay = computed(() => this.at() !== null);
  readonly steps = computed((): StepState[] => {
    const episode = this.episode();
    const moment = this.moment();
    if (!episode || (this.isReplay() && !moment.isPlanned)) return [];
    return episode.steps.map((step) => this.stepAt(step));
  });
  readonly artifacts = computed(() => {
    const all = this.episode()?.artifacts ?? [];
    const { artifactIds } = this.moment();
    return this.isReplay() ? all.filter(({ artifactId }) => artifactIds.has(artifactId)) : all;
  });
  readonly calls = computed(() => this.before(this.episode()?.toolCalls ?? [], 'startedAt'));
  readonly eventsSoFar = computed(() => this.before(this.events(), 'createdAt'));
  readonly logsSoFar = computed(() => this.before(this.logs(), 'at'));
  readonly span = computed(() => {
    const first = this.events()[0]?.createdAt ?? this.episode()?.job.createdAt;
    const last = this.events().at(-1)?.createdAt ?? first;
    return { from: Date.parse(first ?? ''), to: Date.parse(last ?? '') };
  });

  /** Pages of the log that are full and stay so, and where the next one begins. */
  private logPages: LogLine[][] = [];
  private logCursor: string | undefined;
  private readonly moved = new Subject<void>();
  private readonly lines = inject(ServerEvents);
  private close: (() => void) | undefined;

  constructor() {
    const destroyed = inject(DestroyRef);
    destroyed.onDestroy(() => this.close?.());
    this.moved
      .pipe(auditTime(SETTLE_MS), takeUntilDestroyed(destroyed))
      .subscribe(() => void this.refresh());
  }

  async open(traceId: string): Promise<void> {
    this.close?.();
    this.traceId.set(traceId);
    this.episode.set(null);
    this.events.set([]);
    this.logs.set([]);
    this.logGap.set(null);
    this.logPages = [];
    this.logCursor = undefined;
    this.isCut.set(false);
    await this.load();
  }

  async load(): Promise<void> {
    const traceId = this.traceId();
    this.call.set(loading);
    try {
      await this.take(traceId);
      await this.takeEvents(traceId);
      if (traceId !== this.traceId()) return;
      this.call.set(done);
      void this.takeLogs(traceId);
      this.follow(traceId);
    } catch (error) {
      if (traceId === this.traceId()) this.call.set(failed(error));
    }
  }

  private async refresh(): Promise<void> {
    const traceId = this.traceId();
    await Promise.allSettled([this.take(traceId), this.takeLogs(traceId)]);
    const job = this.episode()?.job;
    if (job && hasEnded(job) && this.events().some(({ type }) => type === 'task.receipt'))
      this.close?.();
  }

  private async take(traceId: string): Promise<void> {
    const episode = await firstValueFrom(this.api.episode(traceId));
    if (traceId !== this.traceId()) return;
    this.episode.set(episode);
    this.store.dispatch(JobsEvents.loaded({ job: episode.job }));
  }

  private async takeEvents(traceId: string): Promise<void> {
    let cursor: string | undefined;
    const all: AosEvent[] = [];
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const { items, nextCursor } = await firstValueFrom(this.projectsApi.events(traceId, cursor));
      all.push(...items);
      if (traceId !== this.traceId()) return;
      if (nextCursor === null) break;
      cursor = nextCursor;
      this.isCut.set(page === MOST_PAGES - 1);
    }
    this.events.set(all);
  }

  /** A log is a help beside the run: that it cannot be read is said there, and does not take the run away. */
  private async takeLogs(traceId: string): Promise<void> {
    try {
      while (this.logPages.length < MOST_PAGES) {
        const page = await firstValueFrom(this.projectsApi.logs(traceId, this.logCursor));
        if (traceId !== this.traceId()) return;
        this.logs.set([...this.logPages.flat(), ...page.items]);
        if (page.nextCursor === null) break;
        this.logPages.push(page.items);
        this.logCursor = page.nextCursor;
      }
      this.logGap.set(this.logPages.length < MOST_PAGES ? null : 'cut');
    } catch {
      if (traceId === this.traceId()) this.logGap.set('failed');
    }
  }

  /** A line that comes back says from where: the server sends what was missed. */
  private follow(traceId: string): void {
    const job = this.job();
    if ((job && hasEnded(job)) || this.isCut() || typeof EventSource === 'undefined') return;
    this.close = this.lines.follow({
      address: () => this.projectsApi.liveEvents(traceId, this.events().at(-1)?.seq ?? 0),
      event: 'event',
      take: (data) => {
        const event = JSON.parse(data) as AosEvent;
        if (event.seq <= (this.events().at(-1)?.seq ?? 0)) return;
        this.events.update((all) => [...all, event]);
        if (telling.test(event.type)) this.moved.next();
      },
    });
  }

  private stepAt(step: StepState): StepState {
    const then = this.moment().steps.get(step.id);
    if (!then) return step;
    const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());
    // What the events say is the fresher of a live step; what they do not say (results) is the server's.
    const isTold = this.isReplay() || (this.events().length > 0 && !this.isCut());
    if (!isTold) return step;
    return {
      ...step,
      state: then.state,
      attempts: then.attempts,
      startedAt: iso(then.startedAt),
      finishedAt: iso(then.finishedAt),
      error: then.error,
      said: then.said,
      result: then.state === 'done' ? step.result : undefined,
    };
  }

  private before<Key extends string, Row extends Record<Key, string>>(
    rows: readonly Row[],
    key: Key,
  ): readonly Row[] {
    const at = this.at();
    return at === null ? rows : rows.filter((row) => Date.parse(row[key]) <= at);
  }
}
