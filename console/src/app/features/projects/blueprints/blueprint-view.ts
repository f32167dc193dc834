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
  BlueprintContent,
  BlueprintVersionSummary,
  McpTool,
  RunAccepted,
  StepState,
} from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, problemOf } from '../../../shared/api/problem';
import { Unsent } from '../../../shared/forms/unsent';
import { Sentences } from '../../../shared/i18n/sentences';
import { keepFresh } from '../../../shared/realtime/keep-fresh';
import { JobsEvents } from '../../../shared/state/jobs';
import { session } from '../../../shared/state/session';
import { ConfirmDialog } from '../../../shared/ui/confirm-dialog';
import { Dialog } from '../../../shared/ui/dialog';
import { Difference } from '../../../shared/ui/difference';
import { Icon } from '../../../shared/ui/icon';
import { ProblemNote } from '../../../shared/ui/problem-note';
import { Tabs } from '../../../shared/ui/tabs';
import { Age } from '../../../shared/ui/time';
import { UnsavedBar } from '../../../shared/ui/unsaved-bar';
import { VersionDialog } from '../../../shared/ui/version-dialog';
import { VersionList } from '../../../shared/ui/version-list';
import { PlanGraph } from '../run/plan-graph';
import { PlanList } from '../run/plan-list';
import { BlueprintEditor } from './blueprint-editor';
import { BlueprintStore } from './blueprint-store';
import { BlueprintText } from './blueprint-text';
import { BlueprintsApi } from './blueprints-api';
import { type Draft, needsOf, tidy } from './draft';
import { RunDialog } from './run-dialog';

type Tab = 'steps' | 'order' | 'versions';
interface WholeVersion {
  version: number;
  content: BlueprintContent;
}

/** One blueprint: its steps, their order as a picture, how it came to be so, and the way to a run of it. */
@Component({
  selector: 'aos-blueprint-view',
  imports: [
    Age,
    BlueprintEditor,
    BlueprintText,
    ConfirmDialog,
    Dialog,
    Difference,
    Icon,
    PlanGraph,
    PlanList,
    ProblemNote,
    RouterLink,
    RunDialog,
    Tabs,
    TranslocoDirective,
    UnsavedBar,
    VersionDialog,
    VersionList,
  ],
  providers: [BlueprintStore],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './blueprint-view.html',
  styleUrl: './blueprint-view.css',
})
export class BlueprintView {
  /** Of the address: the project, the blueprint (`new` for one that is being made), the tab, and a dialog that is open. */
  readonly project = input.required<string>();
  readonly id = input.required<string>();
  readonly tab = input<string>();
  readonly open = input<string>();

  private readonly api = inject(BlueprintsApi);
  private readonly router = inject(Router);
  private readonly session = inject(Store);
  private readonly transloco = inject(TranslocoService);
  private readonly unsent = inject(Unsent);
  protected readonly store = inject(BlueprintStore);
  protected readonly mayWrite = this.session.selectSignal(session.selectMay('project.write'));
  protected readonly mayRun = this.session.selectSignal(session.selectMay('task.create'));
  protected readonly sentences = inject(Sentences);
  protected readonly tidy = tidy;

  protected readonly tools = signal<readonly McpTool[]>([]);
  protected readonly openStep = signal<string | null>(null);
  protected readonly isReviewing = signal(false);
  protected readonly isDeleting = signal(false);
  protected readonly comment = signal('');
  protected readonly asked = signal<number | null>(null);
  /** Of the versions that were looked at: they never change. */
  private readonly contents = signal<ReadonlyMap<number, BlueprintContent>>(new Map());
  protected readonly comparing = signal<Call>(idle);

  protected readonly tabs = computed((): Tab[] =>
    this.store.base() ? ['steps', 'order', 'versions'] : ['steps', 'order'],
  );
  protected readonly shown = computed<Tab>(
    () => this.tabs().find((name) => name === this.tab()) ?? 'steps',
  );
  protected readonly isRunning = computed(
    () => this.open() === 'run' && this.mayRun() && !this.store.isChanged(),
  );
  protected readonly absent = computed(() =>
    this.store.isChanged() ? [] : (this.store.base()?.faults ?? []),
  );
  protected readonly canSave = computed(() => this.store.isChanged() || !this.store.base());
  protected readonly savingProblem = computed(() => problemOf(this.store.saving()));

  /** The steps as the graph of a run takes them: none has begun. */
  protected readonly picture = computed((): StepState[] =>
    (this.store.after()?.steps ?? []).map((step) => ({
      id: step.id,
      tool: step.tool,
      needs: needsOf(step),
      approval: step.approval ?? 'auto',
      state: 'pending',
      attempts: 0,
      startedAt: null,
      finishedAt: null,
      args: step.args,
      error: null,
    })),
  );
  protected readonly openId = computed(
    () => this.store.draft()?.steps.find(({ key }) => key === this.openStep())?.id ?? null,
  );

  private readonly list = viewChild<VersionList<BlueprintVersionSummary>>('list');
  protected readonly pair = computed(() => {
    const pair = this.list()?.pair();
    const [before, after] = [this.whole(pair?.before.version), this.whole(pair?.after.version)];
    return before && after ? { before, after } : null;
  });
  protected readonly wanted = computed(() => this.whole(this.asked()));
  protected readonly actionOf = (): string =>
    this.transloco.translate('projects.blueprint.restore');

  constructor() {
    effect(() => {
      const [project, id] = [this.project(), this.id()];
      untracked(() => {
        this.contents.set(new Map());
        this.store.show(project, id);
        if (id !== 'new') return;
        const typed = this.unsent.take<Draft>(placeOf(project, id));
        if (typed) this.store.set(typed);
        this.openStep.set(this.store.draft()?.steps[0]?.key ?? null);
      });
    });
    effect(() => {
      const base = this.store.base();
      if (!base) return;
      const typed = untracked(() => this.unsent.take<Draft>(placeOf(base.projectId, base.id)));
      if (typed) untracked(() => this.store.set(typed));
    });
    effect(() => {
      const pair = this.list()?.pair();
      const versions = [pair?.before.version, pair?.after.version, this.asked()];
      untracked(() => void this.look(versions.filter((each) => each != null)));
    });
    this.unsent.keep(() =>
      this.store.isChanged()
        ? { place: placeOf(this.project(), this.id()), value: this.store.draft() }
        : null,
    );
    keepFresh(() => this.store.refresh());
    this.api.tools().subscribe({
      next: (tools) => this.tools.set(tools),
      error: () => this.tools.set([]), // then arguments are written as JSON
    });
  }

  private whole(version: number | null | undefined): WholeVersion | null {
    const content = version == null ? undefined : this.contents().get(version);
    return content ? { version: version!, content } : null;
  }
  private async look(versions: readonly number[]): Promise<void> {
    const base = this.store.base();
    const missing = versions.filter((version) => !this.contents().has(version));
    if (!base || missing.length === 0) return;
    try {
      const found = await Promise.all(
        missing.map((version) => firstValueFrom(this.api.version(base, version))),
      );
      if (base.id !== this.store.base()?.id) return;
      this.contents.update(
        (all) =>
          new Map([...all, ...found.map((each) => [each.version, tidy(each.content)] as const)]),
      );
      this.comparing.set(idle);
    } catch (error) {
      this.comparing.set(failed(error));
    }
  }

  protected reload(): void {
    this.store.show(this.project(), this.id());
  }
  protected show(tab: Tab): void {
    void this.router.navigate([], {
      queryParams: { tab: tab === 'steps' ? null : tab },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
  protected dialog(name: 'run' | null): void {
    void this.router.navigate([], { queryParams: { open: name }, queryParamsHandling: 'merge' });
  }
  protected openFromGraph(id: string): void {
    const step = this.store.draft()?.steps.find((each) => each.id.trim() === id);
    this.openStep.set(step?.key ?? null);
    this.show('steps');
  }

  protected review(): void {
    this.comment.set('');
    this.isReviewing.set(true);
  }
  protected save(): void {
    if (this.store.saving().state === 'loading') return;
    const isNew = this.store.base() === null;
    this.store.save(this.comment(), ({ id }) => {
      this.isReviewing.set(false);
      if (isNew)
        void this.router.navigate(['/projects', 'blueprints', this.project(), id], {
          replaceUrl: true,
        });
    });
  }
  protected dropMine(): void {
    this.store.undo();
    this.isReviewing.set(false);
  }

  protected askToRestore(version: number): void {
    this.store.forgetOrder();
    this.asked.set(version);
  }
  protected restore(version: number, comment: string): void {
    this.store.restore(version, comment, () => this.asked.set(null));
  }
  protected askToDelete(): void {
    this.store.forgetOrder();
    this.isDeleting.set(true);
  }
  protected delete(): void {
    this.store.delete(() => {
      this.isDeleting.set(false);
      void this.router.navigate(['/projects', 'blueprints'], {
        queryParams: { project: this.project() },
      });
    });
  }

  protected started({ jobId, traceId, goal }: RunAccepted & { goal: string }): void {
    this.session.dispatch(JobsEvents.accepted({ id: jobId, traceId, goal, conversationId: null }));
    void this.router.navigate(['/projects', 'runs', traceId]);
  }
}

const placeOf = (project: string, id: string) => `blueprint ${project}/${id}`;
