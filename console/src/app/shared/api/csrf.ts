import type { HttpInterceptorFn, HttpRequest } from '@angular/common/http';
import { HttpErrorResponse, HttpEventType } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import { Store } from '@ngrx/store';
import { tap } from 'rxjs';
import { SessionEvents, isOfAddress, session } from '../state/session';
import { OtherTabs } from './other-tabs';
import { toProblem } from './problem';

const isRead = (method: string) => method === 'GET' || method === 'HEAD';

/** No answer came, or one of somebody on the way who had none either, or it is not done yet: it may be all the same. */
const isOpen = (error: unknown) =>
  error instanceof HttpErrorResponse &&
  ([0, 502, 504].includes(error.status) || toProblem(error).code === 'idempotency_in_progress');

/**
 * Keys of writes that were sent and not answered, by what was sent. Whoever sends the same once more means that one:
 * under the same key it is done once, and the first answer is given if there was one. Any write that is answered ends
 * this for all of them, for it may have made another thing of what the same words ask for.
 */
@Injectable({ providedIn: 'root' })
export class UnansweredWrites {
  private readonly keys = new Map<string, string>();

  keyOf(what: string | null): string {
    return (what !== null && this.keys.get(what)) || crypto.randomUUID();
  }
  keep(what: string | null, key: string): void {
    if (what !== null) this.keys.set(what, key);
  }
  clear(): void {
    this.keys.clear();
  }
}

/** Null for a body that is no JSON: a file is not compared. */
function sent({ method, urlWithParams, headers, body }: HttpRequest<unknown>): string | null {
  if (body instanceof FormData || body instanceof Blob) return null;
  return JSON.stringify([method, urlWithParams, headers.get('if-match'), body]);
}

/** Every write carries the session's CSRF token and a key that makes a repeat of it harmless. */
export const guardWrites: HttpInterceptorFn = (request, next) => {
  if (isRead(request.method)) return next(request);
  const unanswered = inject(UnansweredWrites);
  const others = inject(OtherTabs);
  const token = inject(Store).selectSignal(session.selectMe)()?.csrfToken;
  const what = sent(request);
  const key = request.headers.get('idempotency-key') ?? unanswered.keyOf(what);
  let headers = request.headers.set('idempotency-key', key);
  if (token) headers = headers.set('x-csrf-token', token);
  return next(request.clone({ headers })).pipe(
    tap({
      next: ({ type }) => {
        if (type !== HttpEventType.Response) return;
        unanswered.clear();
        others.tell();
      },
      error: (error: unknown) => {
        if (isOpen(error)) unanswered.keep(what, key);
        else unanswered.clear();
      },
    }),
  );
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
        const problem = toProblem(error);
        if (isOfAddress(problem) && !isDoor)
          store.dispatch(SessionEvents.addressRefused({ problem }));
        // Where it is known already, the way there is taken: the page that was asked for is where it leads back to.
        if (
          problem.code === 'second_factor_required' &&
          !store.selectSignal(session.selectMe)()?.mustSetUpSecondFactor
        )
          store.dispatch(SessionEvents.secondFactorWanted());
      },
    }),
  );
};
