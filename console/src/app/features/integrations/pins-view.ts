import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
} from '@angular/core';
import type { PinState, ToolPin } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import type { Subscription } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { keepFresh } from '../../shared/realtime/keep-fresh';
import { session } from '../../shared/state/session';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { Beside } from '../../shared/ui/beside';
import { CopyButton } from '../../shared/ui/copy-button';
import { Difference } from '../../shared/ui/difference';
import { FilterBar } from '../../shared/ui/filter-bar';
import type { Filter } from '../../shared/ui/filters';
import { JsonTree } from '../../shared/ui/json-tree';
import { ProblemNote } from '../../shared/ui/problem-note';
import { SidePanel } from '../../shared/ui/side-panel';
import { StateMark, type Tone } from '../../shared/ui/state-mark';
import { Age } from '../../shared/ui/time';
import { isProposal } from '../../shared/proposals/is-proposal';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { whyHeld } from './held-tools';
import { IntegrationsApi } from './integrations-api';

const states: readonly PinState[] = ['pinned', 'changed', 'quarantined'];
const tones: Record<PinState, Tone> = {
  pinned: 'done',
  changed: 'waiting',
  quarantined: 'waiting',
};

/** Definitions of tools as they were approved, with what waits for somebody; a page of them at a time. */
@Component({
  selector: 'aos-pins-view',
  imports: [
    Age,
    Cell,
    CopyButton,
    DataTable,
    Difference,
    FilterBar,
    JsonTree,
    ProblemNote,
    SecondPersonNote,
    SidePanel,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './pins-view.html',
  styles: `
    :host {
      display: flex;
      flex: 1 1 auto;
      min-height: 0;
    }
    .list {
      display: flex;
      flex: 1 1 60%;
      flex-direction: column;
      gap: 12px;
      min-width: 0;
    }
    aos-data-table {
      flex: 1 1 auto;
      min-height: 0;
    }
    .detail {
      display: flex;
      flex-direction: column;
      gap: 14px;
      padding: 14px 16px 24px;
    }
    .hash {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px 8px;
      overflow-wrap: anywhere;
    }
    .hash code {
      min-width: 0;
    }
    .btn {
      align-self: flex-start;
    }
  `,
})
export class PinsView {
  readonly state = input<string>();
  readonly server = input<string>();
  /** `server.tool` of the one that is open. */
  readonly at = input<string>();

  private readonly api = inject(IntegrationsApi);
  private readonly beside = inject(Beside);
  private readonly transloco = inject(TranslocoService);
  protected readonly mayWrite = inject(Store).selectSignal(session.selectMay('tool.write'));

  protected readonly rows = signal<readonly ToolPin[]>([]);
  protected readonly cursor = signal<string | null>(null);
  protected readonly call = signal<Call>(loading);
  protected readonly approving = signal<Call>(idle);
  protected readonly tones = tones;
  protected readonly whyOf = whyHeld;
  protected readonly idOf = ({ server, tool }: ToolPin) => `${server}.${tool}`;
  protected readonly open = computed(
    () => this.rows().find((pin) => this.idOf(pin) === this.at()) ?? null,
  );
  private readonly query = computed(() => {
    const state = states.find((each) => each === this.state());
    const server = this.server();
    return { ...(state && { state }), ...(server && { server }) };
  });
  protected readonly filters = computed((): readonly Filter[] => {
    this.transloco.activeLang();
    const word = (key: string) => this.transloco.translate<string>(`integrations.${key}`);
    return [
      {
        kind: 'choice',
        key: 'state',
        label: word('col.state'),
        options: states.map((value) => ({ value, label: word(`pins.filter.${value}`) })),
      },
      { kind: 'text', key: 'server', label: word('pins.server') },
    ];
  });
  protected readonly columns: readonly Column<ToolPin>[] = [
    {
      id: 'state',
      header: 'integrations.col.state',
      width: '130px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'tool',
      header: 'integrations.col.tool',
      width: '1.6fr',
      isFixed: true,
      text: this.idOf,
    },
    {
      id: 'hash',
      header: 'integrations.pins.hash',
      width: '120px',
      hideNarrow: true,
      text: ({ hash }) => hash.slice(0, 12),
    },
    {
      id: 'by',
      header: 'integrations.pins.by',
      width: '1fr',
      hideNarrow: true,
      text: ({ approvedBy }) =>
        approvedBy ?? this.transloco.translate('integrations.pins.atRegistration'),
    },
    { id: 'age', header: 'integrations.pins.since', width: '84px', align: 'end', hideNarrow: true },
  ];

  constructor() {
    effect(() => {
      this.query();
      untracked(() => {
        this.rows.set([]);
        this.cursor.set(null);
        this.load();
      });
    });
    // Further pages stay as they were asked for; whoever reads there is not moved.
    keepFresh(() => (this.rows().length <= 50 ? [this.load(true)] : []));
  }

  protected load(isQuiet = false): Subscription {
    const query = this.query();
    if (!isQuiet) this.call.set(loading);
    return this.api.allPins(query).subscribe({
      next: ({ items, nextCursor }) => {
        if (query !== this.query()) return;
        this.rows.set(items);
        this.cursor.set(nextCursor);
        this.call.set(done);
      },
      error: (error: unknown) => this.call.set(failed(error)),
    });
  }
  protected more(): void {
    const [query, cursor] = [this.query(), this.cursor()];
    if (cursor === null) return;
    this.api.allPins({ ...query, cursor }).subscribe({
      next: ({ items, nextCursor }) => {
        if (query !== this.query() || cursor !== this.cursor()) return;
        this.rows.update((rows) => [...rows, ...items]);
        this.cursor.set(nextCursor);
      },
      error: (error: unknown) => this.call.set(failed(error)),
    });
  }

  protected show(pin: ToolPin | null): void {
    this.approving.set(idle);
    this.beside.show('at', pin && this.idOf(pin));
  }

  /** The hash says which definition was looked at: one that has changed since is refused. */
  protected approve({ server, tool, waitingHash }: ToolPin): void {
    if (waitingHash === null || this.approving().state === 'loading') return;
    this.approving.set(loading);
    this.api.approvePin({ server, tool, hash: waitingHash }).subscribe({
      next: (approved) => {
        this.approving.set(done);
        if (isProposal(approved)) return this.show(null); // it waits above the list
        this.rows.update((rows) =>
          rows.map((row) => (this.idOf(row) === this.idOf(approved) ? approved : row)),
        );
      },
      error: (error: unknown) => {
        this.approving.set(failed(error));
        this.load(true);
      },
    });
  }
}
