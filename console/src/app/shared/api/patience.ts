import { HttpErrorResponse, type HttpInterceptorFn, type HttpRequest } from '@angular/common/http';
import { throwError, timeout } from 'rxjs';

/** Longer than the longest page of a list takes over a slow line. */
const READ_WITHIN_MS = 60_000;
/** A write is a few statements of the database. */
const WRITE_WITHIN_MS = 30_000;
/** Until a server that is being registered, tried or moved has been started, greeted and asked for its tools. */
const SERVER_WITHIN_MS = 120_000;
/** A tool decides for itself how long it takes, up to ten minutes; then the server answers in its place. */
const CALL_WITHIN_MS = 660_000;

/**
 * What nobody answers ends as what found no server: the page says so, and the same can be asked or sent once more. A
 * write goes under its first key again (see `UnansweredWrites`), so it is done once, even where it was done. Files may
 * take as long as they take.
 */
export const endWaits: HttpInterceptorFn = (request, next) => {
  const limitMs = limitOf(request);
  if (limitMs === null) return next(request);
  const gone = () => new HttpErrorResponse({ status: 0, url: request.url });
  return next(request).pipe(timeout({ each: limitMs, with: () => throwError(gone) }));
};

function limitOf({ method, url, body, responseType }: HttpRequest<unknown>): number | null {
  if (method === 'GET') return responseType === 'json' ? READ_WITHIN_MS : null;
  if (body instanceof FormData || body instanceof Blob) return null;
  if (/\/mcp\/call$/.test(url)) return CALL_WITHIN_MS;
  return /\/mcp\/registry\b/.test(url) ? SERVER_WITHIN_MS : WRITE_WITHIN_MS;
}
