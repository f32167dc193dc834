import { ScrollingModule, CdkVirtualScrollViewport } from '@angular/cdk/scrolling';
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
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { JobsEvents, jobs } from '../../shared/state/jobs';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark, toneOf, wordOf } from '../../shared/ui/state-mark';
import { Age, Elapsed } from '../../shared/ui/time';

const statuses = [
  'running',
  'waiting',
  'queued',
  'scheduled',
  'succeeded',
  'failed',
  'cancelled',
] as const;

/** Every run, the newest first, live. The filter is in the address. */
@Component({
  selector: 'aos-runs-page',
  imports: [Age, Elapsed, ProblemNote, RouterLink, ScrollingModule, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './runs-page.html',
  styleUrl: './runs-page.css',
  host: { '(document:keydown)': 'onKey($event)' },
})
export class RunsPage {
  readonly status = input<string>();

  private readonly store = inject(Store);
  private readonly router = inject(Router);
  private readonly viewport = viewChild(CdkVirtualScrollViewport);
  private readonly all = this.store.selectSignal(jobs.selectAll);
  private readonly cursors = this.store.selectSignal(jobs.selectNextCursor);
  protected readonly call = this.store.selectSignal(jobs.selectList);

  protected readonly statuses = statuses;
  protected readonly toneOf = toneOf;
  protected readonly wordOf = wordOf;
  protected readonly chosen = computed(() => statuses.find((name) => name === this.status()));
  protected readonly rows = computed(() => {
    const status = this.chosen();
    return status ? this.all().filter((job) => job.status === status) : this.all();
  });
  private readonly cursor = computed(() => this.cursors()[this.chosen() ?? 'all'] ?? null);
  protected readonly focused = signal(-1);

  constructor() {
    effect(() => {
      const status = this.chosen();
      untracked(() => this.store.dispatch(JobsEvents.listWanted({ status })));
    });
  }

  protected filterBy(status: string | null): void {
    this.focused.set(-1);
    void this.router.navigate([], { queryParams: { status }, replaceUrl: true });
  }

  protected reload(): void {
    this.store.dispatch(JobsEvents.listWanted({ status: this.chosen() }));
  }

  /** The next page comes before the end of this one is in sight. */
  protected onScrolled(first: number): void {
    const cursor = this.cursor();
    if (!cursor || this.call().state === 'loading' || first + 60 < this.rows().length) return;
    this.store.dispatch(JobsEvents.listWanted({ status: this.chosen(), cursor }));
  }

  protected onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (/^(INPUT|TEXTAREA|SELECT|DIALOG)$/.test(target.tagName) || event.metaKey || event.ctrlKey)
      return;
    const step = event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0;
    if (step !== 0) {
      const index = Math.min(this.rows().length - 1, Math.max(0, this.focused() + step));
      this.focused.set(index);
      const viewport = this.viewport();
      const top = viewport?.measureScrollOffset() ?? 0;
      const height = (viewport?.getViewportSize() ?? 0) - 72;
      if (index * 36 < top || index * 36 > top + height) {
        viewport?.scrollToIndex(Math.max(0, index - 3));
      }
    } else if (event.key === 'Enter' && target === document.body) {
      const row = this.rows()[this.focused()];
      if (row) void this.router.navigate(['/projects', 'runs', row.traceId]);
    }
  }
}
