import type { HttpInterceptorFn } from '@angular/common/http';
import { HttpErrorResponse } from '@angular/common/http';
import { inject } from '@angular/core';
import { Store } from '@ngrx/store';
import { tap } from 'rxjs';
import { SessionEvents, session } from '../state/session';

const isRead = (method: string) => method === 'GET' || method === 'HEAD';

/** Every write carries the session's CSRF token and a key that makes a repeat of it harmless. */
export const guardWrites: HttpInterceptorFn = (request, next) => {
  if (isRead(request.method)) return next(request);
  const token = inject(Store).selectSignal(session.selectMe)()?.csrfToken;
  let headers = request.headers;
  if (token) headers = headers.set('x-csrf-token', token);
  if (!headers.has('idempotency-key'))
    headers = headers.set('idempotency-key', crypto.randomUUID());
  return next(request.clone({ headers }));
};

/** A session that ended elsewhere shows as a 401 here: back to the door, and to this page afterwards. */
export const noticeExpiry: HttpInterceptorFn = (request, next) => {
  const store = inject(Store);
  return next(request).pipe(
    tap({
      error: (error: unknown) => {
        const isDoor = request.url.startsWith('/auth/');
        if (error instanceof HttpErrorResponse && error.status === 401 && !isDoor) {
          store.dispatch(SessionEvents.expired());
        }
      },
    }),
  );
};
