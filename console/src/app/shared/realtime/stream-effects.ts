import { inject } from '@angular/core';
import { Actions, createEffect, ofType } from '@ngrx/effects';
import { EMPTY, catchError, exhaustMap, ignoreElements, of, tap } from 'rxjs';
import { AosApi } from '../api/aos-api';
import { toProblem } from '../api/problem';
import { StreamEvents } from '../state/connection';
import { SessionEvents, isOfAddress } from '../state/session';
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
        SessionEvents.addressRefused,
      ),
      tap((event) =>
        'me' in event && !event.me.mustSetUpSecondFactor ? stream.open() : stream.close(),
      ),
    ),
  { functional: true, dispatch: false },
);

/** A socket or a stream that is refused does not say why. Ask: the server is away, or the session has ended, or the address may not come in any more. */
export const noticeEndOfSession = createEffect(
  (actions = inject(Actions), api = inject(AosApi)) =>
    actions.pipe(
      ofType(StreamEvents.lost, StreamEvents.refused),
      exhaustMap(() =>
        api.me().pipe(
          ignoreElements(),
          catchError((error: unknown) => {
            const problem = toProblem(error);
            if (isOfAddress(problem)) return of(SessionEvents.addressRefused({ problem }));
            return problem.status === 401 ? of(SessionEvents.expired()) : EMPTY;
          }),
        ),
      ),
    ),
  { functional: true },
);
