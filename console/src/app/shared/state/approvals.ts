import { inject } from '@angular/core';
import type { Approval, DecideRequest, Problem } from '@aos/contracts';
import { Actions, createEffect, ofType } from '@ngrx/effects';
import { createEntityAdapter } from '@ngrx/entity';
import {
  Store,
  createActionGroup,
  createFeature,
  createReducer,
  createSelector,
  emptyProps,
  on,
  props,
} from '@ngrx/store';
import {
  EMPTY,
  catchError,
  concatMap,
  debounceTime,
  filter,
  forkJoin,
  fromEvent,
  interval,
  map,
  merge,
  mergeMap,
  of,
  switchMap,
  tap,
} from 'rxjs';
import { AosApi } from '../api/aos-api';
import { toProblem } from '../api/problem';
import { StreamEvents } from './connection';
import { approvalOf } from './payloads';
import { SessionEvents } from './session';
import { isParticular } from '../i18n/who-decides';

export const ApprovalsEvents = createActionGroup({
  source: 'Approvals',
  events: {
    'Pending wanted': emptyProps(),
    'Pending loaded': props<{ approvals: Approval[]; askedAt: string }>(),
    'Pending failed': props<{ problem: Problem }>(),
    'Decision made': props<{ decision: DecideRequest }>(),
    Decided: props<{ approval: Approval }>(),
    'Decision refused': props<{ approvalId: string; problem: Problem }>(),
  },
});

export interface LiveApproval extends Approval {
  /** Which button was pressed, while the answer is under way. */
  deciding: DecideRequest['decision'] | null;
  problem: Problem | null;
}

const STILL_WAITS_MS = 5_000;

const adapter = createEntityAdapter<LiveApproval>({
  sortComparer: (a, b) => a.createdAt.localeCompare(b.createdAt),
});

/** Nothing keeps me from a yes: it waits for me, and not only for others. */
export const isMine = ({ you }: Pick<Approval, 'you'>): boolean => you.obstacle === null;

const fresh = (approval: Approval): LiveApproval => ({
  ...approval,
  deciding: null,
  problem: null,
});
/** The state says these are over, whoever decided: nobody can act on them any more. */
const isOver = new Set(['approval_decided', 'approval_expired', 'approval_void', 'not_found']);

export const approvals = createFeature({
  name: 'approvals',
  reducer: createReducer(
    adapter.getInitialState(),
    on(ApprovalsEvents.pendingLoaded, (state, { approvals: rows, askedAt }) => {
      // What the server no longer lists as pending is over; what came after we asked stays.
      const listed = new Set(rows.map(({ id }) => id));
      const gone = Object.values(state.entities)
        .filter((a) => a?.status === 'pending' && !listed.has(a.id) && a.createdAt < askedAt)
        .map((a) => ({ id: a!.id, changes: { status: 'void' as const, deciding: null } }));
      // Once each: the adapter would take two rows of one id for two, if it knew neither.
      const each = new Map(rows.map((row) => [row.id, row]));
      const known = [...each.values()].map((row) => ({
        ...row,
        deciding: state.entities[row.id]?.deciding ?? null,
        problem: state.entities[row.id]?.problem ?? null,
      }));
      return adapter.upsertMany(known, adapter.updateMany(gone, state));
    }),
    on(StreamEvents.received, (state, { events }) =>
      adapter.addMany(
        events
          .filter(({ type }) => type === 'approval.request')
          .map(approvalOf)
          .filter((approval): approval is Approval => approval !== null)
          .map(fresh),
        state,
      ),
    ),
    on(ApprovalsEvents.decisionMade, (state, { decision }) =>
      adapter.updateOne(
        { id: decision.approvalId, changes: { deciding: decision.decision, problem: null } },
        state,
      ),
    ),
    on(ApprovalsEvents.decided, (state, { approval }) => adapter.upsertOne(fresh(approval), state)),
    on(ApprovalsEvents.decisionRefused, (state, { approvalId, problem }) =>
      adapter.updateOne(
        {
          id: approvalId,
          changes: {
            deciding: null,
            problem,
            ...(problem.code === 'approval_expired' && { status: 'expired' as const }),
          },
        },
        state,
      ),
    ),
    on(StreamEvents.closed, () => adapter.getInitialState()),
  ),
  extraSelectors: ({ selectApprovalsState, selectEntities }) => {
    const selectAll = createSelector(selectApprovalsState, adapter.getSelectors().selectAll);
    return {
      selectAll,
      selectPending: createSelector(selectAll, (all) =>
        all.filter(({ status }) => status === 'pending'),
      ),
      selectMine: createSelector(selectAll, (all) =>
        all.filter((each) => each.status === 'pending' && isMine(each)),
      ),
      selectById: (id: string) => createSelector(selectEntities, (entities) => entities[id]),
    };
  },
});

export const loadPending = createEffect(
  (actions = inject(Actions), api = inject(AosApi)) =>
    actions.pipe(
      ofType(ApprovalsEvents.pendingWanted),
      switchMap(() => {
        const askedAt = new Date().toISOString();
        return forkJoin([api.approvals({ status: 'pending' }), api.approvals({})]).pipe(
          map(([pending, recent]) =>
            ApprovalsEvents.pendingLoaded({
              approvals: [...recent.items, ...pending.items],
              askedAt,
            }),
          ),
          catchError((error: unknown) =>
            of(ApprovalsEvents.pendingFailed({ problem: toProblem(error) })),
          ),
        );
      }),
    ),
  { functional: true },
);

/** A click is an answer: each is sent, in the order of the clicks. */
export const sendDecision = createEffect(
  (actions = inject(Actions), api = inject(AosApi)) =>
    actions.pipe(
      ofType(ApprovalsEvents.decisionMade),
      mergeMap(({ decision }) =>
        api.decide(decision).pipe(
          map((approval) => ApprovalsEvents.decided({ approval })),
          catchError((error: unknown) =>
            of(
              ApprovalsEvents.decisionRefused({
                approvalId: decision.approvalId,
                problem: toProblem(error),
              }),
            ),
          ),
        ),
      ),
    ),
  { functional: true },
);

/** On sign-in, after a gap, and when someone else turned out to have been quicker. */
export const startFromTheServer = createEffect(
  (actions = inject(Actions)) =>
    actions.pipe(
      ofType(
        SessionEvents.found,
        SessionEvents.signedIn,
        // What the stream replays may have been decided long since.
        StreamEvents.ready,
        StreamEvents.resyncDemanded,
        ApprovalsEvents.decisionRefused,
      ),
      filter(
        (action) =>
          action.type !== ApprovalsEvents.decisionRefused.type || isOver.has(action.problem.code),
      ),
      map(() => ApprovalsEvents.pendingWanted()),
    ),
  { functional: true },
);

/** An event is the same for all who see it: where not everybody may decide, what I may is asked for. */
export const askWhatIMay = createEffect(
  (actions = inject(Actions)) =>
    actions.pipe(
      ofType(StreamEvents.received),
      filter(({ events }) =>
        events.some((event) => {
          const asked = event.type === 'approval.request' ? approvalOf(event) : null;
          return asked !== null && isParticular(asked.approvers);
        }),
      ),
      debounceTime(200),
      map(() => ApprovalsEvents.pendingWanted()),
    ),
  { functional: true },
);

/** Tabs of one browser tell each other: what was decided in one is over in all, at once. */
const tabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('aos.approvals');

export const tellOtherTabs = createEffect(
  (actions = inject(Actions)) =>
    actions.pipe(
      ofType(ApprovalsEvents.decided),
      tap(() => tabs?.postMessage('decided')),
    ),
  { functional: true, dispatch: false },
);

/** What is heard says only that something changed; what it is, the server says to each as they may know it. */
export const hearOtherTabs = createEffect(
  () =>
    tabs ? fromEvent(tabs, 'message').pipe(map(() => ApprovalsEvents.pendingWanted())) : EMPTY,
  { functional: true },
);

/**
 * What somebody else decides elsewhere is no event of the value stream. As long as something waits here and a person
 * may be looking at it, ask now and then; and whenever they come back to this tab.
 */
export const lookWhatStillWaits = createEffect(
  (store = inject(Store)) => {
    const pending = store.selectSignal(approvals.selectPending);
    return merge(interval(STILL_WAITS_MS), fromEvent(document, 'visibilitychange')).pipe(
      filter(() => document.visibilityState === 'visible' && pending().length > 0),
      map(() => ApprovalsEvents.pendingWanted()),
    );
  },
  { functional: true },
);

/**
 * A decision is not an event of the value stream, but the task that goes on or ends because of it is: when a task
 * moves that we think is waiting, ask what still waits.
 */
export const noticeDecisionsOfOthers = createEffect(
  (actions = inject(Actions), store = inject(Store)) => {
    const pending = store.selectSignal(approvals.selectPending);
    return actions.pipe(
      ofType(StreamEvents.received),
      filter(({ events }) =>
        events.some(
          ({ type, traceId }) =>
            type !== 'approval.request' && pending().some((waiting) => waiting.traceId === traceId),
        ),
      ),
      debounceTime(500),
      concatMap(() => of(ApprovalsEvents.pendingWanted())),
    );
  },
  { functional: true },
);
