import type { AosEvent } from '@aos/contracts';
import { type EntityState, createEntityAdapter } from '@ngrx/entity';
import { createFeature, createReducer, createSelector, on } from '@ngrx/store';
import { StreamEvents } from './connection';

/** Old cards go, so that a console left open for a week weighs what it weighed in the morning. */
export const KEPT_EVENTS = 2_000;

const adapter = createEntityAdapter<AosEvent>({ sortComparer: (a, b) => a.seq - b.seq });

export const valueEvents = createFeature({
  name: 'valueEvents',
  reducer: createReducer(
    adapter.getInitialState(),
    on(StreamEvents.received, (state, { events }) => trim(adapter.upsertMany(events, state))),
    on(StreamEvents.resyncDemanded, StreamEvents.closed, (state) => adapter.removeAll(state)),
  ),
  extraSelectors: ({ selectValueEventsState }) => ({
    /** Oldest first. */
    selectAll: createSelector(selectValueEventsState, adapter.getSelectors().selectAll),
  }),
});

function trim(state: EntityState<AosEvent>): EntityState<AosEvent> {
  const surplus = state.ids.length - KEPT_EVENTS;
  return surplus > 0 ? adapter.removeMany(state.ids.slice(0, surplus) as string[], state) : state;
}
