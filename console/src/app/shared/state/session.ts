import { inject } from '@angular/core';
import { Router } from '@angular/router';
import type { Me, Permission, Problem } from '@aos/contracts';
import { Actions, createEffect, ofType } from '@ngrx/effects';
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
import { catchError, exhaustMap, filter, map, of, switchMap, tap } from 'rxjs';
import { AosApi } from '../api/aos-api';
import { type Call, done, idle, loading, toProblem } from '../api/problem';

export const SessionEvents = createActionGroup({
  source: 'Session',
  events: {
    'Asked for': emptyProps(),
    Found: props<{ me: Me }>(),
    'Not found': emptyProps(),
    Unreachable: props<{ problem: Problem }>(),
    'Sign in pressed': props<{ email: string; password: string; code?: string; next: string }>(),
    'Signed in': props<{ me: Me; next: string }>(),
    'Sign in refused': props<{ problem: Problem }>(),
    'Sign out pressed': emptyProps(),
    /** `from`: the provider whose own session goes on, where it can be asked to end it. */
    'Signed out': props<{ from?: string | undefined }>(),
    Expired: emptyProps(),
    /** The settings have come to want a second factor of whoever is here. */
    'Second factor wanted': emptyProps(),
    /** The address that this browser comes from is not, or not any more, one of those that may. */
    'Address refused': props<{ problem: Problem }>(),
  },
});

/** What is told of the address a browser comes from: nothing else of AOS is open to it. */
export const isOfAddress = ({ code }: Problem): boolean => code === 'address_refused';

interface SessionState {
  /** `unknown` until the server has said who the cookie belongs to. */
  status: 'unknown' | 'signed-in' | 'signed-out' | 'unreachable' | 'refused';
  /** Why, where it is refused. */
  refusal: Problem | null;
  me: Me | null;
  signIn: Call;
  /** The session ended by itself or elsewhere, not by a press of the button here. */
  hasExpired: boolean;
  /** From the press of the button until the page is loaded anew: that the session has ended is no news then. */
  isLeaving: boolean;
}

const initial: SessionState = {
  status: 'unknown',
  refusal: null,
  me: null,
  signIn: idle,
  hasExpired: false,
  isLeaving: false,
};
const out = (state: SessionState): SessionState => ({
  ...state,
  status: 'signed-out',
  me: null,
  signIn: idle,
});

export const session = createFeature({
  name: 'session',
  reducer: createReducer(
    initial,
    on(SessionEvents.found, (state, { me }): SessionState => ({
      ...state,
      status: 'signed-in',
      me,
    })),
    on(SessionEvents.notFound, SessionEvents.signedOut, out),
    on(SessionEvents.signOutPressed, (state): SessionState => ({ ...state, isLeaving: true })),
    on(SessionEvents.expired, (state): SessionState =>
      state.isLeaving ? state : { ...out(state), hasExpired: true },
    ),
    on(SessionEvents.secondFactorWanted, (state): SessionState => ({
      ...state,
      me: state.me && { ...state.me, mustSetUpSecondFactor: true },
    })),
    on(SessionEvents.addressRefused, (state, { problem }): SessionState => ({
      ...out(state),
      status: 'refused',
      refusal: problem,
    })),
    on(SessionEvents.unreachable, (state): SessionState => ({ ...state, status: 'unreachable' })),
    on(SessionEvents.signInPressed, (state): SessionState => ({ ...state, signIn: loading })),
    on(SessionEvents.signedIn, (_, { me }): SessionState => ({
      status: 'signed-in',
      refusal: null,
      me,
      signIn: done,
      hasExpired: false,
      isLeaving: false,
    })),
    on(SessionEvents.signInRefused, (state, { problem }): SessionState => ({
      ...state,
      signIn: { state: 'failed', problem },
    })),
  ),
  extraSelectors: ({ selectMe }) => ({
    selectMay: (permission: Permission) =>
      createSelector(selectMe, (me) => me?.permissions.includes(permission) ?? false),
  }),
});

export const askWhoIsHere = createEffect(
  (actions = inject(Actions), api = inject(AosApi)) =>
    actions.pipe(
      ofType(SessionEvents.askedFor),
      switchMap(() =>
        api.me().pipe(
          map((me) => SessionEvents.found({ me })),
          catchError((error: unknown) => {
            const problem = toProblem(error);
            if (isOfAddress(problem)) return of(SessionEvents.addressRefused({ problem }));
            return of(
              problem.status === 401
                ? SessionEvents.notFound()
                : SessionEvents.unreachable({ problem }),
            );
          }),
        ),
      ),
    ),
  { functional: true },
);

/** The answer of the login holds a bearer token; the console lets it go and lives by the cookie. */
export const signIn = createEffect(
  (actions = inject(Actions), api = inject(AosApi)) =>
    actions.pipe(
      ofType(SessionEvents.signInPressed),
      exhaustMap(({ email, password, code, next }) =>
        api.login(email, password, code).pipe(
          switchMap(() => api.me()),
          map((me) => SessionEvents.signedIn({ me, next })),
          catchError((error: unknown) => {
            const problem = toProblem(error);
            return of(
              isOfAddress(problem)
                ? SessionEvents.addressRefused({ problem })
                : SessionEvents.signInRefused({ problem }),
            );
          }),
        ),
      ),
    ),
  { functional: true },
);

/** Only a path of this console: `next` comes from the address bar. */
export const insideOnly = (next: string | undefined): string =>
  next && /^\/(?![/\\])/.test(next) ? next : '/chat';

export const enter = createEffect(
  (actions = inject(Actions), router = inject(Router)) =>
    actions.pipe(
      ofType(SessionEvents.signedIn),
      tap(({ next }) => void router.navigateByUrl(insideOnly(next))),
    ),
  { functional: true, dispatch: false },
);

/** Nothing else is open to them before: to where it is set up, and back to this page afterwards. */
export const setUpFirst = createEffect(
  (actions = inject(Actions), router = inject(Router)) =>
    actions.pipe(
      ofType(SessionEvents.secondFactorWanted),
      tap(() => void router.navigate(['/second-factor'], { queryParams: { next: router.url } })),
    ),
  { functional: true, dispatch: false },
);

/** At the door it says why; from there it leads back to this page once the address is allowed. */
export const stayOutside = createEffect(
  (actions = inject(Actions), router = inject(Router)) =>
    actions.pipe(
      ofType(SessionEvents.addressRefused),
      filter(() => router.navigated && !router.url.startsWith('/sign-in')),
      tap(() => void router.navigate(['/sign-in'], { queryParams: { next: router.url } })),
    ),
  { functional: true, dispatch: false },
);

export const signOut = createEffect(
  (
    actions = inject(Actions),
    api = inject(AosApi),
    me = inject(Store).selectSignal(session.selectMe),
  ) =>
    actions.pipe(
      ofType(SessionEvents.signOutPressed),
      exhaustMap(() => {
        const by = me()?.signedInBy;
        const from = by?.endsSession ? by.name : undefined;
        return api.logout().pipe(
          catchError(() => of(null)),
          map(() => SessionEvents.signedOut({ from })),
        );
      }),
    ),
  { functional: true },
);

/**
 * Signing out loads the page anew, so that nothing of one person's session is left in memory for the next. The
 * socket may hear of the end before the request that asked for it is answered: that leads nowhere by itself.
 */
export const leave = createEffect(
  (
    actions = inject(Actions),
    router = inject(Router),
    isLeaving = inject(Store).selectSignal(session.selectIsLeaving),
  ) =>
    actions.pipe(
      ofType(SessionEvents.signedOut, SessionEvents.expired),
      filter(({ type }) => type === SessionEvents.signedOut.type || !isLeaving()),
      tap((event) => {
        const { type } = event;
        const from = 'from' in event ? event.from : undefined;
        // Drafts are for the one who wrote them. A session that only ran out is taken up again by the same person.
        if (type === SessionEvents.signedOut.type) sessionStorage.clear();
        const isExpired = type === SessionEvents.expired.type;
        const isAtTheDoor = router.url.startsWith('/sign-in');
        // Each request that was under way says so: who is at the door already keeps the address to come back to.
        if (isExpired && isAtTheDoor) return;
        const next = isExpired && router.url !== '/' ? router.url : undefined;
        void router
          .navigate(['/sign-in'], { queryParams: { next, from } })
          .then(() => type === SessionEvents.signedOut.type && location.reload());
      }),
    ),
  { functional: true, dispatch: false },
);
