import { ChangeDetectionStrategy, Component, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { NavigationEnd, Router } from '@angular/router';
import { filter } from 'rxjs';
import { PageProblems } from '../shared/ui/page-problems';
import { ProblemNote } from '../shared/ui/problem-note';

/** What befell several parts of the page alike, once; Retry asks for all of them again. */
@Component({
  selector: 'aos-page-problem',
  imports: [ProblemNote],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @if (problems.shared(); as problem) {
      <aos-problem
        class="strip"
        [problem]="problem"
        [canRetry]="true"
        [isOwn]="true"
        (retry)="problems.retry()"
      />
    }
  `,
})
export class PageProblem {
  protected readonly problems = inject(PageProblems);

  constructor() {
    inject(DestroyRef).onDestroy(this.problems.offerPlace());
    inject(Router)
      .events.pipe(
        filter((event) => event instanceof NavigationEnd),
        takeUntilDestroyed(),
      )
      .subscribe(() => this.problems.forget());
  }
}
