import { DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { Actions, ofType } from '@ngrx/effects';
import { StreamEvents } from '../state/connection';

const AT_MOST_EVERY_MS = 1_000;

/** A question to the server: closed once it is answered, or is not going to be. A subscription is one. */
export interface Asked {
  readonly closed: boolean;
}

/**
 * Keeps what a page shows as it is on the server: asks again when the stream tells of something, at most once a
 * second, and every few seconds besides, for the changes that the value stream does not tell of. A page that nobody
 * looks at rests, and catches up when it is looked at again.
 *
 * Nothing is asked while something that was asked before is without its answer: over a slow line the questions would
 * come to more and more, and a browser has six connections to a server, of which a save needs one too.
 */
export function keepFresh(ask: () => readonly Asked[], everyMs = 5_000): void {
  // Not by the time of day: a clock that is set back would hold the next question up until it has caught up.
  let askedAt = performance.now();
  let asked: readonly Asked[] = [];
  let later: ReturnType<typeof setTimeout> | undefined;
  const now = () => {
    later = undefined;
    if (document.visibilityState !== 'visible') return;
    const isUnderWay = asked.some(({ closed }) => !closed);
    askedAt = performance.now();
    if (isUnderWay) return soon();
    asked = ask();
  };
  const soon = () => {
    later ??= setTimeout(now, Math.max(0, askedAt + AT_MOST_EVERY_MS - performance.now()));
  };
  const timer = setInterval(() => {
    if (performance.now() - askedAt >= everyMs) soon();
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
