import { ChangeDetectionStrategy, Component, computed, inject, input, signal } from '@angular/core';
import { Router } from '@angular/router';
import type { Agent } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { type Observable, type Subscription, of, switchMap } from 'rxjs';
import {
  type Call,
  type Problem,
  done,
  failed,
  loading,
  toProblem,
} from '../../shared/api/problem';
import { keepFresh } from '../../shared/realtime/keep-fresh';
import { session } from '../../shared/state/session';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { FilterBar } from '../../shared/ui/filter-bar';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark } from '../../shared/ui/state-mark';
import { Age } from '../../shared/ui/time';
import { asTheyDo, tones } from './agent-state';
import { AgentsApi } from './agents-api';
import { CreateDialog } from './create-dialog';

/** Who does the work, and how each of them does. */
@Component({
  selector: 'aos-agents-page',
  imports: [
    Age,
    Cell,
    CreateDialog,
    DataTable,
    FilterBar,
    Icon,
    ProblemNote,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './agents-page.html',
  styleUrl: './agents-page.css',
})
export class AgentsPage {
  readonly q = input<string>();
  /** `?new=` opens the dialog; with the name of an agent it begins as a copy of that one. */
  readonly new = input<string>();

  private readonly api = inject(AgentsApi);
  private readonly router = inject(Router);
  private readonly store = inject(Store);
  protected readonly mayOperate = this.store.selectSignal(session.selectMay('agent.operate'));
  protected readonly mayWrite = this.store.selectSignal(session.selectMay('agent.write'));

  private readonly agents = signal<readonly Agent[]>([]);
  protected readonly call = signal<Call>(loading);
  protected readonly busy = signal<string | null>(null);
  protected readonly problem = signal<Problem | null>(null);
  protected readonly isCreating = computed(
    () => this.mayWrite() && this.new() !== undefined && this.call().state === 'done',
  );
  protected readonly model = computed(
    () => this.agents().find(({ name }) => name === this.new()) ?? null,
  );
  protected readonly rows = computed(() => {
    const words = (this.q() ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    return this.agents().filter((agent) => {
      const text = [agent.name, agent.config.prompt, ...agent.config.tools].join(' ').toLowerCase();
      return words.every((word) => text.includes(word));
    });
  });

  protected readonly tones = tones;
  protected readonly columns: readonly Column<Agent>[] = [
    {
      id: 'state',
      header: 'agents.col.state',
      width: '104px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'name',
      header: 'agents.col.name',
      width: '1.6fr',
      isFixed: true,
      isLink: true,
      text: ({ name }) => name,
    },
    {
      id: 'version',
      header: 'agents.col.version',
      width: '60px',
      align: 'end',
      text: ({ version }) => version,
      hideNarrow: true,
    },
    {
      id: 'running',
      header: 'agents.col.running',
      width: '64px',
      align: 'end',
      text: ({ load }) => String(load.running),
      hideNarrow: true,
    },
    {
      id: 'queued',
      header: 'agents.col.queued',
      width: '64px',
      align: 'end',
      text: ({ load }) => String(load.queued),
      hideNarrow: true,
    },
    {
      id: 'tools',
      header: 'agents.col.tools',
      width: '1.2fr',
      text: ({ config }) => config.tools.join(', '),
      hideNarrow: true,
    },
    {
      id: 'error',
      header: 'agents.col.lastError',
      width: '1.6fr',
      text: ({ lastError }) => lastError ?? '',
      hideNarrow: true,
    },
    { id: 'age', header: 'agents.col.age', width: '72px', align: 'end', hideNarrow: true },
    { id: 'orders', header: 'agents.col.orders', width: '96px', align: 'end', isFixed: true },
  ];

  constructor() {
    this.load();
    keepFresh(() => [this.call().state === 'done' ? this.refresh() : this.load()]);
  }

  protected load(): Subscription {
    return this.take(this.api.agents());
  }
  /** What each is made of changes seldom, and is most of the list. */
  private refresh(): Subscription {
    const asNow = this.api.standings().pipe(
      switchMap((now) => {
        const agents = asTheyDo(this.agents(), now);
        return agents ? of(agents) : this.api.agents();
      }),
    );
    return this.take(asNow);
  }
  private take(asked: Observable<Agent[]>): Subscription {
    return asked.subscribe({
      next: (agents) => {
        this.agents.set(agents);
        this.call.set(done);
      },
      error: (error: unknown) => this.call.set(failed(error)),
    });
  }

  protected readonly idOf = ({ id }: Agent) => id;
  protected readonly linkTo = ({ name }: Agent) => this.router.createUrlTree(['/agents', name]);
  protected open(agent: Agent): void {
    void this.router.navigateByUrl(this.linkTo(agent));
  }

  protected start(event: Event, agent: Agent): void {
    this.order(event, agent, this.api.start(agent.id));
  }
  protected stop(event: Event, agent: Agent): void {
    this.order(event, agent, this.api.stop(agent.id));
  }
  private order(event: Event, { id }: Agent, order: Observable<Agent>): void {
    event.stopPropagation();
    this.busy.set(id);
    this.problem.set(null);
    order.subscribe({
      next: (changed) => {
        this.busy.set(null);
        this.agents.update((all) => all.map((agent) => (agent.id === id ? changed : agent)));
      },
      error: (error: unknown) => {
        this.busy.set(null);
        this.problem.set(toProblem(error));
      },
    });
  }

  protected create(isOpen: boolean): void {
    void this.router.navigate([], {
      queryParams: { new: isOpen ? '' : null },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
  protected onCreated(agent: Agent): void {
    void this.router.navigate(['/agents', agent.name]);
  }
}
