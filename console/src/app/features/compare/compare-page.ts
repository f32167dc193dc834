import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  computed,
  effect,
  inject,
  input,
  untracked,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { Episode } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { AosApi } from '../../shared/api/aos-api';
import { Sentences } from '../../shared/i18n/sentences';
import { keepFresh } from '../../shared/realtime/keep-fresh';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark, toneOf, wordOf } from '../../shared/ui/state-mark';
import { Age, Elapsed, fileSize } from '../../shared/ui/time';
import { ComparedRun } from './compared-run';
import { differsAtAll, pairArtifacts, pairSteps } from './comparison';
import { measuresOf } from './facts';
import { RunChooser } from './run-chooser';
import { StepRow } from './step-row';

/** Two runs side by side: what they took and cost, what of their steps differs, which files are the same. */
@Component({
  selector: 'aos-compare-page',
  imports: [
    Age,
    Elapsed,
    Icon,
    ProblemNote,
    RouterLink,
    RunChooser,
    StateMark,
    StepRow,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './compare-page.html',
  styleUrl: './compare-page.css',
})
export class ComparePage {
  readonly traceId = input.required<string>();
  /** The trace of the other run. */
  readonly with = input<string>();
  /** The step that is open. */
  readonly step = input<string>();
  readonly only = input<string>();

  private readonly api = inject(AosApi);
  private readonly router = inject(Router);
  protected readonly sentences = inject(Sentences);
  protected readonly toneOf = toneOf;
  protected readonly wordOf = wordOf;
  protected readonly fileSize = fileSize;

  protected readonly left = new ComparedRun(this.api);
  protected readonly right = new ComparedRun(this.api);
  protected readonly isItself = computed(() => this.with() === this.traceId());
  private readonly both = computed((): [Episode, Episode] | null => {
    const [left, right] = [this.left.episode(), this.right.episode()];
    return left && right ? [left, right] : null;
  });
  protected readonly isLoading = computed(() =>
    [this.left, this.right].some((run) => run.call().state === 'loading' && !run.episode()),
  );
  protected readonly sides = computed(() => {
    const both = this.both();
    if (!both) return null;
    const [left, right] = both;
    return [
      { word: 'compare.this', episode: left },
      { word: 'compare.other', episode: right },
    ];
  });
  protected readonly measures = computed(() => {
    const both = this.both();
    return both ? measuresOf(...both) : [];
  });
  private readonly pairs = computed(() => {
    const both = this.both();
    return both ? pairSteps(...both) : [];
  });
  protected readonly changed = computed(() => this.pairs().filter(differsAtAll));
  protected readonly steps = computed(() => (this.only() ? this.changed() : this.pairs()));
  protected readonly allSteps = computed(() => this.pairs().length);
  protected readonly artifacts = computed(() => {
    const both = this.both();
    return both ? pairArtifacts(both[0].artifacts, both[1].artifacts) : [];
  });

  constructor() {
    effect(() => {
      const traceId = this.traceId();
      const other = this.with();
      untracked(() => {
        this.left.open(traceId);
        this.right.open(other && other !== traceId ? other : null);
      });
    });
    keepFresh(() => [...this.left.refresh(), ...this.right.refresh()]);
    inject(DestroyRef).onDestroy(() => {
      this.left.close();
      this.right.close();
    });
  }

  protected show(params: Record<string, string | null>): void {
    void this.router.navigate([], { queryParams: params, queryParamsHandling: 'merge' });
  }
  protected swap(): void {
    const other = this.with();
    if (!other) return;
    void this.router.navigate(['/projects', 'runs', other, 'compare'], {
      queryParams: { with: this.traceId() },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
}
