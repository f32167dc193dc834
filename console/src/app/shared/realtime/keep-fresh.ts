import { DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { Actions, ofType } from '@ngrx/effects';
import { StreamEvents } from '../state/connection';

const AT_MOST_EVERY_MS = 1_000;

/**
 * Keeps what a page shows as it is on the server: asks again when the stream tells of something, at most once a
 * second, and every few seconds besides, for the changes that the value stream does not tell of. A page that nobody
 * looks at rests, and catches up when it is looked at again.
 */
export function keepFresh(ask: () => void, everyMs = 5_000): void {
  let askedAt = Date.now();
  let later: ReturnType<typeof setTimeout> | undefined;
  const now = () => {
    later = undefined;
    if (document.visibilityState !== 'visible') return;
    askedAt = Date.now();
    ask();
  };
  const soon = () => {
    later ??= setTimeout(now, Math.max(0, askedAt + AT_MOST_EVERY_MS - Date.now()));
  };
  const timer = setInterval(() => {
    if (Date.now() - askedAt >= everyMs) soon();
  }, everyMs);
  document.addEventListener('visibilitychange', soon);
  inject(Actions)
    .pipe(ofType(StreamEvents.received, StreamEvents.resyncDemanded), takeUntilDestroyed())
    .subscribe(soon);
  inject(DestroyRef).onDestroy(() => {
    clearInterval(timer);
    clearTimeout(later);
    document.removeEventListener('visibilitychange', soon);
  });
}
