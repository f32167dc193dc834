import { Injectable, inject, signal } from '@angular/core';
import { type NavigationError, type PreloadingStrategy, type Route } from '@angular/router';
import { EMPTY, Observable, catchError, from, switchMap } from 'rxjs';
import { stored } from '../shared/ui/preferences';

const isMissingChunk = (error: unknown) =>
  error instanceof Error && /dynamically imported module|module script failed/i.test(error.message);
const RELOADED_AT = 'reloaded-at';
const NOT_AGAIN_WITHIN_MS = 30_000;

/**
 * A room is fetched when it is wanted, and that may fail: the line is down, or a new release has taken the files of
 * the one that is open away. In the latter case the address is loaded anew, with the new release; else the person is
 * told, and stays where they are with everything that they see.
 */
@Injectable({ providedIn: 'root' })
export class RoomLoading {
  /** The address that could not be reached. */
  readonly failed = signal<string | null>(null);

  async onError({ url, error }: NavigationError): Promise<void> {
    if (!isMissingChunk(error)) return;
    const answer = await fetch('/health/live', { cache: 'no-store' }).catch(() => null);
    const isFirstTry = Date.now() - Number(stored.get(RELOADED_AT) ?? 0) > NOT_AGAIN_WITHIN_MS;
    if (answer?.ok && isFirstTry) {
      stored.set(RELOADED_AT, String(Date.now()));
      location.assign(new URL(url.slice(1), document.baseURI));
    } else this.failed.set(url);
  }
}

export const onNavigationError = (error: NavigationError): void =>
  void inject(RoomLoading).onError(error);

type Slow = Navigator & { connection?: { saveData?: boolean; effectiveType?: string } };

/**
 * Fetches the rooms that are not open, one after the other and only while the browser has nothing better to do, so
 * that a change of rooms waits for nothing. Not over a line that is slow or paid for by the byte.
 */
@Injectable({ providedIn: 'root' })
export class FetchWhenIdle implements PreloadingStrategy {
  preload(_route: Route, load: () => Observable<unknown>): Observable<unknown> {
    const { connection } = navigator as Slow;
    if (connection?.saveData || /2g|3g/.test(connection?.effectiveType ?? '')) return EMPTY;
    return from(idle()).pipe(
      switchMap(load),
      catchError(() => EMPTY),
    );
  }
}

const idle = () =>
  new Promise<void>((resolve) => {
    if ('requestIdleCallback' in window) requestIdleCallback(() => resolve());
    else setTimeout(resolve, 1_000);
  });
