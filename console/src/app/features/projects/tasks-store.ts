import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { Actions, ofType } from '@ngrx/effects';
import { Store } from '@ngrx/store';
import { Subject, auditTime, firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { StreamEvents } from '../../shared/state/connection';
import { JobsEvents, jobs } from '../../shared/state/jobs';
import { ProjectsApi } from './projects-api';
import { type TaskFilter, matches, requestOf } from './task-filter';

const SETTLE_MS = 1_500;

/**
 * The list of tasks under one filter. The rows themselves are in the shared store, where the stream keeps them fresh;
 * here is how far down the list has been loaded. What matches and is not older than that is in the list.
 */
@Injectable()
export class TasksStore {
  private readonly api = inject(ProjectsApi);
  private readonly store = inject(Store);
  private readonly all = this.store.selectSignal(jobs.selectAll);
  private readonly filter = signal<TaskFilter | null>(null);
  /** The id of the oldest task loaded; 0 when there is none below. */
  private readonly floor = signal(Number.POSITIVE_INFINITY);
  private readonly cursor = signal<string | null>(null);

  readonly call = signal<Call>(idle);
  readonly hasMore = computed(() => this.cursor() !== null);
  readonly rows = computed(() => {
    const filter = this.filter();
    const floor = this.floor();
    return filter && floor !== Number.POSITIVE_INFINITY
      ? this.all().filter((job) => Number(job.id) >= floor && matches(filter, job))
      : [];
  });

  private readonly moved = new Subject<void>();

  constructor() {
    inject(Actions)
      .pipe(ofType(StreamEvents.received), takeUntilDestroyed())
      .subscribe(({ events }) => {
        if (events.some(({ topic, type }) => topic === 'task' || type.startsWith('task.')))
          this.moved.next();
      });
    // The stream says that something happened; who runs it, since when and in which attempt is in the row.
    this.moved
      .pipe(auditTime(SETTLE_MS), takeUntilDestroyed(inject(DestroyRef)))
      .subscribe(() => void this.refreshTop());
  }

  async start(filter: TaskFilter): Promise<void> {
    this.filter.set(filter);
    this.floor.set(Number.POSITIVE_INFINITY);
    this.cursor.set(null);
    await this.load();
  }

  async load(): Promise<void> {
    const filter = this.filter();
    if (!filter) return;
    this.call.set(loading);
    try {
      const page = await firstValueFrom(
        this.api.tasks(requestOf(filter), this.cursor() ?? undefined),
      );
      if (filter !== this.filter()) return;
      this.store.dispatch(JobsEvents.pageLoaded({ jobs: page.items }));
      const last = page.items.at(-1);
      if (page.nextCursor === null) this.floor.set(0);
      else if (last) this.floor.set(Number(last.id));
      this.cursor.set(page.nextCursor);
      this.call.set(done);
      // A search through many tasks may answer a page with nothing in it; it goes on by itself.
      if (!last && page.nextCursor !== null) await this.load();
    } catch (error) {
      if (filter === this.filter()) this.call.set(failed(error));
    }
  }

  private async refreshTop(): Promise<void> {
    const filter = this.filter();
    if (!filter || this.call().state !== 'done') return;
    try {
      const { items } = await firstValueFrom(this.api.tasks(requestOf(filter)));
      this.store.dispatch(JobsEvents.pageLoaded({ jobs: items }));
    } catch {
      // The rows stay as they are; the next event asks again.
    }
  }
}
