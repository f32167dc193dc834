import { inject } from '@angular/core';
import { Actions, createEffect, ofType } from '@ngrx/effects';
import { EMPTY, catchError, exhaustMap, ignoreElements, of, tap } from 'rxjs';
import { AosApi } from '../api/aos-api';
import { toProblem } from '../api/problem';
import { StreamEvents } from '../state/connection';
import { SessionEvents } from '../state/session';
import { EventStream } from './event-stream';

/** The stream is open for as long as somebody is signed in, and has nothing to set up before. */
export const followSession = createEffect(
  (actions = inject(Actions), stream = inject(EventStream)) =>
    actions.pipe(
      ofType(
        SessionEvents.found,
        SessionEvents.signedIn,
        SessionEvents.signedOut,
        SessionEvents.expired,
      ),
      tap((event) =>
        'me' in event && !event.me.mustSetUpSecondFactor ? stream.open() : stream.close(),
      ),
    ),
  { functional: true, dispatch: false },
);

/** A socket that is refused does not say why. Ask: either the server is away, or the session has ended. */
export const noticeEndOfSession = createEffect(
  (actions = inject(Actions), api = inject(AosApi)) =>
    actions.pipe(
      ofType(StreamEvents.lost),
      exhaustMap(() =>
        api.me().pipe(
          ignoreElements(),
          catchError((error: unknown) =>
            toProblem(error).status === 401 ? of(SessionEvents.expired()) : EMPTY,
          ),
        ),
      ),
    ),
  { functional: true },
);
