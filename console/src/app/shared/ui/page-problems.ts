import { Injectable, type Signal, computed, linkedSignal, signal } from '@angular/core';
import type { Problem } from '@aos/contracts';

interface Part {
  /** Null for what is of no part of the page. */
  readonly problem: Signal<Problem | null>;
  readonly retry: () => void;
}

/** Where no server answers, or one in trouble, each part of a page says the same of itself; a 404 is of one thing. */
const isOfServer = ({ status }: Problem) => status === 0 || status === 429 || status >= 500;

export const isSame = (a: Problem, b: Problem) =>
  a.code === b.code && a.title === b.title && a.detail === b.detail;

/** What befell several parts of a page alike: told once, by the frame, and tried once more for all of them. */
@Injectable({ providedIn: 'root' })
export class PageProblems {
  private readonly parts = signal<readonly Part[]>([]);
  private readonly places = signal(0);
  private readonly problems = computed(() =>
    this.parts()
      .map(({ problem }) => problem())
      .filter((problem): problem is Problem => problem !== null && isOfServer(problem)),
  );
  private readonly twice = computed(() => {
    const all = this.problems();
    return all.find((one, at) => all.slice(at + 1).some((other) => isSame(one, other))) ?? null;
  });
  /**
   * Kept while it is tried again, as its parts fail again one after the other: the first of them would tell it in its own
   * place until the second one has failed.
   */
  private readonly cause = linkedSignal<Problem | null, Problem | null>({
    source: this.twice,
    computation: (twice, before) => twice ?? before?.value ?? null,
  });
  readonly shared = computed(() => {
    const cause = this.cause();
    if (cause === null || this.places() === 0) return null;
    return this.problems().find((one) => isSame(one, cause)) ?? null;
  });

  add(part: Part): void {
    this.parts.update((parts) => [...parts, part]);
  }
  remove(part: Part): void {
    this.parts.update((parts) => parts.filter((one) => one !== part));
  }
  /** Somewhere it is told; without such a place each part tells of itself. */
  offerPlace(): () => void {
    this.places.update((places) => places + 1);
    return () => this.places.update((places) => places - 1);
  }
  retry(): void {
    const told = this.shared();
    if (told === null) return;
    const isMeant = ({ problem }: Part) => {
      const of = problem();
      return of !== null && isSame(of, told);
    };
    for (const { retry } of this.parts().filter(isMeant)) retry();
  }
  /** On another page another thing may have befallen. */
  forget(): void {
    this.cause.set(this.twice());
  }
}
