import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  computed,
  effect,
  inject,
  input,
  model,
  signal,
  untracked,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { AosEvent, DecideRequest } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { AosApi } from '../api/aos-api';
import { ApprovalsEvents, approvals, isMine } from '../state/approvals';
import { connection } from '../state/connection';
import { JobsEvents, jobs } from '../state/jobs';
import { session } from '../state/session';
import { valueEvents } from '../state/value-events';
import { Icon } from '../ui/icon';
import { ProblemNote } from '../ui/problem-note';
import { StateMark, toneOf, wordOf } from '../ui/state-mark';
import { Age } from '../ui/time';
import { AfterDecision } from './after-decision';
import { ApprovalCard } from './approval-card';
import { EventCard } from './event-card';
import { PastPages } from './past';
import { type Stack, type StreamFilter, fits, stacksOf, streamFilters } from './stacks';

export { type StreamFilter, streamFilters } from './stacks';

const STACKS_PER_PAGE = 40;
/** A stack is opened by so many rows at a time: a burst of thousands is not put on the screen at once. */
const ROWS_PER_OPENING = 50;

interface InOrder {
  readonly stacks: readonly Stack[];
  /** How many tasks have come since the order is held. */
  readonly news: number;
  /** Whether one of them waits for a person. */
  readonly isAsking: boolean;
}

/** The value stream: what moved, stacked by task, the newest on top; what waits for a person stays in sight. */
@Component({
  selector: 'aos-value-stream',
  imports: [
    AfterDecision,
    Age,
    ApprovalCard,
    EventCard,
    Icon,
    ProblemNote,
    RouterLink,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './value-stream.html',
  styleUrl: './value-stream.css',
  // Also where the pointer was drawn out of the stream meanwhile.
  host: { '(document:pointerup)': 'release()', '(document:pointercancel)': 'release()' },
})
export class ValueStream {
  readonly filter = model<StreamFilter>('all');
  /** Only one task's events, where a page is about that task. */
  readonly traceId = input<string | null>(null);

  private readonly store = inject(Store);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  protected readonly filters = streamFilters;
  protected readonly toneOf = toneOf;
  protected readonly wordOf = wordOf;
  protected readonly status = this.store.selectSignal(connection.selectStatus);
  protected readonly mayDecide = this.store.selectSignal(session.selectMay('approval.decide'));
  private readonly live = this.store.selectSignal(valueEvents.selectAll);
  private readonly jobs = this.store.selectSignal(jobs.selectByTrace);
  private readonly pending = this.store.selectSignal(approvals.selectPending);
  private readonly approvals = this.store.selectSignal(approvals.selectEntities);

  private readonly decidedId = signal('');
  protected readonly decided = computed(() => this.approvals()[this.decidedId()]);

  private readonly past = new PastPages(inject(AosApi));
  protected readonly pastCall = this.past.call.asReadonly();
  private readonly opened = signal<ReadonlyMap<string, number>>(new Map());
  private readonly pages = signal(1);
  /** The order at the moment the pointer came in: nothing moves under a hand that is about to press. */
  private readonly heldOrder = signal<readonly string[] | null>(null);

  protected readonly needsMe = computed(() => {
    const only = this.traceId();
    if (!this.mayDecide()) return 0;
    return this.pending().filter((each) => isMine(each) && (!only || each.traceId === only)).length;
  });

  /** The past and the present, oldest first, each event once. */
  private readonly events = computed((): readonly AosEvent[] => {
    const filter = this.filter();
    const traces = [null, this.traceId(), ...this.opened().keys()];
    const older = traces.flatMap((traceId) => this.past.of(filter, traceId));
    if (older.length === 0) return this.live();
    const all = new Map([...older, ...this.live()].map((event) => [event.id, event]));
    return [...all.values()].sort((a, b) => a.seq - b.seq);
  });

  private readonly allStacks = computed((): Stack[] =>
    stacksOf({
      events: this.events(),
      filter: this.filter(),
      approvals: this.approvals(),
      pending: this.pending(),
      jobs: this.jobs(),
      opened: this.opened(),
      only: this.traceId(),
    }),
  );

  /** As it stood when a button or a finger went down, until it comes up: a press ends on what it began on. */
  private readonly pressed = signal<InOrder | null>(null);
  private readonly inOrder = computed(() => this.pressed() ?? this.ordered());
  private readonly ordered = computed((): InOrder => {
    const held = this.heldOrder();
    const stacks = this.allStacks();
    if (!held) return { stacks, news: 0, isAsking: false };
    const known = stacks.filter(({ traceId }) => held.includes(traceId));
    known.sort((a, b) => held.indexOf(a.traceId) - held.indexOf(b.traceId));
    const news = stacks.filter(({ traceId }) => !held.includes(traceId));
    return { stacks: known, news: news.length, isAsking: news.some(waits) };
  });
  protected readonly stacks = computed(() =>
    this.inOrder().stacks.slice(0, STACKS_PER_PAGE * this.pages()),
  );
  protected readonly news = computed(() => this.inOrder().news);
  protected readonly isAsking = computed(() => this.inOrder().isAsking);
  private readonly hidden = computed(() => this.inOrder().stacks.length - this.stacks().length);
  /** Whether this page is about one task whose first event came by the stream: nothing of it is older. */
  private readonly hasFirst = computed(() => {
    const only = this.traceId();
    return !!only && firstOf(this.live(), only)?.type === 'task.acceptance';
  });
  /** There is more below: here already, or on the server. */
  protected readonly hasOlder = computed(
    () =>
      this.hidden() > 0 ||
      // What waits is known whole: the approvals are a list of their own.
      (this.filter() !== 'needs-me' &&
        !this.hasFirst() &&
        !this.past.isWhole(this.filter(), this.traceId())),
  );

  constructor() {
    // What the stream brings begins where the page was opened, the past does not: "quiet", and that there is more to
    // show, is said of what was asked for. Once of each filter and task; what failed is asked again by hand.
    effect(() => {
      const [filter, only] = [this.filter(), this.traceId()];
      if (this.status() !== 'live' || this.hidden() > 0 || !this.hasOlder()) return;
      if (this.pastCall().state === 'loading' || this.past.isAsked(filter, only)) return;
      untracked(() => void this.showOlder());
    });
  }

  protected hold(): void {
    const order = this.allStacks().map(({ traceId }) => traceId);
    // Where nothing is yet, nothing can move away.
    if (order.length > 0) this.heldOrder.set(order);
  }
  protected letGo(): void {
    this.heldOrder.set(null);
  }
  protected press(): void {
    this.pressed.set(this.ordered());
  }
  protected release(): void {
    this.pressed.set(null);
  }

  protected open({ traceId, rows }: Stack): void {
    this.opened.update((opened) => new Map(opened).set(traceId, rows.length + ROWS_PER_OPENING));
  }
  protected fold({ traceId }: Stack): void {
    this.opened.update((opened) => {
      const rest = new Map(opened);
      rest.delete(traceId);
      return rest;
    });
  }

  async showOlder(): Promise<void> {
    if (this.hidden() > 0) {
      this.pages.update((pages) => pages + 1);
      return;
    }
    this.letGo();
    const only = this.traceId();
    const oldest = firstOf(this.live(), only);
    const come = await this.past.turn(this.filter(), only, oldest?.seq ?? null);
    const known = this.jobs();
    const unknown = come.filter(({ traceId, jobId }) => jobId && !known.has(traceId));
    if (unknown.length > 0)
      this.store.dispatch(
        JobsEvents.unknown({ ids: [...new Set(unknown.map(({ jobId }) => jobId!))] }),
      );
    if (come.some((event) => fits(event, this.filter()))) this.pages.update((pages) => pages + 1);
  }

  protected decide(decision: DecideRequest): void {
    this.decidedId.set(decision.approvalId);
    this.store.dispatch(ApprovalsEvents.decisionMade({ decision }));
  }

  /** j and k go from task to task. */
  protected step(event: KeyboardEvent): void {
    const by = { j: 1, k: -1 }[event.key];
    const target = event.target as HTMLElement;
    if (!by || event.ctrlKey || event.metaKey || event.altKey || target.closest('textarea, input'))
      return;
    const heads = [...this.host.nativeElement.querySelectorAll<HTMLElement>('.goal')];
    const here = target.closest('.stack')?.querySelector<HTMLElement>('.goal');
    const next = heads[here ? heads.indexOf(here) + by : 0];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
    next.closest('.stack')?.scrollIntoView({ block: 'nearest' });
  }
}

const waits = ({ rows }: Stack) => rows.some(({ approval }) => approval?.status === 'pending');

/** The oldest of one task, or of all. */
const firstOf = (events: readonly AosEvent[], only: string | null) =>
  events.find(({ traceId }) => !only || traceId === only);
