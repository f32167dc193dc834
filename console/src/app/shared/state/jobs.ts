import { inject } from '@angular/core';
import type { AosEvent, Job, JobStatus, Problem, Receipt } from '@aos/contracts';
import { Actions, createEffect, ofType } from '@ngrx/effects';
import { type EntityState, createEntityAdapter } from '@ngrx/entity';
import {
  createActionGroup,
  createFeature,
  createReducer,
  createSelector,
  on,
  props,
} from '@ngrx/store';
import { EMPTY, catchError, map, mergeMap, of, switchMap } from 'rxjs';
import { AosApi } from '../api/aos-api';
import { type Call, done, idle, loading, toProblem } from '../api/problem';
import { ApprovalsEvents } from './approvals';
import { StreamEvents } from './connection';
import { SessionEvents } from './session';
import { acceptanceOf, milestoneOf, receiptOf } from './payloads';

export const JobsEvents = createActionGroup({
  source: 'Jobs',
  events: {
    'List wanted': props<{ status?: JobStatus; cursor?: string }>(),
    'List loaded': props<{ jobs: Job[]; nextCursor: string | null; status?: JobStatus }>(),
    'List failed': props<{ problem: Problem }>(),
    /** One job as the server has it: after a click on it, or when it was seen on the stream without its row. */
    Loaded: props<{ job: Job }>(),
    /** A page of a list that keeps its own filter and cursor. */
    'Page loaded': props<{ jobs: Job[] }>(),
    /** Seen among older events, without their rows. */
    Unknown: props<{ ids: string[] }>(),
    /** A message was sent and this job came of it; the stream has not spoken of it yet. */
    Accepted: props<{ id: string; traceId: string; goal: string; conversationId: string | null }>(),
  },
});

/** A job, and what only the stream knows of it. */
export interface LiveJob extends Job {
  isRecovering: boolean;
  /** What was said of it last. */
  told: Pick<AosEvent, 'summary' | 'payload'> | null;
  receipt: Receipt | null;
  /** The seq of the last event that shaped this row; an older one changes nothing. */
  seq: number;
}

const adapter = createEntityAdapter<LiveJob>({
  // Not by localeCompare, which for a hundred thousand rows takes a hundred times as long.
  sortComparer: (a, b) =>
    a.createdAt === b.createdAt ? Number(b.id) - Number(a.id) : a.createdAt < b.createdAt ? 1 : -1,
});

interface JobsState extends EntityState<LiveJob> {
  list: Call;
  nextCursor: Record<string, string | null>;
}
const initial: JobsState = adapter.getInitialState({ list: idle as Call, nextCursor: {} });

const ended = new Set<string>(['succeeded', 'failed', 'cancelled']);
export const hasEnded = (job: Pick<Job, 'status'>) => ended.has(job.status);

export const jobs = createFeature({
  name: 'jobs',
  reducer: createReducer(
    initial,
    on(JobsEvents.listWanted, (state): JobsState => ({ ...state, list: loading })),
    on(JobsEvents.listFailed, (state, { problem }): JobsState => ({
      ...state,
      list: { state: 'failed', problem },
    })),
    on(JobsEvents.listLoaded, (state, { jobs: rows, nextCursor, status }): JobsState => ({
      ...mergeRows(state, rows),
      list: done,
      nextCursor: { ...state.nextCursor, [status ?? 'all']: nextCursor },
    })),
    on(JobsEvents.loaded, (state, { job }) => mergeRows(state, [job])),
    on(JobsEvents.pageLoaded, (state, { jobs: rows }) => mergeRows(state, rows)),
    on(JobsEvents.accepted, (state, { id, traceId, goal, conversationId }) =>
      state.entities[id]
        ? state
        : adapter.addOne({ ...unknownJob(id, traceId), goal, conversationId }, state),
    ),
    on(StreamEvents.received, (state, { events }) => events.reduce(applyEvent, state)),
    // The stream says nothing of a decision; the task goes on from it all the same.
    on(ApprovalsEvents.decided, (state, { approval: { jobId } }): JobsState =>
      jobId !== null && state.entities[jobId]?.status === 'waiting'
        ? adapter.updateOne({ id: jobId, changes: { status: 'running' } }, state)
        : state,
    ),
    on(StreamEvents.closed, () => initial),
  ),
  extraSelectors: ({ selectJobsState, selectEntities }) => {
    const selectAll = createSelector(selectJobsState, adapter.getSelectors().selectAll);
    return {
      selectAll,
      selectByTrace: createSelector(
        selectAll,
        (all) => new Map(all.map((job): [string, LiveJob] => [job.traceId, job])),
      ),
      selectById: (id: string) => createSelector(selectEntities, (entities) => entities[id]),
    };
  },
});

/** The server's row is the truth, except where the stream has already told of a later state. */
const mergeRows = (state: JobsState, rows: readonly Job[]): JobsState =>
  adapter.upsertMany(
    rows.map((row) => merged(state.entities[row.id], row)),
    state,
  );

function merged(known: LiveJob | undefined, row: Job): LiveJob {
  const live: LiveJob = {
    isRecovering: false,
    told: null,
    receipt: null,
    seq: 0,
    ...known,
    ...row,
  };
  if (known && hasEnded(known) && !hasEnded(row)) {
    live.status = known.status;
    live.finishedAt = known.finishedAt;
    live.progress = known.progress;
  }
  if (hasEnded(live)) live.isRecovering = false;
  return live;
}

function applyEvent(state: JobsState, event: AosEvent): JobsState {
  if (!event.jobId) return state;
  const job = state.entities[event.jobId] ?? unknownJob(event.jobId, event.traceId, event);
  if (event.seq <= job.seq) return state;
  const next: LiveJob = { ...job, seq: event.seq, told: toldIn(event), ...change(job, event) };
  return adapter.upsertOne(next, state);
}

/** A row is kept for long: of the payload it needs no more than what is said. */
const toldIn = ({ summary, payload: { said } }: AosEvent): LiveJob['told'] => ({
  summary,
  payload: { said },
});

function change(job: LiveJob, event: AosEvent): Partial<LiveJob> {
  // A row that was loaded after the run had ended knows more than a replayed event of its middle.
  if (hasEnded(job) && event.type !== 'task.receipt') return {};
  switch (event.type) {
    case 'task.acceptance': {
      const { goal, steps, agent, agentId, rerunOf, scheduledAt } = acceptanceOf(event);
      const isLater = scheduledAt !== null && job.startedAt === null;
      return {
        goal: goal ?? job.goal,
        agentName: agent ?? job.agentName,
        agentId: agentId ?? job.agentId,
        rerunOf: rerunOf ?? job.rerunOf,
        scheduledAt: job.scheduledAt ?? scheduledAt,
        status: isLater ? 'scheduled' : 'running',
        startedAt: isLater ? null : (job.startedAt ?? event.createdAt),
        progress: steps === null ? job.progress : { ...job.progress, total: steps },
      };
    }
    case 'task.progress.milestone': {
      const { approvalId, stepId, done: finished, total } = milestoneOf(event);
      if (approvalId !== null) return {};
      return {
        status: 'running',
        isRecovering: false,
        progress: {
          done: finished ?? job.progress.done,
          total: total ?? job.progress.total,
          current: stepId ?? job.progress.current,
        },
      };
    }
    case 'approval.request':
      return { status: 'waiting' };
    case 'recovery.start':
      return { isRecovering: true, status: 'running' };
    case 'recovery.done':
      return { isRecovering: false, status: 'running' };
    case 'task.receipt': {
      const receipt = receiptOf(event);
      return {
        receipt,
        isRecovering: false,
        status: receipt?.status ?? job.status,
        finishedAt: job.finishedAt ?? event.createdAt,
        attempts: receipt?.attempts ?? job.attempts,
      };
    }
    default:
      return {};
  }
}

function unknownJob(id: string, traceId: string, event?: AosEvent): LiveJob {
  return {
    id,
    traceId,
    goal: '',
    status: 'queued',
    priority: 5,
    projectId: event?.projectId ?? null,
    agentId: null,
    agentName: null,
    conversationId: null,
    rerunOf: null,
    attempts: 1,
    progress: { done: 0, total: 0, current: null },
    createdBy: '',
    createdAt: event?.createdAt ?? new Date().toISOString(),
    scheduledAt: null,
    startedAt: null,
    finishedAt: null,
    error: null,
    isRecovering: false,
    told: null,
    receipt: null,
    seq: 0,
  };
}

export const loadJobs = createEffect(
  (actions = inject(Actions), api = inject(AosApi)) =>
    actions.pipe(
      ofType(JobsEvents.listWanted),
      switchMap(({ status, cursor }) =>
        api.jobs({ status, cursor }).pipe(
          map(({ items, nextCursor }) =>
            JobsEvents.listLoaded({ jobs: items, nextCursor, status }),
          ),
          catchError((error: unknown) => of(JobsEvents.listFailed({ problem: toProblem(error) }))),
        ),
      ),
    ),
  { functional: true },
);

const AT_ONCE = 4;
export const loadUnknown = createEffect(
  (actions = inject(Actions), api = inject(AosApi)) =>
    actions.pipe(
      ofType(JobsEvents.unknown),
      mergeMap(({ ids }) => ids),
      mergeMap(
        (id) =>
          api.job(id).pipe(
            map((job) => JobsEvents.loaded({ job })),
            // The card stands without the name of its task.
            catchError(() => EMPTY),
          ),
        AT_ONCE,
      ),
    ),
  { functional: true },
);

/** On sign-in, and when the stream lost its thread: start from what the server has. */
export const startFromTheServer = createEffect(
  (actions = inject(Actions)) =>
    actions.pipe(
      ofType(
        SessionEvents.found,
        SessionEvents.signedIn,
        StreamEvents.ready,
        StreamEvents.resyncDemanded,
      ),
      map(() => JobsEvents.listWanted({})),
    ),
  { functional: true },
);
