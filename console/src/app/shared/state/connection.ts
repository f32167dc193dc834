import type { AosEvent } from '@aos/contracts';
import {
  createActionGroup,
  createFeature,
  createReducer,
  emptyProps,
  on,
  props,
} from '@ngrx/store';

/** What the value stream says about itself. Only `shared/realtime` sends these. */
export const StreamEvents = createActionGroup({
  source: 'Value stream',
  events: {
    Opened: emptyProps(),
    /** We are level with the server; `seq` is where we stand. */
    Ready: props<{ seq: number }>(),
    /** One event, or those of one task that came within a second of each other. */
    Received: props<{ events: AosEvent[] }>(),
    Lost: props<{ at: number; retryAt: number }>(),
    /** The window to resume from has passed, or the server's record began anew. */
    'Resync demanded': props<{ reason: string }>(),
    Closed: emptyProps(),
    /** Not the value stream but another one, of a page: the server does not open it to this session. */
    Refused: emptyProps(),
  },
});

interface ConnectionState {
  status: 'off' | 'connecting' | 'catching-up' | 'live' | 'lost';
  /** The last seq that was applied here, which is where a reconnect resumes. */
  seq: number | null;
  /** Events that came in since the line was back and before the server said that we are level with it. */
  caughtUp: number;
  lostAt: number | null;
  retryAt: number | null;
}

const initial: ConnectionState = {
  status: 'off',
  seq: null,
  caughtUp: 0,
  lostAt: null,
  retryAt: null,
};

export const connection = createFeature({
  name: 'connection',
  reducer: createReducer(
    initial,
    on(StreamEvents.opened, (state): ConnectionState => ({
      ...state,
      status: state.status === 'off' ? 'connecting' : 'catching-up',
      caughtUp: 0,
    })),
    on(StreamEvents.ready, (state, { seq }): ConnectionState => ({
      ...state,
      seq,
      status: 'live',
      lostAt: null,
      retryAt: null,
    })),
    on(StreamEvents.lost, (state, { at, retryAt }): ConnectionState => ({
      ...state,
      status: 'lost',
      lostAt: state.lostAt ?? at,
      retryAt,
    })),
    on(StreamEvents.resyncDemanded, (state): ConnectionState => ({ ...state, seq: null })),
    on(StreamEvents.closed, (): ConnectionState => initial),
    on(StreamEvents.received, (state, { events }): ConnectionState => {
      const last = events.at(-1)?.seq ?? 0;
      return {
        ...state,
        seq: Math.max(state.seq ?? 0, last),
        caughtUp: state.status === 'catching-up' ? state.caughtUp + events.length : 0,
      };
    }),
  ),
});
