import { DestroyRef, type Signal, effect, inject, signal } from '@angular/core';
import { ServerEvents } from '../../shared/realtime/server-events';

/**
 * Follows a stream of server-sent events for as long as the page is there and somebody looks at it; a null address
 * closes it. `isLive` says whether the line stands.
 */
export function followSource<T>(
  address: () => string | null,
  event: string,
  take: (data: T) => void,
): Signal<boolean> {
  const lines = inject(ServerEvents);
  const isLive = signal(false);
  const isSeen = signal(document.visibilityState === 'visible');
  const look = () => isSeen.set(document.visibilityState === 'visible');
  document.addEventListener('visibilitychange', look);
  inject(DestroyRef).onDestroy(() => document.removeEventListener('visibilitychange', look));
  effect((onCleanup) => {
    const url = address();
    if (url === null || !isSeen()) return;
    const close = lines.follow({
      address: () => url,
      event,
      take: (data) => {
        isLive.set(true);
        take(JSON.parse(data) as T);
      },
      tell: (isNow) => isLive.set(isNow),
    });
    onCleanup(() => {
      close();
      isLive.set(false);
    });
  });
  return isLive.asReadonly();
}
