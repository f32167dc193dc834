import type { AosEvent } from '@aos/contracts';

export type BarKind =
  'queued' | 'running' | 'waiting' | 'recovering' | 'done' | 'failed' | 'skipped';

/** A stretch of time in which something was in one state. */
export interface Bar {
  readonly kind: BarKind;
  readonly from: number;
  /** Null while it goes on. */
  readonly to: number | null;
  readonly attempt: number;
  readonly told: AosEvent;
}
export interface Lane {
  /** Null is the run as a whole. */
  readonly stepId: string | null;
  readonly bars: readonly Bar[];
}

interface Open {
  kind: BarKind;
  from: number;
  attempt: number;
  told: AosEvent;
}

/** Builds the lanes while it reads the events once, in their order. */
class Lanes {
  private readonly bars = new Map<string | null, Bar[]>([[null, []]]);
  private readonly open = new Map<string | null, Open>();

  begin(lane: string | null, bar: Open): void {
    this.end(lane, bar.from);
    if (!this.bars.has(lane)) this.bars.set(lane, []);
    this.open.set(lane, bar);
  }
  end(lane: string | null, to: number, kind?: BarKind): void {
    const bar = this.open.get(lane);
    if (!bar) return;
    this.open.delete(lane);
    this.bars.get(lane)!.push({ ...bar, kind: kind ?? bar.kind, to });
  }
  /** Whatever was under way when the process went down is under way no more. */
  breakOff(at: number): void {
    for (const lane of [...this.open.keys()]) if (lane !== null) this.end(lane, at, 'failed');
  }
  finish(to: number): void {
    for (const lane of [...this.open.keys()]) this.end(lane, to);
  }
  get all(): Lane[] {
    for (const [lane, bar] of this.open) this.bars.get(lane)!.push({ ...bar, to: null });
    return [...this.bars].map(([stepId, bars]) => ({ stepId, bars }));
  }
}

/** The run and its steps side by side: every attempt a bar of its own, and every wait for a person one. */
export function lanesOf(events: readonly AosEvent[]): Lane[] {
  const lanes = new Lanes();
  for (const event of events) add(lanes, event);
  return lanes.all;
}

function add(lanes: Lanes, event: AosEvent): void {
  const at = Date.parse(event.createdAt);
  const { payload, type } = event;
  const attempt = typeof payload['attempts'] === 'number' ? payload['attempts'] : 1;
  const step = typeof payload['stepId'] === 'string' ? payload['stepId'] : null;
  const bar = (kind: BarKind): Open => ({ kind, from: at, attempt, told: event });
  switch (type) {
    case 'task.acceptance':
      lanes.begin(null, bar('queued'));
      break;
    case 'run.sense':
    case 'recovery.done':
      lanes.begin(null, bar('running'));
      break;
    case 'recovery.start':
      lanes.breakOff(at);
      lanes.begin(null, bar('recovering'));
      break;
    case 'run.step':
      addStep(lanes, step, payload['state'], bar, at);
      break;
    case 'approval.request':
      if (step !== null) lanes.begin(step, bar('waiting'));
      break;
    case 'approval.decided':
      if (step !== null) lanes.end(step, at);
      break;
    case 'task.receipt':
      lanes.end(null, at, endOf(payload['status']));
      lanes.finish(at);
      break;
    default:
  }
}

function addStep(
  lanes: Lanes,
  step: string | null,
  state: unknown,
  bar: (kind: BarKind) => Open,
  at: number,
): void {
  if (step === null) return;
  if (state === 'running') lanes.begin(step, bar('running'));
  else if (state === 'done' || state === 'failed' || state === 'skipped')
    lanes.end(step, at, state);
  else lanes.end(step, at, 'failed');
}

const endOf = (status: unknown): BarKind =>
  status === 'succeeded' ? 'done' : status === 'failed' ? 'failed' : 'skipped';
