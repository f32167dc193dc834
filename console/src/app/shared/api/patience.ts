import { HttpErrorResponse, type HttpInterceptorFn } from '@angular/common/http';
import { throwError, timeout } from 'rxjs';

/** Longer than the longest page of a list takes over a slow line. */
const READ_WITHIN_MS = 60_000;

/**
 * A read that nobody answers ends as one that found no server: the page says so, and can ask again. Files may take as
 * long as they take, and so may writes: a tool that is called decides for itself how long that is.
 */
export const endReads: HttpInterceptorFn = (request, next) => {
  if (request.method !== 'GET' || request.responseType !== 'json') return next(request);
  const gone = () => new HttpErrorResponse({ status: 0, url: request.url });
  return next(request).pipe(timeout({ each: READ_WITHIN_MS, with: () => throwError(gone) }));
};
