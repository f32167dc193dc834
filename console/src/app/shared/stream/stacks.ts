import type { AosEvent, ValueEventType } from '@aos/contracts';
import type { LiveApproval } from '../state/approvals';
import type { LiveJob } from '../state/jobs';
import { approvalOf, receiptOf } from '../state/payloads';

export const streamFilters = ['needs-me', 'problems', 'results', 'all'] as const;
export type StreamFilter = (typeof streamFilters)[number];

export interface Row {
  id: string;
  event: AosEvent | null;
  approval: LiveApproval | null;
}
export interface Stack {
  traceId: string;
  job: LiveJob | undefined;
  at: string;
  /** The newest first. */
  rows: Row[];
  /** Rows that are not shown until somebody asks. */
  hidden: number;
  /** Whether the stack is opened, so that it can be folded again. */
  isOpen: boolean;
}

export interface Told {
  events: readonly AosEvent[];
  filter: StreamFilter;
  approvals: Readonly<Record<string, LiveApproval | undefined>>;
  pending: readonly LiveApproval[];
  jobs: ReadonlyMap<string, LiveJob>;
  /** By trace: how many rows somebody asked to see. */
  opened: ReadonlyMap<string, number>;
  only: string | null;
}

const SHOWN_PER_TASK = 3;

/** What the server is asked for when older cards of a filter are wanted. */
export const typesOf: Record<StreamFilter, readonly ValueEventType[]> = {
  'needs-me': ['approval.request'],
  problems: ['anomaly.detected', 'recovery.start', 'task.receipt'],
  results: ['task.receipt'],
  all: [],
};

/** Cards stacked by task, the task that moved last on top; what waits for a person stays in sight. */
export function stacksOf(told: Told): Stack[] {
  const seen = new Set<string>();
  const stacks: Stack[] = [];
  for (const [traceId, events] of byTask(told.events)) {
    if (told.only && traceId !== told.only) continue;
    const rows = rowsOf(events, told);
    for (const { approval } of rows) if (approval) seen.add(approval.id);
    if (rows.length === 0) continue;
    const shown = told.opened.get(traceId) ?? 0;
    stacks.push({
      traceId,
      job: told.jobs.get(traceId),
      at: events.at(-1)!.createdAt,
      ...cut(rows, shown),
      isOpen: shown > 0,
    });
  }
  stacks.sort((a, b) => newest(b) - newest(a));
  if (told.filter === 'needs-me' || told.filter === 'all') addWaiting(stacks, told, seen);
  return stacks;
}

function byTask(events: readonly AosEvent[]): Map<string, AosEvent[]> {
  const tasks = new Map<string, AosEvent[]>();
  for (const event of events) {
    const task = tasks.get(event.traceId);
    if (task) task.push(event);
    else tasks.set(event.traceId, [event]);
  }
  return tasks;
}

const newest = ({ rows }: Stack) =>
  rows.reduce((seq, { event }) => Math.max(seq, event?.seq ?? 0), 0);

function rowsOf(events: readonly AosEvent[], { filter, approvals }: Told): Row[] {
  return events
    .filter((event) => fits(event, filter))
    .map((event): Row => ({ id: event.id, event, approval: approvalFor(event, approvals) }))
    .filter(({ approval }) => filter !== 'needs-me' || approval?.status === 'pending')
    .reverse();
}

function approvalFor(event: AosEvent, approvals: Told['approvals']): LiveApproval | null {
  if (event.type !== 'approval.request') return null;
  const asked = approvalOf(event);
  if (!asked) return null;
  return approvals[asked.id] ?? { ...asked, deciding: null, problem: null };
}

/** What waits since before the stream began is not on it, and waits all the same. */
function addWaiting(stacks: Stack[], { pending, jobs, only }: Told, seen: ReadonlySet<string>) {
  const unseen = pending.filter(({ id, traceId }) => !seen.has(id) && (!only || traceId === only));
  for (const approval of [...unseen].reverse()) {
    const row: Row = { id: approval.id, event: null, approval };
    const { traceId, createdAt } = approval;
    const stack = stacks.find((one) => one.traceId === traceId);
    if (stack) stack.rows.unshift(row);
    else
      stacks.unshift({
        ...{ traceId, job: jobs.get(traceId), at: createdAt },
        ...{ rows: [row], hidden: 0, isOpen: false },
      });
  }
}

export function fits(event: AosEvent, filter: StreamFilter): boolean {
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
function cut(rows: Row[], shown: number): { rows: Row[]; hidden: number } {
  const limit = Math.max(shown, SHOWN_PER_TASK);
  if (rows.length <= limit + 1) return { rows, hidden: 0 };
  const kept = rows.filter(
    ({ approval }, index) => index < limit || approval?.status === 'pending',
  );
  return { rows: kept, hidden: rows.length - kept.length };
}
