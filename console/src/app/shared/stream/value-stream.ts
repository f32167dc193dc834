import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  model,
  signal,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { AosEvent, DecideRequest } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { ApprovalsEvents, type LiveApproval, approvals } from '../state/approvals';
import { connection } from '../state/connection';
import { type LiveJob, jobs } from '../state/jobs';
import { approvalOf, receiptOf } from '../state/payloads';
import { session } from '../state/session';
import { valueEvents } from '../state/value-events';
import { Icon } from '../ui/icon';
import { StateMark, toneOf, wordOf } from '../ui/state-mark';
import { Age } from '../ui/time';
import { ApprovalCard } from './approval-card';
import { EventCard } from './event-card';

export const streamFilters = ['needs-me', 'problems', 'results', 'all'] as const;
export type StreamFilter = (typeof streamFilters)[number];

interface Row {
  id: string;
  event: AosEvent | null;
  approval: LiveApproval | null;
}
interface Stack {
  traceId: string;
  job: LiveJob | undefined;
  at: string;
  rows: Row[];
  hidden: number;
}

const SHOWN_PER_TASK = 3;
const STACKS_PER_PAGE = 40;

/** The value stream: what moved, stacked by task, the newest on top; what waits for a person stays in sight. */
@Component({
  selector: 'aos-value-stream',
  imports: [Age, ApprovalCard, EventCard, Icon, RouterLink, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './value-stream.html',
  styleUrl: './value-stream.css',
})
export class ValueStream {
  readonly filter = model<StreamFilter>('all');
  /** Only one task's events, where a page is about that task. */
  readonly traceId = input<string | null>(null);

  private readonly store = inject(Store);
  protected readonly filters = streamFilters;
  protected readonly toneOf = toneOf;
  protected readonly wordOf = wordOf;
  protected readonly status = this.store.selectSignal(connection.selectStatus);
  protected readonly mayDecide = this.store.selectSignal(session.selectMay('approval.decide'));
  private readonly tasks = this.store.selectSignal(valueEvents.selectByTask);
  private readonly jobs = this.store.selectSignal(jobs.selectByTrace);
  private readonly pending = this.store.selectSignal(approvals.selectPending);
  private readonly approvals = this.store.selectSignal(approvals.selectEntities);

  private readonly opened = signal<ReadonlySet<string>>(new Set());
  private readonly pages = signal(1);
  /** The order at the moment the pointer came in: nothing moves under a hand that is about to press. */
  private readonly heldOrder = signal<readonly string[] | null>(null);

  protected readonly needsMe = computed(() => this.pending().length);

  private readonly allStacks = computed((): Stack[] => {
    const filter = this.filter();
    const pending = this.pending();
    const opened = this.opened();
    const told = new Set<string>();
    const stacks: Stack[] = [];

    for (const { traceId, events, latest } of this.tasks()) {
      const rows = events
        .filter((event) => fits(event, filter))
        .map((event): Row => ({ id: event.id, event, approval: this.approvalFor(event) }))
        .filter(({ approval }) => filter !== 'needs-me' || approval?.status === 'pending')
        .reverse();
      for (const { approval } of rows) if (approval) told.add(approval.id);
      if (rows.length === 0) continue;
      stacks.push({
        traceId,
        job: this.jobs().get(traceId),
        at: latest.createdAt,
        ...cut(rows, opened.has(traceId)),
      });
    }
    // What waits since before the stream began is not on it, and waits all the same.
    if (filter === 'needs-me' || filter === 'all') {
      for (const approval of pending.filter(({ id }) => !told.has(id)).reverse()) {
        const row: Row = { id: approval.id, event: null, approval };
        const stack = stacks.find(({ traceId }) => traceId === approval.traceId);
        if (stack) stack.rows.unshift(row);
        else
          stacks.unshift({
            traceId: approval.traceId,
            job: this.jobs().get(approval.traceId),
            at: approval.createdAt,
            rows: [row],
            hidden: 0,
          });
      }
    }
    const only = this.traceId();
    return only ? stacks.filter(({ traceId }) => traceId === only) : stacks;
  });

  private readonly inOrder = computed(() => {
    const held = this.heldOrder();
    const stacks = this.allStacks();
    if (!held) return { stacks, news: 0 };
    const known = stacks.filter(({ traceId }) => held.includes(traceId));
    known.sort((a, b) => held.indexOf(a.traceId) - held.indexOf(b.traceId));
    return { stacks: known, news: stacks.length - known.length };
  });
  protected readonly stacks = computed(() =>
    this.inOrder().stacks.slice(0, STACKS_PER_PAGE * this.pages()),
  );
  protected readonly news = computed(() => this.inOrder().news);
  protected readonly older = computed(() => this.inOrder().stacks.length - this.stacks().length);

  protected hold(): void {
    this.heldOrder.set(this.allStacks().map(({ traceId }) => traceId));
  }
  protected letGo(): void {
    this.heldOrder.set(null);
  }
  protected open(traceId: string): void {
    this.opened.update((opened) => new Set(opened).add(traceId));
  }
  protected showOlder(): void {
    this.pages.update((pages) => pages + 1);
  }
  protected decide(decision: DecideRequest): void {
    this.store.dispatch(ApprovalsEvents.decisionMade({ decision }));
  }

  private approvalFor(event: AosEvent): LiveApproval | null {
    if (event.type !== 'approval.request') return null;
    const asked = approvalOf(event);
    if (!asked) return null;
    return this.approvals()[asked.id] ?? { ...asked, deciding: null, problem: null };
  }
}

function fits(event: AosEvent, filter: StreamFilter): boolean {
  switch (filter) {
    case 'needs-me':
      return event.type === 'approval.request';
    case 'problems':
      return (
        event.type === 'anomaly.detected' ||
        event.type === 'recovery.start' ||
        (event.type === 'task.receipt' && receiptOf(event)?.status === 'failed')
      );
    case 'results':
      return event.type === 'task.receipt';
    case 'all':
      return true;
  }
}

/** The newest few, and whatever waits for a person however old it is. */
function cut(rows: Row[], isOpen: boolean): { rows: Row[]; hidden: number } {
  if (isOpen || rows.length <= SHOWN_PER_TASK + 1) return { rows, hidden: 0 };
  const shown = rows.filter(
    ({ approval }, index) => index < SHOWN_PER_TASK || approval?.status === 'pending',
  );
  return { rows: shown, hidden: rows.length - shown.length };
}
