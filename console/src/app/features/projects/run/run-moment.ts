import type { AosEvent, JobStatus, StepState } from '@aos/contracts';

/** How a step stood at one moment. */
export interface StepMoment {
  readonly id: string;
  readonly state: StepState['state'];
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly error: string | null;
  /** The error by its code, where it has one. */
  readonly said?: StepState['said'];
}

/** How a run stood at one moment: while it goes on that is now, and in a replay any time before. */
export interface Moment {
  readonly status: JobStatus;
  readonly isRecovering: boolean;
  /** Before the planner was done there are no steps to show. */
  readonly isPlanned: boolean;
  readonly steps: ReadonlyMap<string, StepMoment>;
  readonly artifactIds: ReadonlySet<string>;
  /** The last thing that had been said by then. */
  readonly told: AosEvent | null;
}

interface Draft {
  status: JobStatus;
  isRecovering: boolean;
  isPlanned: boolean;
  steps: Map<string, StepMoment>;
  artifactIds: Set<string>;
  told: AosEvent | null;
}

const stepStates = new Set<unknown>(['pending', 'running', 'waiting', 'done', 'failed', 'skipped']);
const statuses = new Set<unknown>([
  'scheduled',
  'queued',
  'running',
  'waiting',
  'succeeded',
  'failed',
  'cancelled',
]);
const over = new Set<StepState['state']>(['done', 'failed', 'skipped']);
const ends = new Set<JobStatus>(['succeeded', 'failed', 'cancelled']);

/** Everything there is to see of a run follows from its events, in their order, up to a moment. */
export function momentOf(
  plan: readonly StepState[],
  events: readonly AosEvent[],
  until: number | null,
): Moment {
  const draft: Draft = {
    status: 'queued',
    isRecovering: false,
    isPlanned: false,
    steps: new Map(plan.map((step) => [step.id, asPlanned(step, events)])),
    artifactIds: new Set(),
    told: null,
  };
  for (const event of events) {
    if (until !== null && Date.parse(event.createdAt) > until) break;
    apply(draft, event);
  }
  return draft;
}

/** A rerun takes over results without running the step: such a step is done from the beginning. */
function asPlanned(step: StepState, events: readonly AosEvent[]): StepMoment {
  const isTold = events.some(
    ({ type, payload }) => type === 'run.step' && payload['stepId'] === step.id,
  );
  const isTakenOver = !isTold && step.state === 'done' && step.startedAt === null;
  return {
    id: step.id,
    state: isTakenOver ? 'done' : 'pending',
    attempts: 0,
    startedAt: null,
    finishedAt: null,
    error: null,
  };
}

function apply(draft: Draft, event: AosEvent): void {
  const { payload, type } = event;
  draft.told = event;
  switch (type) {
    case 'job.status':
      changeStatus(draft, event);
      break;
    case 'run.sense':
      draft.status = 'running';
      break;
    case 'run.plan':
      draft.isPlanned = true;
      draft.status = 'running';
      break;
    case 'run.step':
      draft.status = 'running';
      changeStep(draft, event, payload['state']);
      break;
    case 'approval.request':
      draft.status = 'waiting';
      changeStep(draft, event, 'waiting');
      break;
    case 'approval.decided':
      draft.status = 'running';
      changeStep(draft, event, 'pending');
      break;
    case 'recovery.start':
      draft.isRecovering = true;
      break;
    case 'recovery.done':
      draft.isRecovering = false;
      draft.status = 'running';
      break;
    case 'artifact.created':
      if (typeof payload['artifactId'] === 'string') draft.artifactIds.add(payload['artifactId']);
      break;
    case 'task.receipt':
      draft.isRecovering = false;
      changeStatus(draft, event);
      break;
    default:
  }
}

/** With the run end the steps that it has not come to, as the server writes them down. */
function changeStatus(draft: Draft, { payload, createdAt }: AosEvent): void {
  if (!statuses.has(payload['status'])) return;
  draft.status = payload['status'] as JobStatus;
  if (!ends.has(draft.status)) return;
  for (const [id, step] of draft.steps) {
    if (over.has(step.state)) continue;
    const state = step.state === 'running' ? 'failed' : 'skipped';
    draft.steps.set(id, { ...step, state, finishedAt: Date.parse(createdAt) });
  }
}

function changeStep(draft: Draft, event: AosEvent, to: unknown): void {
  const { stepId, attempts, error, said } = event.payload;
  const step = draft.steps.get(String(stepId));
  if (!step || !stepStates.has(to)) return;
  const state = to as StepState['state'];
  const at = Date.parse(event.createdAt);
  draft.steps.set(step.id, {
    ...step,
    said: undefined,
    state,
    attempts: typeof attempts === 'number' ? attempts : step.attempts,
    startedAt: state === 'running' ? at : step.startedAt,
    finishedAt: over.has(state) ? at : null,
    ...(typeof error === 'string' || state !== 'failed'
      ? { error: typeof error === 'string' ? error : null }
      : { error: event.summary, said: said as StepState['said'] }),
  });
}
