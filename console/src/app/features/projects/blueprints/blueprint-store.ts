import { Injectable, computed, inject, signal } from '@angular/core';
import type { Blueprint, BlueprintVersionSummary, FieldFault } from '@aos/contracts';
import type { Observable, Subscription } from 'rxjs';
import { type Call, done, failed, idle, loading, toProblem } from '../../../shared/api/problem';
import { BlueprintsApi } from './blueprints-api';
import { type Draft, contentOf, draftOf, emptyDraft, placed, tidy } from './draft';

type Row = Draft['steps'][number] | Draft['inputs'][number];
/** A save that was refused, and what it was of. */
interface Refused {
  faults: readonly FieldFault[];
  draft: Draft;
  rows: ReadonlySet<Row>;
}

/** One blueprint, the changes to it that are not saved yet, and its versions; for as long as its page is open. */
@Injectable()
export class BlueprintStore {
  private readonly api = inject(BlueprintsApi);
  private place = { projectId: '', id: '' };

  /** Null for one that is being made. */
  readonly base = signal<Blueprint | null>(null);
  readonly call = signal<Call>(loading);
  readonly draft = signal<Draft | null>(null);
  readonly saving = signal<Call>(idle);
  readonly restoring = signal<Call>(idle);
  /** What somebody else saved while something was typed here. */
  readonly newer = signal<Blueprint | null>(null);
  readonly versions = signal<readonly BlueprintVersionSummary[]>([]);
  readonly versionsCall = signal<Call>(loading);
  private readonly cursor = signal<string | null>(null);
  readonly hasMoreVersions = computed(() => this.cursor() !== null);

  readonly before = computed(() => {
    const base = this.base();
    return base && tidy(base);
  });
  readonly after = computed(() => {
    const draft = this.draft();
    return draft && contentOf(draft);
  });
  readonly isChanged = computed(() => {
    const [before, after] = [this.before() ?? contentOf(emptyDraft()), this.after()];
    return after !== null && JSON.stringify(before) !== JSON.stringify(after);
  });
  /** Of the last try to save, or of what is saved: what is not there today. */
  private readonly refused = signal<Refused | null>(null);
  readonly faults = computed(() => {
    const [refused, base, draft] = [this.refused(), this.base(), this.draft()];
    if (refused && draft) {
      // What has been touched since is not known to be wrong any more.
      const same = new Set(
        [...draft.steps, ...draft.inputs]
          .filter((each) => refused.rows.has(each))
          .map(({ key }) => key),
      );
      return placed(refused.faults, refused.draft).filter(
        ({ key }) => key === null || same.has(key),
      );
    }
    return base && draft && !this.isChanged() ? placed(base.faults, draft) : [];
  });

  show(projectId: string, id: string): void {
    this.place = { projectId, id };
    this.base.set(null);
    this.newer.set(null);
    this.versions.set([]);
    this.refused.set(null);
    this.saving.set(idle);
    if (id === 'new') {
      this.draft.set(emptyDraft());
      this.call.set(done);
      return;
    }
    this.draft.set(null);
    this.call.set(loading);
    this.refresh();
  }

  /** What somebody else has saved comes in, unless there are changes here: then it is said, and nothing is taken away. */
  refresh(): Subscription[] {
    const { projectId, id } = this.place;
    if (id === 'new' || this.saving().state === 'loading') return [];
    const asked = this.api.get(projectId, id).subscribe({
      next: (blueprint) => {
        if (id !== this.place.id || projectId !== this.place.projectId) return;
        this.call.set(done);
        const base = this.base();
        if (base && blueprint.version < base.version) return; // asked before a change and answered after it
        if (!base || !this.isChanged()) this.take(blueprint);
        else if (blueprint.version > base.version) this.newer.set(blueprint);
      },
      error: (error: unknown) => {
        if (!this.base()) this.call.set(failed(error));
      },
    });
    return [asked];
  }

  private take(blueprint: Blueprint): void {
    const isNew = blueprint.version !== this.base()?.version;
    this.base.set(blueprint);
    this.newer.set(null);
    // The address may name it, and a name can change.
    this.place = { projectId: blueprint.projectId, id: blueprint.id };
    if (!isNew) return;
    this.refused.set(null);
    this.draft.set(draftOf(blueprint));
    this.loadVersions();
  }

  set(change: Partial<Draft>): void {
    this.draft.update((draft) => draft && { ...draft, ...change });
    this.saving.set(idle);
  }
  undo(): void {
    const base = this.base();
    this.refused.set(null);
    this.saving.set(idle);
    this.draft.set(base ? draftOf(base) : emptyDraft());
    const newer = this.newer();
    if (newer) this.take(newer);
  }
  /** The changes made here go upon what the other one has saved; the difference then shows both. */
  rebase(): void {
    const newer = this.newer();
    if (!newer) return;
    this.base.set(newer);
    this.newer.set(null);
    this.saving.set(idle);
    this.loadVersions();
  }

  save(comment: string, then: (saved: Blueprint) => void): void {
    const [base, draft, content] = [this.base(), this.draft(), this.after()];
    if (!draft || !content) return;
    this.saving.set(loading);
    const saved = base
      ? this.api.change(base, content, comment.trim())
      : this.api.create(this.place.projectId, content, comment.trim());
    saved.subscribe({
      next: (blueprint) => {
        this.saving.set(done);
        this.take(blueprint);
        then(blueprint);
      },
      error: (error: unknown) => {
        const problem = toProblem(error);
        this.saving.set({ state: 'failed', problem });
        const rows = new Set<Row>([...draft.steps, ...draft.inputs]);
        this.refused.set(problem.errors ? { faults: problem.errors, draft, rows } : null);
        if (problem.status === 412) this.refresh();
      },
    });
  }

  restore(version: number, comment: string, then: () => void): void {
    const base = this.base();
    if (base)
      this.order(this.api.restore(base, version, comment.trim()), (blueprint) => {
        this.take(blueprint);
        then();
      });
  }
  delete(then: () => void): void {
    const base = this.base();
    if (base) this.order(this.api.delete(base), then);
  }
  forgetOrder(): void {
    this.restoring.set(idle);
  }

  loadVersions(): void {
    const base = this.base();
    if (!base) return;
    this.api.versions(base).subscribe({
      next: ({ items, nextCursor }) => {
        if (base.id !== this.base()?.id) return;
        this.versions.set(items);
        this.cursor.set(nextCursor);
        this.versionsCall.set(done);
      },
      error: (error: unknown) => this.versionsCall.set(failed(error)),
    });
  }
  moreVersions(): void {
    const [base, cursor] = [this.base(), this.cursor()];
    if (!base || !cursor) return;
    this.api.versions(base, cursor).subscribe({
      next: ({ items, nextCursor }) => {
        this.versions.update((all) => [...all, ...items]);
        this.cursor.set(nextCursor);
      },
      error: (error: unknown) => this.versionsCall.set(failed(error)),
    });
  }

  private order<T>(order: Observable<T>, then: (answer: T) => void): void {
    this.restoring.set(loading);
    order.subscribe({
      next: (answer) => {
        this.restoring.set(idle);
        then(answer);
      },
      error: (error: unknown) => {
        this.restoring.set(failed(error));
        this.refresh();
      },
    });
  }
}
